"""Habits that a linter does not know: how tests are written, and how a rule of the linters is set aside.

What ruff knows is in its configuration: docstrings (D1), commented-out code (ERA), bare suppressions (PGH), printing
(T20).
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.project.repository import Source, python_sources, report

SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma|mypy:|ruff:|nosec)")
REASONED = re.compile(
    r"# noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \S.*"
    r"|# type: ignore\[[a-z-]+(, [a-z-]+)*\]  # \S.*"
)
CLOCK_MODULES = {"time", "asyncio", "twisted.internet.task"}


def test_every_test_says_in_one_sentence_what_it_proves() -> None:
    """The first line of a test's docstring is a whole sentence, so that a list of tests reads as a specification."""
    problems = [
        f"{source.at(test.lineno)}: {test.name} needs a docstring of one sentence that ends with a full stop"
        for source, test in _tests()
        if not _is_sentence(ast.get_docstring(test))
    ]
    assert not problems, report(problems, "tests that do not say what they prove:")


def test_no_test_sleeps() -> None:
    """Tests wait for what they need to happen, or turn a clock of their own; none lets real time pass."""
    problems = [
        f"{source.at(node.lineno)}: sleeping makes tests slow and chancy; wait for the event, or use a clock by hand"
        for source in python_sources()
        if source.name.startswith("tests/")
        for node in ast.walk(source.tree)
        if _sleeps(node)
    ]
    assert not problems, report(problems, "tests that sleep:")


def test_a_rule_is_set_aside_only_with_its_name_and_a_reason() -> None:
    """Whoever suppresses a finding says which and why, on the line: `noqa: X1 - why`, `type: ignore[x]  # why`."""
    problems = [
        f"{source.at(line)}: {comment}; name the rule and give the reason"
        for source in python_sources()
        for line, comment in _comments(source)
        if SUPPRESSION.match(comment) and not REASONED.fullmatch(comment)
    ]
    assert not problems, report(problems, "suppressions without a reason:")


def _tests() -> Iterator[tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for source in python_sources():
        if source.name.startswith("tests/"):
            for node in ast.walk(source.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    yield source, node


def _is_sentence(docstring: str | None) -> bool:
    first = (docstring or "").split("\n\n")[0].strip()
    return len(first.split()) >= 3 and first.endswith(".")


def _sleeps(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in CLOCK_MODULES and any(alias.name == "sleep" for alias in node.names)
    return isinstance(node, ast.Attribute) and node.attr == "sleep"


def _comments(source: Source) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
