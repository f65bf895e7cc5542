"""The repository is at home on every machine: no paths of one, no hosts that packages come from, nothing binary."""

import re

from tests.project.repository import ROOT, project_files, report

MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:home|root|Users|work|mnt|opt|private)/[\w.-]+")
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|anaconda|crates|rubygems|yarnpkg|docker)[.](?:org|com|io)|proxy[.]golang[.]org|[.]whl\b",
    re.IGNORECASE,
)
POSTPONED = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")
FILE_BYTES_MAX = 500_000


def test_no_file_names_a_path_of_one_machine() -> None:
    """What is written here holds wherever the repository is cloned."""
    problems = _lines_with(MACHINE_PATH, "write the path relative to the repository, or take it as an option")
    assert not problems, report(problems, "paths of one machine:")


def test_no_file_names_a_host_that_packages_come_from() -> None:
    """Where packages come from is each machine's own setting, not the project's."""
    problems = _lines_with(REGISTRY, "name the package, and leave its host to the installer's settings")
    assert not problems, report(problems, "hosts of registries:")


def test_nothing_is_postponed_in_a_comment() -> None:
    """What is to be done later is an issue; what is here is finished."""
    problems = _lines_with(POSTPONED, "do it, or open an issue and delete the line")
    assert not problems, report(problems, "postponed work:")


def test_every_file_is_text_and_of_a_size_that_people_read() -> None:
    """Nothing built, downloaded or measured is kept here."""
    problems = [
        f"{path.relative_to(ROOT)}: keep only what people wrote; build or download the rest"
        for path in project_files()
        if path.stat().st_size > FILE_BYTES_MAX or b"\0" in path.read_bytes()
    ]
    assert not problems, report(problems, "files that are no source:")


def _lines_with(pattern: re.Pattern[str], mend: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}; {mend}"
        for path in project_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if (match := pattern.search(line))
    ]
