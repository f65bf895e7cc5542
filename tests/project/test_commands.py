"""What documents tell people to type works: make targets, `auction` commands with their flags, modules to run."""

import re
from importlib.util import find_spec
from itertools import takewhile

import click
import pytest

from shardnode.cli import main
from tests.project.repository import ROOT, documents, page, report

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
TYPED = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?((?:auction|make|python3? -m) [^#\n]*)", re.MULTILINE)
PLACEHOLDER = re.compile(r"^[A-Z_]+$")


def test_readme_commands_exist() -> None:
    """README.md tells how to start, and every command of it is one that there is."""
    typed = _typed(page("README.md"))
    assert any(command.startswith("make run") for command in typed), "README.md: say how to start: `make run`"
    assert any(command.startswith("make test") for command in typed), "README.md: say how to test: `make test`"


@pytest.mark.parametrize("kind", ["make", "auction", "python"])
def test_commands_in_documents_exist(kind: str) -> None:
    """Every command line in a document names targets, subcommands, flags and modules that there are."""
    problems = [
        f"{name}: `{command}`: {fault}"
        for name, text in documents().items()
        for command in _typed(text)
        if command.startswith(kind) and (fault := _fault(command.split()))
    ]
    assert not problems, report(problems, "commands that do not work:")


def test_ci_runs_what_a_developer_runs() -> None:
    """`.ci/run` calls one make target, and that covers lint, types and tests."""
    assert "make check" in (ROOT / ".ci" / "run").read_text("utf-8")
    rule = re.search(r"^check:(.*?)(?:##.*)?$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert rule is not None and set(rule[1].split()) == {"lint", "types", "test"}


def _typed(text: str) -> list[str]:
    fenced = [command for block in FENCE.findall(text) for command in TYPED.findall(block)]
    inline = [command for code in INLINE.findall(FENCE.sub("", text)) for command in TYPED.findall(code)]
    return [command.strip() for command in (*fenced, *inline)]


def _fault(words: list[str]) -> str | None:
    if words[0] == "make":
        return _make_fault(words[1:])
    if words[0] == "auction":
        return _auction_fault(words[1:])
    return None if find_spec(words[2]) else f"there is no module {words[2]}"


def _make_fault(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    unknown = [word for word in takewhile(lambda word: re.fullmatch(r"[a-z-]+", word), words) if word not in targets]
    return f"the Makefile has no target {unknown[0]}" if unknown else None


def _auction_fault(words: list[str]) -> str | None:
    command: click.Command = main
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        if PLACEHOLDER.match(words[0]):
            return None
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"{command.name} has no subcommand {words[0]}"
        command, words = found, words[1:]
    flags = {flag for parameter in command.params for flag in parameter.opts} | {"--help", "--version"}
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0].strip("[].,") not in flags]
    return f"{command.name} has no flag {unknown[0]}" if unknown else None
