"""One live node for all of these tests, and for some of them a cluster as well; each runs in both encodings."""

import itertools
from collections.abc import Iterator

import pytest

from tests.cluster_processes.cluster import Cluster
from tests.conformance.client import ENCODINGS, Encoding
from tests.conformance.house import House, Issuer, complaints, running

RULES = """[rules]
durations_s = [2, 3600, 7200]
snipe_window_s = 0      # auctions of seconds end when they say
max_listings = 4
max_bids = 3
stash_capacity = 6
max_orders = 3
max_offers = 3
offers_inbox_max = 3
offers_from_one_max = 2
max_watches = 3
"""

NODE, CLUSTER = "node", "cluster"
IN_BOTH = {
    *("test_bids", "test_buyouts", "test_keys", "test_deliveries", "test_events", "test_search"),
    *("test_commodities", "test_offers", "test_watches"),
}
"""Modules whose tests meet a cluster, too, through a node that is not the players' home."""


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Who signs the players' tokens."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[str]:
    """Where a node serves under house rules that make every limit easy to reach."""
    directory = tmp_path_factory.mktemp("house")
    rules = directory / "rules.toml"
    rules.write_text(RULES)
    with running(directory, "--rules", rules, "--token-key", issuer.public_file) as (url, _):
        yield url


@pytest.fixture(params=ENCODINGS, ids=lambda encoding: encoding.subprotocol.rpartition(".")[2])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    """Each of the two subprotocols."""
    chosen: Encoding = request.param
    return chosen


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Cluster]:
    """Three nodes of one house, under the same rules."""
    directory = tmp_path_factory.mktemp("cluster")
    rules = directory / "rules.toml"
    rules.write_text(RULES)
    cluster = Cluster(directory, "--rules", rules, "--token-key", issuer.public_file)
    try:
        cluster.start()
        yield cluster
        cluster.stop()
        assert not [line for process in cluster.processes.values() for line in complaints(process.log)]
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def far_names(cluster: Cluster) -> Iterator[str]:
    """Players at home on every node but the first, in turn."""
    numbers = itertools.count(1)
    return (cluster.player_at(home, f"far-{next(numbers)}") for home in itertools.cycle(("n2", "n3")))


@pytest.fixture
def far_house(cluster: Cluster, far_names: Iterator[str], issuer: Issuer, encoding: Encoding) -> Iterator[House]:
    """A house through a node on which no new player is at home, in one encoding."""
    with House(cluster.url("n1"), issuer, encoding, far_names) as house:
        yield house


@pytest.fixture
def place() -> str:
    """What kind of house a test is about."""
    return NODE


@pytest.fixture
def house(request: pytest.FixtureRequest, place: str, issuer: Issuer, encoding: Encoding) -> Iterator[House]:
    """The house, in one encoding."""
    if place == CLUSTER:
        yield request.getfixturevalue("far_house")
        return
    with House(request.getfixturevalue("url"), issuer, encoding) as house:
        yield house


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let some modules meet both kinds of houses."""
    if metafunc.module.__name__.rpartition(".")[2] in IN_BOTH and "house" in metafunc.fixturenames:
        metafunc.parametrize("place", [NODE, CLUSTER])
