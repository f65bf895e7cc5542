"""What every test of the cluster's processes starts with, and a line of figures in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster_processes.cluster import Cluster
from tests.conformance.house import Issuer
from tests.crash.books import HOUSE_RULES
from tests.crash.house import OFTEN
from tests.crash.loop import Loop

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The tests' own reactor."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Auctions of seconds, and deposits."""
    file = tmp_path / "rules.toml"
    file.write_text(HOUSE_RULES)
    return file


@pytest.fixture
def cluster(tmp_path: Path, rules: Path) -> Iterator[Cluster]:
    """Three nodes, none of them started, that write checkpoints and put stores to sleep at every turn."""
    yield from _until_the_end(Cluster(tmp_path / "cluster", "--rules", rules, "--log-level", "warn", environment=OFTEN))


@pytest.fixture
def wired_cluster(tmp_path: Path, rules: Path) -> Iterator[Cluster]:
    """As `cluster`, with wires between the nodes."""
    yield from _until_the_end(Cluster(tmp_path / "cluster", "--rules", rules, "--log-level", "warn", wired=True))


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Who signs the tokens of single players."""
    return Issuer(tmp_path)


@pytest.fixture
def open_house(tmp_path: Path, issuer: Issuer) -> Iterator[Cluster]:
    """Three nodes under the world's own rules that trust the issuer, none of them started."""
    yield from _until_the_end(Cluster(tmp_path / "cluster", "--token-key", issuer.public_file))


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines to show when all tests have run."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was counted."""
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


def _until_the_end(cluster: Cluster) -> Iterator[Cluster]:
    try:
        yield cluster
    finally:
        cluster.close()
