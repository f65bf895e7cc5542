"""docs/extending.md is true: its edits, made in a copy of the project, give what the page says they give.

A block of the page is either an edit, which the line above it says, or commands and what they print (`console`):

    A new file `FILE`:
    In `FILE`, before `LINE`:               (or "after", or "in place of")
    In `FILE`, where it says `WORDS`:

`LINE` is how exactly one line of the file begins, its indentation left out; where blank lines stand above it, as many
stand below what is put before it. `WORDS` stand in the file once.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.project.repository import ROOT, page, project_files

PAGE = "docs/extending.md"
FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
NEW_FILE = re.compile(r"A new file `([^`]+)`:")
CHANGE = re.compile(r"In `([^`]+)`, (before|after|in place of|where it says) (`+)(.+)\3:")
PROGRAMS = {
    ".venv/bin/python": [sys.executable],
    ".venv/bin/auction": [sys.executable, "-m", "shardnode.cli"],
    ".venv/bin/ruff": [sys.executable, "-m", "ruff"],
    ".venv/bin/mypy": [sys.executable, "-m", "mypy"],
}
"""How the page calls a program → how it is called with the copy's own code."""
COMMAND_S_MAX = 240
"""A command that takes longer is stuck, however busy the machine is."""


class Edit(msgspec.Struct, frozen=True):
    """What one block puts where; `place` is None for a new file."""

    file: str
    place: str | None
    anchor: str
    text: str

    def make(self, project: Path) -> None:
        """Make the edit in a copy of the project; an AssertionError says what of it does not fit."""
        path = project / self.file
        if self.place is None:
            assert not path.exists(), f"{PAGE}: {self.file} is there already; the page cannot make it anew"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, "utf-8")
            return
        assert path.is_file(), f"{PAGE}: {self.file} is not there any more; name what took its place"
        text = path.read_text("utf-8")
        path.write_text(self._words_for(text) if self.place == "where it says" else self._lines_for(text), "utf-8")

    def _words_for(self, text: str) -> str:
        count = text.count(self.anchor)
        assert count == 1, f"{PAGE}: {self.file} says {self.anchor!r} {count} times; choose what it says once"
        return text.replace(self.anchor, self.text.removesuffix("\n"))

    def _lines_for(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        found = [number for number, line in enumerate(lines) if line.lstrip().startswith(self.anchor)]
        assert len(found) == 1, (
            f"{PAGE}: {len(found)} lines of {self.file} begin with {self.anchor!r}; choose what begins just one"
        )
        place = found[0]
        if self.place == "in place of":
            lines[place] = self.text
        elif self.place == "after":
            lines.insert(place + 1, self.text)
        else:
            blank = place - len("".join(lines[:place]).rstrip("\n").split("\n"))
            lines.insert(place, self.text + "\n" * blank)
        return "".join(lines)


class Command(msgspec.Struct, frozen=True):
    """A line that a reader types, and the lines that the page shows beneath it."""

    line: str
    shown: tuple[str, ...]

    def run(self, project: Path) -> None:
        """Run it in the copy; it must succeed, and print the lines shown among others."""
        program, *rest = shlex.split(self.line)
        done = subprocess.run(
            [*PROGRAMS[program], *rest],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(project)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        assert done.returncode == 0, f"{PAGE}: $ {self.line}\n{done.stdout}"
        missing = [line for line in self.shown if line not in done.stdout]
        assert not missing, f"{PAGE}: $ {self.line}\nprints no {missing}, but\n{done.stdout}"


def steps() -> list[Edit | Command]:
    """Everything that the page has a reader do, in its order."""
    text, found = page(PAGE), list[Edit | Command]()
    for block in FENCE.finditer(text):
        before = text[: block.start()].rstrip("\n").rsplit("\n", 1)[-1]
        if block[2] == "text" and not before.endswith("`:"):
            continue  # a picture
        if block[2] == "console":
            typed = block[3].replace("\\\n>", "").removeprefix("$ ").split("\n$ ")
            found += [Command(line, tuple(shown)) for line, *shown in (each.strip().split("\n") for each in typed)]
        elif new := NEW_FILE.fullmatch(before):
            found.append(Edit(new[1], None, "", block[3]))
        else:
            change = CHANGE.fullmatch(before)
            assert change is not None, f"{PAGE}: {before!r} does not say where the block under it goes"
            found.append(Edit(change[1], change[2], change[4].strip(), block[3]))
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of the project, known to git, so that the project's tests of itself find its files."""
    project = tmp_path / "project"
    for path in project_files():
        target = project / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    yield project
    shutil.rmtree(project)


def test_the_walk_is_true(copy: Path) -> None:
    """Each edit of the page finds its place, and each command, run when its turn comes, prints what the page shows."""
    for step in steps():
        step.make(copy) if isinstance(step, Edit) else step.run(copy)


@pytest.mark.parametrize("lines", [[], ["class Here:", "class Here(Other):"]], ids=["none", "two"])
def test_an_edit_that_does_not_fit_says_so(tmp_path: Path, lines: list[str]) -> None:
    """A page that names a line which is gone, or is not the only one, fails with the page, the file and the line."""
    (tmp_path / "file.py").write_text("\n".join(lines))
    with pytest.raises(AssertionError, match=r"extending\.md: \d lines of file\.py begin with 'class Here'"):
        Edit("file.py", "before", "class Here", "text\n").make(tmp_path)
