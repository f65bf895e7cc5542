"""Functions and files stay small enough to be read in one go."""

import ast
from collections.abc import Iterator

from tests.project.repository import Source, python_sources, report

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
"""Lines with code on them."""

LONG_FUNCTIONS: dict[str, str] = {}
"""`file:qualified.name` of a function that may be longer, with the reason."""


def test_functions_are_short() -> None:
    """A function fits on a screen; a longer one has its reason in LONG_FUNCTIONS."""
    problems = [
        f"{source.at(function.lineno)}: {name} has {lines} lines; it does more than one thing, give each a name"
        for source in python_sources()
        for name, function in _functions(source.tree)
        if (lines := _lines(function)) > FUNCTION_LINES_MAX and f"{source.name}:{name}" not in LONG_FUNCTIONS
    ]
    assert not problems, report(problems, f"functions of more than {FUNCTION_LINES_MAX} lines:")


def test_excuses_for_long_functions_are_still_needed() -> None:
    """Whoever shortens a function takes its excuse away with it."""
    long = {
        f"{source.name}:{name}"
        for source in python_sources()
        for name, function in _functions(source.tree)
        if _lines(function) > FUNCTION_LINES_MAX
    }
    idle = sorted(LONG_FUNCTIONS.keys() - long)
    assert not idle, report(idle, "take these out of LONG_FUNCTIONS:")


def test_files_are_short() -> None:
    """A file holds one idea; one that outgrows the bound holds two."""
    problems = [
        f"{source.at(1)}: {lines} lines of code; cut it where one idea ends and the next begins"
        for source in python_sources()
        if (lines := _code_lines(source)) > FILE_LINES_MAX
    ]
    assert not problems, report(problems, f"files of more than {FILE_LINES_MAX} lines of code:")


def _functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{child.name}", child
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _functions(child, f"{within}{child.name}.")
        else:
            yield from _functions(child, within)


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def _code_lines(source: Source) -> int:
    lines = (line.strip() for line in source.text.splitlines())
    return sum(1 for line in lines if line and not line.startswith("#"))
