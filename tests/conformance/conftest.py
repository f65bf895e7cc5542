"""One live node for all of these tests; each test that uses it runs in both encodings."""

from collections.abc import Iterator

import pytest

from tests.conformance.client import ENCODINGS, Encoding
from tests.conformance.house import House, Issuer, running

RULES = """[rules]
durations_s = [2, 3600, 7200]
snipe_window_s = 0      # auctions of seconds end when they say
max_listings = 4
max_bids = 3
stash_capacity = 6
"""


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


@pytest.fixture
def house(url: str, issuer: Issuer, encoding: Encoding) -> Iterator[House]:
    """The node, in one encoding."""
    with House(url, issuer, encoding) as house:
        yield house
