"""One node for all attacks; after each of them nobody may have suffered."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import ENCODINGS, Encoding
from tests.conformance.house import House, Issuer, running
from tests.hostile.siege import Siege
from tests.processes import AUCTION

RULES = """[rules]
max_listings = 1000
stash_capacity = 1000
"""
SOCKETS_MAX = 150
BOUNDS = {"AUCTION_CONNECTIONS_PER_ADDRESS_MAX": str(SOCKETS_MAX)}


@pytest.fixture(scope="session")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A node under attack. When it has stopped, its books must balance."""
    directory: Path = tmp_path_factory.mktemp("siege")
    issuer = Issuer(directory)
    rules = directory / "rules.toml"
    rules.write_text(RULES)
    options = ("--rules", rules, "--token-key", issuer.public_file)
    with running(directory, *options, environment=BOUNDS) as (url, node), House(url, issuer) as house:
        yield Siege(url, node, issuer, house)
    audit = subprocess.run(
        [AUCTION, "audit", directory / "data"], capture_output=True, text=True, check=False, timeout=60
    )
    assert audit.returncode == 0, audit


@pytest.fixture(autouse=True)
def nobody_suffers(siege: Siege) -> Iterator[None]:
    """What holds after each attack."""
    yield
    siege.check()


@pytest.fixture(params=ENCODINGS, ids=lambda encoding: encoding.subprotocol.rpartition(".")[2])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    """Each of the two subprotocols."""
    chosen: Encoding = request.param
    return chosen


@pytest.fixture
def house(siege: Siege, encoding: Encoding) -> Iterator[House]:
    """The node under attack, in one encoding."""
    with House(siege.url, siege.issuer, encoding) as house:
        yield house


@pytest.fixture(params=[150, pytest.param(1_500, marks=pytest.mark.slow)], ids=["a few", "many"])
def examples(request: pytest.FixtureRequest) -> int:
    """How many examples a storm has."""
    count: int = request.param
    return count
