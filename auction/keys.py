"""Idempotency keys: the same key and request give the stored first answer, executed once.

A key belongs to a scope: the player's own, or one caller's changes to this player (`admin.*`). Stored are results and
the refusal `outbid`, in the record of their effect; every other refusal leaves the key free.

A mutation that came without a key is executed under one that the node made up. Nobody can repeat such a key before it
is told (`in_doubt`), so only the latest of these are kept until then.
"""

import hashlib

import msgspec

from auction.commands import AdminMutation, FreezeTrading, Mutation, ThawTrading
from auction.context import Answer, Request, Use
from auction.events import Answered, Event, KeysForgotten, KeyTold
from auction.house_state import HouseState
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import Result
from auction.state import KEYS_KEPT_S, KEYS_MAX, KEYS_SWEPT_S, Awaited

Keyed = PlayerState | HouseState
"""The states of stores that keep keys."""

_deterministic = msgspec.msgpack.Encoder(order="deterministic")
_encode = msgspec.msgpack.Encoder().encode


def use_of(request: Request) -> Use | None:
    """The key that a mutation is executed under; None for the house's own commands."""
    ask = request.ask
    if isinstance(ask, AdminMutation):
        return Use(f"admin:{request.caller.player}{own(ask.key)}", _fingerprint(ask), untold=False)
    assert isinstance(ask, Mutation)
    key = ask.key or request.own_key
    if not key:
        return None
    stored = own(key)
    if isinstance(ask, FreezeTrading | ThawTrading):
        stored = f"admin:{request.caller.player}{stored}"
    return Use(stored, _fingerprint(ask), untold=ask.key is None)


def own(key: str) -> str:
    """A player's own key as it is stored: without NUL characters, at which many programs take a text to end."""
    return "\n" + key.replace("\\", "\\\\").replace("\0", "\\0")


def repeated(state: Keyed, use: Use) -> Answer | Refusal | None:
    """The stored answer of a key used before, `key_reused` where it was another request; None for a free key."""
    row = state.keys.get(use.key)
    if row is None:
        return None
    if row.fingerprint != use.fingerprint:
        return Refusal("key_reused")
    return Answer(body=None, refused=row.refused, encoded=row.answer)


def none_left(state: Keyed, now_ms: int) -> Refusal | None:
    """`rate_limited` where a store remembers as many keys as it may and none of them is old enough to be forgotten."""
    if len(state.keys) < KEYS_MAX:
        return None
    wait_ms = _oldest_ms(state) + KEYS_KEPT_S * 1000 + 1 - now_ms
    return Refusal("rate_limited", {"retry_after_ms": wait_ms}) if wait_ms > 0 else None


def used(state: Keyed, use: Use, body: Result | Refusal, now_ms: int) -> tuple[list[Event], Answer]:
    """Store an answer under its key, and forget what has expired, many keys at a time."""
    refused = isinstance(body, Refusal)
    encoded = _encode(body)
    events: list[Event] = []
    before_ms = now_ms - KEYS_KEPT_S * 1000
    if state.keys:
        overdue_ms = before_ms - _oldest_ms(state)
        if overdue_ms > KEYS_SWEPT_S * 1000 or (overdue_ms > 0 and len(state.keys) >= KEYS_MAX):
            events.append(KeysForgotten(before_ms))
    events.append(Answered(use.key, use.fingerprint, refused, encoded, now_ms, use.untold))
    return events, Answer(body, refused, encoded)


def is_held(state: Keyed, key: str) -> bool:
    """Whether an answer is stored under a key, given as it is stored, or is on its way from another store."""
    return key in state.keys or awaited(state, key) is not None


def awaited(state: Keyed, key: str) -> Awaited | None:
    """The request that another store has yet to answer under a key, given as it is stored."""
    return state.awaited.get(state.open_keys.get(key, "")) if isinstance(state, PlayerState) else None


def tell(state: Keyed, key: str, now_ms: int) -> list[Event]:
    """A key that the node made up, given as it is stored, was told to the client: keep it like a client's own. Nothing
    where it is not held.
    """
    row = state.keys.get(key) or awaited(state, key)
    return [KeyTold(row.key, now_ms)] if row is not None and row.untold else []


def _oldest_ms(state: Keyed) -> int:
    return next(iter(state.keys)).at_ms


def _fingerprint(ask: Mutation | AdminMutation) -> bytes:
    named = f"{type(ask).__name__}\n".encode()
    return hashlib.blake2b(named + _deterministic.encode(msgspec.structs.replace(ask, key="")), digest_size=16).digest()
