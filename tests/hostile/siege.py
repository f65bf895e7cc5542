"""A node under attack, and one innocent client that lives through it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from tests.conformance.house import House, Issuer, Player, complaints
from tests.processes import NodeProcess

GROWTH_BYTES_MAX = 100 * 2**20
"""How much larger the node may be after everything than before; what is bounded at all stays far below."""
ANSWERED_WITHIN_S = 5.0
GOLD = 77

T = TypeVar("T")


class Siege:
    """The node, the innocent, and the names of things in the house for attackers to play with."""

    def __init__(self, url: str, node: NodeProcess, issuer: Issuer, house: House) -> None:
        self.url = url
        self.node = node
        self.issuer = issuer
        self.innocent = house.newcomer(gold=GOLD, items=2)
        self.real = _real_ids(house, self.innocent)
        self._before_bytes = self.resident_bytes()

    @property
    def resident_bytes_grown(self) -> int:
        """How much larger the node is than it was."""
        return self.resident_bytes() - self._before_bytes

    def resident_bytes(self) -> int:
        """The node's memory, by the kernel's account."""
        lines = Path(f"/proc/{self.node.process.pid}/status").read_text().splitlines()
        (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return int(kilobytes) * 1024

    def check(self) -> None:
        """Nobody suffers: the innocent is served, the node has not grown, and its log is clean."""
        self.check_innocent()
        assert self.resident_bytes_grown < GROWTH_BYTES_MAX
        assert complaints(self.node.log) == []

    def check_innocent(self) -> None:
        """The innocent gets right answers in time."""
        since_s = time.monotonic()
        assert self.innocent.call("player.get")["stash"]["used"] == 1
        assert self.innocent.gold() == (GOLD, 0)
        assert time.monotonic() - since_s < 2 * ANSWERED_WITHIN_S


def attacker_in(house: House, role: str = "player") -> Player:
    """A client that means no good, with gold and goods of its own."""
    attacker = house.enter(house.new_name(), role)
    granted = house.grant(attacker.name, gold=2**52, items=[{"base": house.base}] * 3)
    attacker.items = [item["item"] for item in granted["items"]]
    return attacker


def names_for(attacker: Player, siege: "Siege") -> dict[str, str]:
    """What the placeholders of strategies mean for one attacker."""
    own = {"@self": attacker.name, "@own item": attacker.items[0], "@own listing": attacker.sell(1, start_bid=10)}
    offer = attacker.call("offer.make", to=siege.real["@player"], give={"gold": 1}, want={})["offer"]
    return {**siege.real, **own, "@offer": offer}


def _real_ids(house: House, innocent: Player) -> dict[str, str]:
    """Names that mean something in this house, by the placeholders that strategies draw."""
    seller, buyer = house.newcomer(items=4), house.newcomer(gold=1000)
    sold = seller.sell(0, buyout=10)
    buyer.call("listing.buyout", listing=sold, price=10)
    commodity = house.service.call("world.commodities")["commodities"][0]["commodity"]
    order = buyer.call("commodity.buy", commodity=commodity, quantity=3, limit_price=10)["order"]
    return {
        "@listing": seller.sell(1, start_bid=5, buyout=900),
        "@innocent's listing": innocent.sell(0, start_bid=10**9),
        "@sold": sold,
        "@item": seller.items[3],
        "@delivery": seller.deliveries()[0]["delivery"],
        "@player": seller.name,
        "@base": house.base,
        "@commodity": commodity,
        "@order": order,
        "@cursor": house.service.call("world.bases", limit=1)["next"],
    }


class Bystander:
    """A thread in which a client of its own asks, all the while, and remembers what went wrong."""

    def __init__(self, house: House) -> None:
        self._player = house.newcomer(gold=GOLD)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._problems: list[str] = []

    def __enter__(self) -> "Bystander":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        assert not self._problems, self._problems

    def _ask(self) -> None:
        while not self._problems:
            since_s = time.monotonic()
            try:
                gold = self._player.gold()
            except Exception as error:
                self._problems.append(repr(error))
                return
            waited_s = time.monotonic() - since_s
            if gold != (GOLD, 0) or waited_s > ANSWERED_WITHIN_S:
                self._problems.append(f"{gold} after {waited_s:.1f} s")
            if self._over.wait(0.01):
                return


def storm(examples: int, attacks: SearchStrategy[T], attack: Callable[[T], Any]) -> None:
    """Run an attack with many examples, the same ones every time."""

    @settings(max_examples=examples)
    @given(attacks)
    def one(example: T) -> None:
        attack(example)

    one()
