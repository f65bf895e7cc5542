"""How a history of whole nodes reads: requests, answers and what nodes say to each other, each on one line.

Stores are called by the first letters of their ids; what is of no use to a reader (legs, payloads, a feed without
news) is left out.
"""

from typing import Any

import msgspec

from auction.events import TransferSent, decode_events
from auction.refusals import Refusal
from auction.state import Item, Listing, Notice
from shardnode.agreement.messages import Ballot, Party, TradeId, Value
from shardnode.cluster.messages import Ask, FeedChanges, FeedFrom, FeedNext, FeedPage, Frame, Transfer

STORE_ID_LENGTH = 26
STORE_SHOWN = 6
LINE_MAX = 180

_decode = msgspec.msgpack.Decoder(Frame).decode


def frame_told(frame: bytes) -> str:
    """What a frame says; "" where there is nothing to tell."""
    return "; ".join(_message(message) for message in _decode(frame).messages if _is_news(message))


def struct_told(struct: Any) -> str:
    """The fields of a request or result that are not empty."""
    fields = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return " ".join(f"{name}={_told(value)}" for name, value in fields if value not in (None, "", [], {}, 0))[:LINE_MAX]


def outcome_told(outcome: Any) -> str:
    """A result or a refusal."""
    if isinstance(outcome, Refusal):
        return " ".join([outcome.reason, *(f"{name}={value}" for name, value in outcome.data.items())])
    return struct_told(outcome)


def _message(message: Any) -> str:
    if isinstance(message, Ask):
        params = msgspec.msgpack.decode(message.params)
        given = " ".join(f"{name}={_told(value)}" for name, value in params.items() if value)
        return f"Ask {message.player} {message.method} {given} {message.own_key}".rstrip()
    if isinstance(message, Transfer):
        (sent,) = decode_events(message.event)
        assert isinstance(sent, TransferSent), sent
        ends = f"{message.number} from {_named(message.sender)} to {_named(message.to)}"
        return f"Transfer {ends}: {type(sent.payload).__name__} {struct_told(sent.payload)}"[:LINE_MAX]
    return f"{type(message).__name__} {' '.join(_fields(message))}"[:LINE_MAX]


def _fields(message: Any) -> list[str]:
    values = (getattr(message, name) for name in message.__struct_fields__)
    return [told for value in values if not isinstance(value, Party) and (told := _told(value))]


def _is_news(message: Any) -> bool:
    if isinstance(message, FeedChanges | FeedPage):
        return bool(message.rows)
    return not isinstance(message, FeedFrom | FeedNext)


def _told(value: Any) -> str:
    match value:
        case TradeId():
            return str(value)
        case Ballot():
            return f"({value.round} {value.node} {value.incarnation})"
        case Value():
            return "commit" if value.commit else "abort"
        case Listing():
            return f"{_named(value.listing)} {value.state} version {value.version}"
        case Notice():
            return f"{value.seq} {value.type}"
        case Item():
            return _named(value.item)
        case bytes():
            return ""
        case str():
            return _named(value)
        case tuple() | list():
            return ", ".join(map(_told, value))
        case dict():
            return " ".join(f"{name}={_told(one)}" for name, one in value.items())
        case msgspec.Struct():
            return f"({struct_told(value)})"
        case float():
            return f"{value:g}"
    return str(value)


def _named(text: str) -> str:
    """A text, and an id by the first letters of its store."""
    store, dot, rest = text.partition(".")
    return f"{store[:STORE_SHOWN]}{dot}{rest}" if len(store) == STORE_ID_LENGTH else text
