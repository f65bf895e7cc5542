"""npm's rpc-websockets, a JSON-RPC 2.0 client that we did not write, trades on a live node."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.house import Issuer, running

GOLD_MAX = 2**53 - 1

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def seen(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client saw on a node of its own."""
    directory = tmp_path_factory.mktemp("house")
    issuer = Issuer(directory)
    tokens = [issuer.token("smith", "service"), issuer.token("seller"), issuer.token("buyer")]
    with running(directory, "--token-key", issuer.public_file) as (url, _):
        done = subprocess.run(
            ["node", "trade.js", url, *tokens], cwd=workshop, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_greeted_and_logs_in(seen: dict[str, Any]) -> None:
    """A client that offers no subprotocol speaks JSON; `hello` reaches it as a notification like any other."""
    assert seen["hello"]["protocol"] == "auction.v1"
    assert (seen["login"]["player"], seen["login"]["role"]) == ("seller", "player")


def test_it_trades(seen: dict[str, Any]) -> None:
    """Bids, buyouts by notification, pushes and claims."""
    assert seen["bid"] == {"winning": True, "price": 100}
    assert seen["sold"] == {"listing": seen["fixed"], "price": 333, "proceeds": 283}
    assert seen["claimed"] == [seen["second"]]


def test_its_numbers_are_exact(seen: dict[str, Any]) -> None:
    """The largest amount is one that JavaScript holds."""
    assert seen["richest"] == GOLD_MAX
    assert seen["flight"] == [{"available": GOLD_MAX - 500 - 333, "escrowed": 500}] * 100


def test_its_repeats_are_executed_once(seen: dict[str, Any]) -> None:
    """The same key gets the same answer."""
    assert seen["repeated_is_same"]


def test_its_errors_have_code_and_reason(seen: dict[str, Any]) -> None:
    """What it does wrong it can tell from the error's data."""
    told = {name: (error["code"], error.get("reason")) for name, error in seen["errors"].items()}
    assert told["unknown"][0] == -32601
    assert told["positional"][0] == told["missing"][0] == -32602
    assert seen["errors"]["missing"]["path"] == "listing"
    assert told["absent"] == (-32004, "no_such_listing")
    assert told["changed"] == (-32003, "price_changed")
    assert seen["errors"]["changed"]["price"] == 333
    assert told["forbidden"] == (-32002, "forbidden")


def test_it_was_told_everything_in_order(seen: dict[str, Any]) -> None:
    """Pushes and `events.since` agree."""
    assert seen["pushed"] == seen["missed"] == list(range(1, len(seen["missed"]) + 1))
