"""What every crash test starts with: a place for nodes, a reactor for clients, and a line of figures in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.loop import Loop
from tests.processes import Nodes

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Starts nodes; in the end none is left."""
    nodes = Nodes(tmp_path)
    try:
        yield nodes
    finally:
        nodes.end()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The tests' own reactor."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines to show when all tests have run."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what the crash tests counted."""
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)
