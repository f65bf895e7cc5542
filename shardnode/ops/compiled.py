"""Whether this program runs compiled, and whether what was compiled is what the sources say now.

`make compiled` leaves a tree of its own: all sources, and beside some of them extension modules made of them. A tree
knows which sources it was made of. Once these say something else it must not be run: nobody would know what runs.
"""

import hashlib
import sys
from pathlib import Path

import msgspec

import auction.house

PACKAGES = ("auction", "clients", "shardnode", "worlddata")
"""What the `auction` command consists of."""
STAMP = "made-of.json"


class MadeOf(msgspec.Struct, frozen=True):
    """What a compiled tree was made of."""

    sources: str
    """The directory that has the packages."""
    digest: str


def is_compiled() -> bool:
    """Whether the rules are an extension module."""
    return Path(auction.house.__file__).suffix != ".py"


def sources_digest(sources: Path) -> str:
    """SHA-256 over the files of all packages and the Python that they are compiled for, in hexadecimal."""
    digest = hashlib.sha256(str(sys.implementation.cache_tag).encode())
    for package in PACKAGES:
        for path in sorted((sources / package).rglob("*.*")):
            if path.suffix in (".py", ".toml"):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(sources)}\n{len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()


def is_stale(tree: Path) -> bool:
    """Whether a compiled tree was made of other sources than there are now; not where the sources are gone."""
    stamp = tree / STAMP
    if not stamp.is_file():
        return False
    made_of = msgspec.json.decode(stamp.read_bytes(), type=MadeOf)
    sources = Path(made_of.sources)
    return (sources / "auction").is_dir() and sources_digest(sources) != made_of.digest


def is_made_of(tree: Path, sources: Path) -> bool:
    """Whether there is a compiled tree of just these sources, as they are now and where they are."""
    stamp = tree / STAMP
    if not stamp.is_file():
        return False
    made_of = msgspec.json.decode(stamp.read_bytes(), type=MadeOf)
    return made_of == MadeOf(str(sources), sources_digest(sources))


def running_tree() -> Path:
    """The directory that this program's packages are in."""
    return Path(auction.__file__).parents[1]
