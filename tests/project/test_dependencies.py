"""What is installed: declared, pinned with hashes, and accounted for."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.repository import OUR_PACKAGES, ROOT, Source, our_sources, page, python_sources, report

BROUGHT_ALONG = {"zope-interface": "twisted", "pyopenssl": "twisted"}
"""Libraries that are part of another's interface: what Twisted's own classes are written in, and take."""
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)(?P<rest>.*)$")


def test_every_dependency_is_accounted_for() -> None:
    """docs/dependencies.md says of each dependency what it is for and what else was considered."""
    rows = {
        canonicalize_name(cells[0].strip().strip("`")): cells
        for line in page("docs/dependencies.md").splitlines()
        if line.startswith("| `") and (cells := line.strip("|").split("|"))
    }
    missing = sorted(_declared().keys() - rows.keys())
    assert not missing, report(missing, "add a row to docs/dependencies.md for:")
    gone = sorted(rows.keys() - _declared().keys())
    assert not gone, report(gone, "docs/dependencies.md speaks of what pyproject.toml does not ask for:")
    empty = sorted(name for name, cells in rows.items() if len(cells) < 3 or not all(cell.strip() for cell in cells))
    assert not empty, report(empty, "say what for, and what else was considered:")


def test_what_the_program_imports_is_declared_and_what_is_declared_is_imported() -> None:
    """No library comes in by way of another, and none is asked for that nobody uses."""
    project = _project()["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    imported = _imported(our_sources())
    needed = _imported(source for source in our_sources() if not source.module.startswith("load_tests."))
    assert not needed - declared, report(sorted(needed - declared), "declare these in pyproject.toml:")
    assert not declared - imported, report(sorted(declared - imported), "nobody imports these; take them out:")


def test_what_only_tests_import_is_declared() -> None:
    """The tests and load tests, too, say which libraries they use."""
    missing = sorted(_imported(python_sources()) - _declared().keys())
    assert not missing, report(missing, "declare these in pyproject.toml, in the group dev:")


def test_the_lock_satisfies_every_dependency() -> None:
    """requirements.lock holds each declared dependency in a version that pyproject.toml allows."""
    locked = _locked()
    problems = [
        f"{requirement}: the lock has {locked.get(name, 'none')}; run `make lock`"
        for name, requirement in _declared().items()
        if name not in locked or not requirement.specifier.contains(locked[name], prereleases=True)
    ]
    assert not problems, report(problems, "the lock does not fit pyproject.toml:")


def test_the_lock_has_hashes_and_no_addresses() -> None:
    """Each package of the lock is held to hashes, and none to a place that it comes from."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in text, "requirements.lock names an address; run `make lock`"
    unhashed = [
        entry.split("==")[0]
        for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " "))
        if "==" in entry and "--hash=sha256:" not in entry
    ]
    assert not unhashed, report(unhashed, "packages of the lock without a hash; run `make lock`:")
    assert len(_locked()) >= len(_declared())


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _declared() -> dict[str, Requirement]:
    texts = [*_project()["project"]["dependencies"], *_project()["dependency-groups"]["dev"]]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def _imported(sources: Iterable[Source]) -> set[str]:
    return {BROUGHT_ALONG.get(name, name) for source in sources for name in _libraries(source)}


def _libraries(source: Source) -> set[str]:
    """Names of the distributions that a file imports from."""
    modules = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            modules.add(node.module.split(".")[0])
    outside = modules - set(OUR_PACKAGES) - {"tests"} - sys.stdlib_module_names
    return {canonicalize_name(_distributions().get(module, [module])[0]) for module in outside}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins = (match for line in lines if (match := PINNED.match(line)))
    return {canonicalize_name(pin["name"]): pin["version"] for pin in pins}
