"""The clients against a real node over loopback: documents' examples, a person's session, a population, TLS."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.bots.population import population
from tests.gateway.test_listen import write_pair
from tests.processes import AUCTION, Nodes

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
END_S = 30.0
WARE, FROZEN_WARE = "fogwool", "seal_oil"
"""Commodities that no bot of these tests trades in."""


class Home:
    """A live node and how to talk to it."""

    def __init__(self, nodes: Nodes, url: str) -> None:
        self.nodes = nodes
        self.url = url

    def auction(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run an `auction` command to its end."""
        return subprocess.run([AUCTION, *words], capture_output=True, text=True, timeout=END_S, check=False)

    def client(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `auction client --json` as somebody."""
        who = ("--url", self.url, "--data", str(self.nodes.data), "--as", name)
        return self.auction("client", *who, "--json", *words)

    def person(self, name: str, *words: str) -> Any:
        """Run `auction client` as somebody; what it printed, read as JSON."""
        run = self.client(name, *words)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def bots(self, *words: str) -> str:
        """Run `auction bots` to its end; what it printed."""
        run = self.auction("bots", "--url", self.url, "--data", str(self.nodes.data), "--players", "12", *words)
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A node with a populated market."""
    nodes = Nodes(tmp_path_factory.mktemp("home"))
    try:
        home = Home(nodes, nodes.start().url())
        assert home.bots("--populate", "--duration-s", "0").startswith("populated ")
        yield home
    finally:
        nodes.end()


def test_a_populated_market_has_something_for_everybody(home: Home) -> None:
    """Listings of several shelves, most with bids to come, some with bids, all with believable prices."""
    found = home.person("looker", "search", "--limit", "100")["listings"]
    assert len(found) >= 30
    assert len({listing["item"]["category"] for listing in found}) >= 5
    assert any(listing["bids"] for listing in found)
    for listing in found:
        prices = [listing[name] for name in ("start_bid", "buyout") if listing[name] is not None]
        assert prices == sorted(prices)
        assert 0 < min(prices) <= max(prices) < 10**9


def test_a_second_start_grants_nothing_twice(home: Home) -> None:
    """Bots that come again find what they have; the nobody's wallet changes."""
    names = [bot.player for bot in population(1, 3)]
    before = [home.person(name, "wallet") for name in names]
    assert all(wallet["gold"]["available"] > 0 for wallet in before)
    home.bots("--duration-s", "0")
    assert [home.person(name, "wallet") for name in names] == before


def test_bots_go_home_when_told(home: Home) -> None:
    """SIGTERM ends the bots within moments, with a last word and exit code 0."""
    command = [AUCTION, "bots", "--url", home.url, "--data", home.nodes.data, "--players", "12", "--populate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bots:
        assert bots.stdout is not None
        assert bots.stdout.readline().startswith("populated ")
        bots.send_signal(signal.SIGTERM)
        assert bots.wait(END_S) == 0
        assert bots.stdout.read().startswith("done ")


def test_a_person_can_sell_what_another_buys(home: Home) -> None:
    """From the first look into the stash to the claimed proceeds, through the terminal client alone."""
    as_service(home, "await game.grant('sara', key='s', items=[{'base': 'harbour_cutter'}])")
    as_service(home, "await game.grant('beth', key='b', gold=1_000)")
    (item,) = home.person("sara", "stash")["items"]
    listing = home.person("sara", "sell", item["item"][-8:], "--buyout", "400", "--start-bid", "100")["listing"]
    assert home.person("beth", "bid", listing["listing"], "150")["winning"]
    assert home.person("beth", "buyout", listing["listing"], "--yes")["paid"] == 400
    (arrived,) = home.person("beth", "deliveries")["deliveries"]
    assert home.person("beth", "claim", arrived["delivery"][-8:])["delivery"]["items"] == [item]
    assert home.person("sara", "claim", "--all")["delivery"]["gold"] == 340
    events = home.person("sara", "events")["events"]
    assert [event["type"] for event in events] == ["listing.sold", "delivery.arrived"]


def test_people_trade_pieces_at_a_terminal(home: Home) -> None:
    """An order rests, is met by a quote, both sides claim, the rest is taken back, the candle is there."""
    as_service(home, "await game.grant('pia', key='p', commodities={'fogwool': 100})")
    as_service(home, "await game.grant('quin', key='q', gold=10_000)")
    order = home.person("pia", "sell", WARE, "50", "--at", "20")
    assert (order["filled"], order["resting"]) == (0, 50)
    bought = home.person("quin", "buy", WARE, "30", "--yes")
    assert (bought["filled"], bought["paid"]) == (30, 600)
    assert home.person("quin", "claim", "--all")["delivery"]["commodities"] == {WARE: 30}
    assert home.person("pia", "claim", "--all")["delivery"]["gold"] == 510
    (resting,) = home.person("pia", "orders")["orders"]
    assert resting["remaining"] == 20
    assert home.person("quin", "book", WARE)["last"]["price"] == 20
    assert home.person("pia", "cancel", resting["order"][-8:])["returned"] == {"gold": 0, "quantity": 20}
    assert sum(candle["volume"] for candle in home.person("quin", "candles", WARE)["candles"]) == 30
    assert "commodity.filled" in {event["type"] for event in home.person("pia", "events")["events"]}


def test_people_offer_each_other_things_at_a_terminal(home: Home) -> None:
    """Gold for an item, seen from both sides, declined, made anew, accepted and claimed."""
    as_service(home, "await game.grant('rosa', key='r', items=[{'base': 'harbour_cutter'}])")
    as_service(home, "await game.grant('sven', key='s', gold=1_000)")
    (item,) = home.person("rosa", "stash")["items"]
    words = ("offer", "sven", "--give", item["item"][-8:], "--want", "300")
    first = home.person("rosa", *words)["offer"]
    assert home.person("sven", "decline", first[-8:])["state"] == "declined"
    home.person("rosa", "claim", "--all")
    second = home.person("rosa", *words)["offer"]
    (seen,) = home.person("sven", "offers")["offers"]
    assert (seen["from"], seen["want"]["gold"], seen["give"]["items"]) == ("rosa", 300, [item])
    assert home.person("sven", "accept", second[-8:], "--yes")["state"] == "accepted"
    assert home.person("sven", "claim", "--all")["delivery"]["items"] == [item]
    assert home.person("rosa", "claim", "--all")["delivery"]["gold"] == 300


def test_what_is_frozen_is_told_at_a_terminal(home: Home) -> None:
    """A frozen commodity is refused with its own exit code and sentence, and goes on when it is thawed."""
    as_service(home, "await game.grant('tess', key='t', gold=1_000)")
    words = ("buy", FROZEN_WARE, "1", "--at", "5")
    assert home.auction("freeze", "--data", str(home.nodes.data), "commodity", FROZEN_WARE).returncode == 0
    refused = home.client("tess", *words)
    assert (refused.returncode, "An operator has stopped trading there" in refused.stderr) == (1, True)
    assert home.auction("thaw", "--data", str(home.nodes.data), "commodity", FROZEN_WARE).returncode == 0
    assert home.person("tess", *words)["resting"] == 1


def test_watches_are_kept_and_ended_at_a_terminal(home: Home) -> None:
    """One of each kind, then none."""
    (listing, *_) = home.person("uma", "search")["listings"]
    for words in (("cutter", "--stat", "might=5"), ("--commodity", WARE), ("--listing", listing["listing"])):
        home.person("uma", "watch", *words)
    watches = home.person("uma", "watches")["watches"]
    assert [each["listing"] or each["commodity"] for each in watches] == [None, WARE, listing["listing"]]
    for each in watches:
        home.person("uma", "unwatch", each["watch"][-8:])
    assert home.person("uma", "watches")["watches"] == []


@pytest.mark.parametrize(
    ("number", "printed"),
    [(0, "reader has 5000 gold"), (1, "listing.sold"), (2, "5 bring 30 at once; 10 wait for 10 each")],
)
def test_the_examples_of_the_page_run(home: Home, number: int, printed: str) -> None:
    """What docs/clients.md shows works as pasted, on Twisted and on asyncio."""
    example = BLOCK.findall((ROOT / "docs" / "clients.md").read_text("utf-8"))[number]
    as_service(home, ("await game.grant('reader', key='purse', gold=5_000)", SOLD, BIDDEN)[number])
    run = python(example, AUCTION_URL=home.url, AUCTION_TOKEN=home.nodes.token("reader"))
    assert (run.returncode, run.stderr) == (0, "")
    assert printed in run.stdout


@pytest.mark.parametrize("loop", ["twisted", "asyncio"])
def test_a_house_behind_tls_is_trusted_by_its_certificate(tmp_path: Path, loop: str) -> None:
    """With `ca_pem` both edges connect to a `wss` URL; without it they refuse a certificate that nobody vouches for."""
    pair = write_pair(tmp_path)
    nodes = Nodes(tmp_path)
    try:
        url = nodes.start("--tls-cert", pair.certificate, "--tls-key", pair.key).url()
        assert url.startswith("wss://")
        run = python(
            TLS_PROGRAMS[loop],
            AUCTION_URL=url.replace("127.0.0.1", "localhost"),
            AUCTION_TOKEN=nodes.token("ann"),
            CERTIFICATE=pair.certificate.read_text(),
        )
    finally:
        nodes.end()
    assert (run.returncode, run.stdout) == (0, "Unavailable\nann\n"), run.stderr


SOLD = """
    item = (await game.grant("reader", key="item", items=[{"base": "harbour_cutter"}])).items[0].item
    await game.grant("buyer", key="gold", gold=1_000)
    reader, buyer = await connect(url, os.environ["READER"]), await connect(url, os.environ["BUYER"])
    listing = (await reader.sell(item, buyout=400, duration_s=3_600)).listing
    await buyer.buyout(listing.listing, 400)
    await reader.close()
    await buyer.close()
"""


BIDDEN = """
    ware = (await game.commodities()).commodities[0]
    await game.grant("reader", key="pieces", commodities={ware.commodity: 20})
    await game.grant("reader", key="gold", gold=100)
    await game.grant("ben", key="ben", gold=1)
    await game.grant("buyer", key="gold", gold=1_000)
    buyer = await connect(url, os.environ["BUYER"])
    await buyer.buy_commodity(ware.commodity, 5, 3 * ware.tick)
    await buyer.close()
"""


TLS_PROGRAMS = {
    "twisted": """
import os
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from clients.errors import Unavailable
from clients.twisted_client import connect

async def main(reactor):
    try:
        await connect(os.environ["AUCTION_URL"], os.environ["AUCTION_TOKEN"], reactor=reactor)
    except Unavailable as error:
        print(type(error).__name__)
    client = await connect(
        os.environ["AUCTION_URL"], os.environ["AUCTION_TOKEN"], reactor=reactor, ca_pem=os.environ["CERTIFICATE"]
    )
    print(client.player)
    await client.close()

react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
""",
    "asyncio": """
import asyncio, os
from clients.asyncio_client import connect
from clients.errors import Unavailable

async def main():
    try:
        await connect(os.environ["AUCTION_URL"], os.environ["AUCTION_TOKEN"])
    except Unavailable as error:
        print(type(error).__name__)
    client = await connect(os.environ["AUCTION_URL"], os.environ["AUCTION_TOKEN"], ca_pem=os.environ["CERTIFICATE"])
    print(client.player)
    await client.close()

asyncio.run(main())
""",
}
"""Connect without trust, then with it."""


def as_service(home: Home, does: str) -> None:
    """Let the game's service do something, in a program of its own."""
    program = f"""
import asyncio, os
from clients.asyncio_client import connect

async def main():
    url = os.environ["AUCTION_URL"]
    game = await connect(url, os.environ["AUCTION_TOKEN"])
    {does.strip()}
    await game.close()

asyncio.run(main())
"""
    tokens = {name: home.nodes.token(name.lower()) for name in ("READER", "BUYER")}
    run = python(program, AUCTION_URL=home.url, AUCTION_TOKEN=home.nodes.token("game", "service"), **tokens)
    assert (run.returncode, run.stderr) == (0, "")


def python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
