"""What a generator process is told and what it tells: JSON, one line each way at a time.

Orders on its standard input   → Ready
Begin                          → Loaded, when the load is over
Check, after all generators    → Checked
"""

from typing import Any, TypeVar

import msgspec

from load_tests.harness.ledger import BidCount, Terms
from load_tests.harness.player import Lot, Ware
from load_tests.harness.recorder import ActCounts, SecondCounts
from load_tests.scenario import Scenario

T = TypeVar("T")


class Seat(msgspec.Struct, frozen=True):
    """One player of a generator."""

    number: int
    """Among all players of the run; it seeds the player's chances, whichever generator plays it."""
    name: str
    url: str
    token: str
    items: list[str]
    """In its stash."""


class MarketSeen(msgspec.Struct, frozen=True):
    """What all players find."""

    lots: list[Lot]
    wares: list[Ware]
    queries: list[dict[str, Any]]
    prices: dict[str, int]
    duration_s: int
    terms: Terms


class Orders(msgspec.Struct, frozen=True):
    """All that one generator has to know."""

    scenario: Scenario
    seed: int
    seats: list[Seat]
    market: MarketSeen
    methods: list[str] | None
    """What the server speaks, for the checks; None for the whole protocol."""
    patience_s: float
    """How long gold and goods may be on their way when all is over."""


class Ready(msgspec.Struct, frozen=True):
    """All players who stay are connected."""

    connected: int


class Begin(msgspec.Struct, frozen=True):
    """Start together, at an instant of the machine's monotonic clock."""

    at_s: float


class Loaded(msgspec.Struct, frozen=True):
    """What was measured, and what is to be held against the listings. `bids` is by listing."""

    acts: dict[str, ActCounts]
    seconds: list[SecondCounts]
    late: str
    bids: dict[str, BidCount]


class Check(msgspec.Struct, frozen=True):
    """Hold each player's ledger against the server."""


class Checked(msgspec.Struct, frozen=True):
    """What that brought."""

    acknowledged: int
    lost: list[str]
    """The first of them, in words."""
    lost_count: int


def line_of(message: msgspec.Struct) -> bytes:
    """As it travels."""
    return msgspec.json.encode(message) + b"\n"


def read_line(line: bytes, kind: type[T]) -> T:
    """The message of a line. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=kind)
