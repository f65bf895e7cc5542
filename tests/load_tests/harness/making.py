"""Players, boards and messages for tests, made by hand."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from clients.codec import Message
from load_tests.generator import CODEC
from load_tests.harness.ledger import Ledger, Terms
from load_tests.harness.player import Board, Lot, Player, Ware
from load_tests.scenario import ActName

FEES = Terms(fee_bp=1500, deposit_bp=0)
GOLD = 1_000_000
ALL_ACTS: dict[ActName, float] = {"search": 1, "look": 1, "bid": 2, "buyout": 1, "buy_pieces": 1, "sell": 1}


def board(listings: int = 5) -> Board:
    """A market of some listings, for bids and at a buyout."""
    lots = [Lot(f"l{number}", min_bid=100, buyout=5_000) for number in range(listings)]
    queries = [{"text": f"word{number}"} for number in range(20)]
    return Board(lots, [Ware("iron", 2)], queries, {"start_bid": 100, "buyout": 5_000}, 3_600)


def player(acts: dict[ActName, float] | None = None, seed: object = 1, stash: Sequence[str] = ()) -> Player:
    """A player on a board of its own."""
    ledger = Ledger(FEES, GOLD, stash)
    return Player("ann", acts or ALL_ACTS, board(), ledger, Random(f"{seed}"), stash)


def result(**members: Any) -> Message:
    """An answer with a result."""
    return Message(id=1, result=msgspec.Raw(msgspec.msgpack.encode(members)))


def refusal(reason: str, **figures: Any) -> Message:
    """An answer that refuses."""
    error = {"code": -32003, "message": "", "data": {"reason": reason, **figures}}
    message = CODEC.read(msgspec.msgpack.encode({"jsonrpc": "2.0", "id": 1, "error": error}))
    assert isinstance(message, Message)
    return message


def event(kind_: str, seq: int = 1, **data: Any) -> Message:
    """A pushed event."""
    params = {"seq": seq, "type": kind_, "at_ms": 1, "data": data}
    message = CODEC.read(msgspec.msgpack.encode({"jsonrpc": "2.0", "method": "event", "params": params}))
    assert isinstance(message, Message)
    return message


def listing(name: str, price: int | None = None, **members: Any) -> dict[str, Any]:
    """A listing as the protocol shows it, as far as players look at it."""
    shown = {"listing": name, "price": price, "min_bid": 100, "buyout": 5_000, "state": "open", "bids": 0}
    return {**shown, "item": {"item": f"item-of-{name}"}, **members}
