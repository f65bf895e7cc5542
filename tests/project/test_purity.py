"""The core decides on what it is given: no clock, chance, disk, socket or output of its own, no fractions of gold."""

import ast
from collections.abc import Iterator

from tests.project.repository import OUR_PACKAGES, Source, our_sources, report

PURE = (
    "auction/",
    "shardnode/agreement/",
    "shardnode/wire/",
    "shardnode/gateway/rate.py",
    "shardnode/gateway/session.py",
    "clients/codec.py",
    "clients/effects.py",
    "clients/errors.py",
    "clients/inbox.py",
    "clients/route.py",
    "clients/session.py",
)
"""Folders and files without effects: the rules, and every protocol core."""

PURE_LIBRARY = {
    *("abc", "base64", "bisect", "collections", "collections.abc", "contextlib", "dataclasses", "enum", "functools"),
    *("hashlib", "heapq", "itertools", "math", "operator", "re", "string", "struct", "types", "typing", "unicodedata"),
    "__future__",
}
"""What these may use of the standard library: nothing of it knows the time, the machine, or chance."""

PURE_LIBRARIES = {"msgspec", "msgspec.structs", "twisted.internet.defer", "twisted.python.failure"}
"""Of other libraries; a Deferred is an answer yet to come and a Failure a value, neither knows a reactor."""

BANNED_NAMES = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}

AMOUNTS = "auction/"
"""Where amounts are reckoned with, in integers only."""


def test_the_core_uses_only_the_pure_part_of_the_standard_library() -> None:
    """Clock, randomness, files, sockets and logs come in as arguments, never by import."""
    problems = [
        f"{source.at(line)}: imports {module}; take what it gives as an argument"
        for source in _pure_sources()
        for line, module in _outside_imports(source)
        if module not in PURE_LIBRARY | PURE_LIBRARIES
    ]
    assert not problems, report(problems, "effects in the core:")


def test_the_core_calls_no_builtin_with_an_effect() -> None:
    """No file is opened, nothing printed, no text run as code."""
    problems = [
        f"{source.at(node.lineno)}: {node.id}() has an effect; leave it to the shell"
        for source in _pure_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in BANNED_NAMES
    ]
    assert not problems, report(problems, "effects in the core:")


def test_amounts_are_integers() -> None:
    """The rules know no division with a fraction and no floating-point number."""
    problems = [
        f"{source.at(node.lineno)}: amounts are integers; use // and say which way it rounds"
        for source in our_sources()
        if source.name.startswith(AMOUNTS)
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert not problems, report(problems, "fractions among the rules:")


def test_the_pure_files_are_there() -> None:
    """The list above names what exists, so that a file that moved does not leave the check behind."""
    names = {source.name for source in our_sources()}
    gone = [name for name in PURE if name.endswith(".py") and name not in names]
    assert not gone, report(gone, "files that PURE names and nobody has; put their new places there:")


def _pure_sources() -> list[Source]:
    return [source for source in our_sources() if source.name.startswith(PURE)]


def _outside_imports(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module]
        yield from ((node.lineno, name) for name in names if name.split(".")[0] not in OUR_PACKAGES)
