"""The files of the project, read once: what the checks look at."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUR_PACKAGES = ("auction", "worlddata", "shardnode", "clients", "load_tests")


class Source:
    """One Python file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text("utf-8")
        self.tree = ast.parse(self.text, self.name)
        self.module = self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, line: int) -> str:
        """A place, as editors understand it."""
        return f"{self.name}:{line}"


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, those included that git does not know yet, those left out that it is to ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = {name for name in listing.stdout.decode().split("\0") if name}
    return tuple(path for path in (ROOT / name for name in sorted(names)) if path.is_file())


@cache
def python_sources() -> tuple[Source, ...]:
    """Every Python file."""
    return tuple(Source(path) for path in project_files() if path.suffix == ".py")


@cache
def our_sources() -> tuple[Source, ...]:
    """The Python files of the program, tests left out."""
    return tuple(source for source in python_sources() if source.module.split(".")[0] in OUR_PACKAGES)


@cache
def documents() -> dict[str, str]:
    """Every Markdown file: name and text."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in project_files() if path.suffix == ".md"
    }


def page(name: str) -> str:
    """A document that has to be there."""
    text = documents().get(name, "")
    assert text, f"{name} is missing or empty; write it"
    return text


def report(problems: list[str], heading: str) -> str:
    """A failed check's message: what is asked, then each place and its mend."""
    return "\n  ".join([heading, *problems])
