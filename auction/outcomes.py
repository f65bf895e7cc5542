"""What becomes of a request: decided, and as the entrances to the rules return it: done, not yet, not here, or not for
certain.
"""

from collections.abc import Callable

import msgspec

from auction.context import Answer
from auction.events import Event, Record
from auction.market.state import MarketState
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import Result
from auction.state import Notice, StoreId, TradeKind
from auction.stores import State

Stores = Callable[[StoreId], State | None]
"""Store id → its state: None when it is not in memory, an empty one when the store exists nowhere."""
States = dict[StoreId, State]
"""The stores that a decision needs, all in memory and all at home."""


def a_player(state: State | None) -> PlayerState:
    """The state of a store that can only be a player's."""
    assert isinstance(state, PlayerState), state
    return state


def a_market(state: State | None) -> MarketState:
    """The state of a store that can only be a market's."""
    assert isinstance(state, MarketState), state
    return state


class Answered(msgspec.Struct, frozen=True):
    """What a player's store heard from another that a caller may be waiting for."""

    store: StoreId
    subject: str
    """As in `state.Awaited`."""
    answer: Answer


class TakenIn(msgspec.Struct, frozen=True):
    """What a transfer does where it arrives, and what a caller may be waiting for."""

    events: list[Event]
    answered: Answered | None = None


class Decision(msgspec.Struct, frozen=True):
    """What a command does, not yet done."""

    legs: Record
    body: Result | Refusal | None
    """The answer: a result, the refusal `outbid`, or None where nobody waits for one, or for `subject`."""
    subject: str | None = None
    """What another store answers for; it may have done so when its transfer is taken in."""


class Executed(msgspec.Struct, frozen=True):
    """The answer, and what it took."""

    record: Record
    """What happened; empty for queries, refusals and repeated keys."""
    answer: Answer
    """Its body is None where nobody waits for one."""
    notices: list[tuple[str, Notice]]
    """Whom to tell what, once the record is durable."""
    reads: tuple[StoreId, ...]
    """The stores that the answer depends on."""
    answered: tuple[Answered, ...] = ()
    """Answers that earlier requests wait for."""


class Sent(msgspec.Struct, frozen=True):
    """The request went to a store of another node, with all that it takes. The answer will be what some later
    `Executed` has `answered` for `subject`.
    """

    record: Record
    store: StoreId
    """The caller's."""
    subject: str


class Asleep(msgspec.Struct, frozen=True):
    """The decision needs these stores: wake them and execute the request again. Nothing was changed."""

    stores: tuple[StoreId, ...]


class Locked(msgspec.Struct, frozen=True):
    """A trade that is not decided yet holds this listing in that store: wait for it, and execute again. Nothing was
    changed.
    """

    store: StoreId
    listing: str
    keys_trade: str | None = None
    """That trade, where it was opened under the request's own key: then it may yet be what the request asks for."""


class Elsewhere(msgspec.Struct, frozen=True):
    """The answer needs these listings as their homes show them to the caller: ask there, and execute again, told."""

    listings: tuple[str, ...]


class Undecided(msgspec.Struct, frozen=True, array_like=True, tag="undecided.1"):
    """What it needs is promised to, or on its way from, another trade, or cannot be reached now. Nothing was done, and
    none of it will be; the same request may do better in a moment (`unavailable`).
    """


class Proposal(msgspec.Struct, frozen=True):
    """What is asked for has to be agreed on with a store of another node: open a trade of these legs. Nothing was
    changed.

    Where the caller's own side refuses, the other is merely asked whether it refuses too, which may come first.
    """

    kind: TradeKind
    subject: str
    """The listing or the offer."""
    home: StoreId
    """The caller's store; without a leg where it refuses."""
    other: StoreId
    """The store of the listing, or of the other player."""
    legs: dict[StoreId, bytes]
    """Store → what its home is asked to prepare."""
    refusal: Refusal | None
    """What the caller's own side has against it."""
    hold: int = 0
    """Gold that a bidder's or buyer's leg holds, as far as the caller's store can know."""
    corrected: bool = False
    """Whether `hold` is already what the listing named."""


Outcome = Executed | Sent | Asleep | Locked | Elsewhere | Undecided | Proposal
"""What `auction.house.execute` returns."""


class Held(msgspec.Struct, frozen=True):
    """The store took its leg: vote YES with `vote`, once the record is durable."""

    record: Record
    vote: bytes


class No(msgspec.Struct, frozen=True):
    """The store does not take its leg: vote NO with `payload`. Nothing was changed."""

    payload: bytes


class KeyUsed(msgspec.Struct, frozen=True, array_like=True, tag="key-used.1"):
    """The key was used by another request of the caller meanwhile: execute this one again, the answer is there or will
    be. Nothing was changed.
    """


class Gap(msgspec.Struct, frozen=True):
    """Not the transfer whose turn it is: an earlier one must be taken first, or the store that it is meant for is not
    (yet) the one of that life. Nothing was changed; it is to be sent again.
    """
