"""How a program comes by its world: from the packaged sources, through a verified catalog file, under house rules."""

from pathlib import Path

from worlddata.catalog_file import catalog_file_name, open_catalog, write_catalog
from worlddata.house_rules import overlay_rules
from worlddata.toml_sources import read_sources
from worlddata.types import Catalog

PACKAGED_SOURCES = Path(__file__).parent / "sources"
"""The sources of the world that comes with this package."""


def load_catalog(data_dir: Path, rules_file: Path | None = None, sources_dir: Path = PACKAGED_SOURCES) -> Catalog:
    """Return a node's world: the catalog file in its data directory, under the operator's rules if there are any.

    The file is written first when ``data_dir`` has none of these sources. Raises ``WorldError``, whose message says
    what to mend, when the sources, the file or the rules cannot be used.
    """
    sources = read_sources(sources_dir)
    path = data_dir / catalog_file_name(sources)
    if not path.exists():
        write_catalog(sources, data_dir)
    catalog = open_catalog(path)
    return overlay_rules(catalog, rules_file) if rules_file else catalog


def build_catalog(sources_dir: Path, out_dir: Path) -> Path:
    """Write the catalog file of some sources into a directory and return its path. Raises ``WorldError``."""
    return write_catalog(read_sources(sources_dir), out_dir)
