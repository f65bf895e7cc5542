"""House rules: an operator's TOML file over a catalog's rules."""

from pathlib import Path

import msgspec

from worlddata.identity import with_rules
from worlddata.problems import Problem, SourceError
from worlddata.relations import rules_faults
from worlddata.toml_tables import UnreadableError, parse_toml, read_fields, read_toml
from worlddata.types import Catalog, Rules


def overlay_rules(catalog: Catalog, source: Path | str) -> Catalog:
    """Return the catalog under house rules: one table ``[rules]`` with those keys of ``Rules`` that differ.

    ``source`` is the file, or the TOML text itself. The catalog returned has a version and a hash of its own when the
    rules differ at all. Raises ``SourceError`` with everything that there is to mend.
    """
    file = str(source) if isinstance(source, Path) else "house rules"
    try:
        document = read_toml(source) if isinstance(source, Path) else parse_toml(source)
    except UnreadableError as error:
        raise SourceError([Problem(file, "", str(error))]) from error
    table = document.get("rules")
    if not isinstance(table, dict) or len(document) > 1:
        raise SourceError([Problem(file, "", "write one table [rules], and nothing outside it")])
    values, faults = read_fields(Rules, table)
    rules = msgspec.structs.replace(catalog.rules, **values)
    problems = [Problem(file, "rules", fault) for fault in (*faults, *rules_faults(rules, catalog.commodities))]
    if problems:
        raise SourceError(problems)
    return with_rules(catalog, rules)
