"""Everything that a call can end with besides its result: one exception class a family of the protocol's errors, and
one of its own for each refusal whose figures a game acts on. `reason` is for programs and stable, `message` for people.

    AuctionError
      BadParams  UnknownMethod  ServerFault
      Unauthenticated  Forbidden  NotFound  RateLimited  Unavailable  InDoubt  Moved
      Refused
        Outbid  BidTooLow  InsufficientGold  InsufficientGoods  PriceChanged  BuyLimit  Frozen
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from shardnode.wire import errors as wire


class ErrorBody(msgspec.Struct, frozen=True):
    """The `error` object of an answer."""

    code: int
    message: str
    data: dict[str, Any] | None = None


class AuctionError(Exception):
    """A call that has no result. `code` is JSON-RPC's, `reason` the protocol's stable word, "" where it has none."""

    def __init__(self, code: int, reason: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.data: Mapping[str, Any] = data or {}

    @property
    def retry_after_ms(self) -> int:
        """How long to wait before another try, 0 where nobody said."""
        wait_ms = self.data.get("retry_after_ms")
        return wait_ms if isinstance(wait_ms, int) else 0

    def __str__(self) -> str:
        return f"{self.message} ({self.reason or self.code})"


class BadParams(AuctionError):
    """The request is not one of the protocol: `path` names the param at fault. Mend the program."""

    @property
    def path(self) -> str:
        """Where in the params, "" where the node did not say."""
        return str(self.data.get("path", ""))


class UnknownMethod(AuctionError):
    """The node does not know this method; it may be older than the client."""


class ServerFault(AuctionError):
    """The node failed, or answered what no node should. Never the caller's doing; report it."""


class Unauthenticated(AuctionError):
    """Not logged in: the token is missing, expired or not this house's. Get a new token."""


class Forbidden(AuctionError):
    """The token's role may not do this."""


class NotFound(AuctionError):
    """No such thing; `reason` says which kind: `no_such_listing`, `no_such_item`, ..."""


class RateLimited(AuctionError):
    """Too many requests, still after the repeats that the client made; `retry_after_ms` says when to come again."""


class Unavailable(AuctionError):
    """Nothing was done, for certain, and no node could do it within the client's deadline. Try again later."""


class InDoubt(AuctionError):
    """It may have been done. Repeat the same call with `key` to learn it; another key might do it twice."""

    @property
    def key(self) -> str:
        """The key under which the call was made."""
        return str(self.data["key"])


class Moved(AuctionError):
    """Another node is at home here. The client goes there by itself, so a program does not meet this."""

    @property
    def url(self) -> str:
        """The home node."""
        return str(self.data.get("url", ""))


class Refused(AuctionError):
    """A "no" of the rules. Nothing changed, except that `outbid` moved a price."""


class Outbid(Refused):
    """Another player's maximum is as high or higher. No gold of ours is held; `min_bid` is the next that counts."""

    @property
    def price(self) -> int:
        """The visible price now."""
        return int(self.data["price"])

    @property
    def min_bid(self) -> int:
        """The least that a new bid may offer now."""
        return int(self.data["min_bid"])


class BidTooLow(Refused):
    """The bid is below `min_bid`."""

    @property
    def min_bid(self) -> int:
        """The least that a new bid may offer now."""
        return int(self.data["min_bid"])


class InsufficientGold(Refused):
    """The wallet holds only `available` gold."""

    @property
    def available(self) -> int:
        """What the wallet holds."""
        return int(self.data["available"])


class InsufficientGoods(Refused):
    """The stash does not hold so many pieces, or, asked for a quote, the book does not."""

    @property
    def available(self) -> int | None:
        """How many there are, None where the node did not say."""
        pieces = self.data.get("available")
        return pieces if isinstance(pieces, int) else None


class PriceChanged(Refused):
    """The price is no longer the one that was seen; `price` is the current one, of a quote the total."""

    @property
    def price(self) -> int:
        """What it costs now."""
        return int(self.data["price"])


class BuyLimit(Refused):
    """Within this window only `left` pieces may still be ordered; more after `retry_after_ms`."""

    @property
    def left(self) -> int:
        """Pieces that may be ordered now."""
        return int(self.data["left"])


class Frozen(Refused):
    """An operator has stopped trading in this. It goes on when that is lifted; nobody knows when."""

    @property
    def what(self) -> str:
        """ "house", "category", "commodity" or "player"."""
        return str(self.data["what"])


BY_CODE: dict[int, type[AuctionError]] = {
    wire.PARSE_ERROR: ServerFault,
    wire.INVALID_REQUEST: ServerFault,
    wire.UNKNOWN_METHOD: UnknownMethod,
    wire.BAD_PARAMS: BadParams,
    wire.INTERNAL_ERROR: ServerFault,
    wire.UNAUTHENTICATED: Unauthenticated,
    wire.FORBIDDEN: Forbidden,
    wire.REFUSED: Refused,
    wire.NOT_FOUND: NotFound,
    wire.RATE_LIMITED: RateLimited,
    wire.UNAVAILABLE: Unavailable,
    wire.IN_DOUBT: InDoubt,
    wire.MOVED: Moved,
}
"""Code → family."""

BY_REASON: dict[str, type[Refused]] = {
    "outbid": Outbid,
    "bid_too_low": BidTooLow,
    "insufficient_gold": InsufficientGold,
    "insufficient_goods": InsufficientGoods,
    "price_changed": PriceChanged,
    "buy_limit": BuyLimit,
    "frozen": Frozen,
}
"""Reason → class, where a refusal has figures."""

REPEATED = (RateLimited, Unavailable, InDoubt)
"""What may pass when the same request is made again; the client does so by itself within its deadline."""


def error_from(body: ErrorBody) -> AuctionError:
    """The exception for an answer's `error`; a code that the protocol does not know is a plain AuctionError."""
    data = body.data or {}
    reason = str(data.get("reason", ""))
    kind = BY_REASON.get(reason) or BY_CODE.get(body.code, AuctionError)
    return kind(body.code, reason, body.message, data)


def bad_params(message: str) -> BadParams:
    """The client itself knows that no node would take the request."""
    return BadParams(wire.BAD_PARAMS, "bad_params", message, {"path": ""})


def server_fault(message: str) -> ServerFault:
    """A node answered what does not fit the protocol."""
    return ServerFault(wire.INTERNAL_ERROR, "", message)


def unavailable(message: str) -> Unavailable:
    """The client itself knows that nothing was done."""
    return Unavailable(wire.UNAVAILABLE, "unavailable", message)


def in_doubt(message: str, key: str) -> InDoubt:
    """The client itself does not know whether it was done."""
    return InDoubt(wire.IN_DOUBT, "in_doubt", message, {"key": key, "trade": None})


class EventsMissed(Exception):
    """The house no longer keeps events `first_seq` … `last_seq`. Read the player's state anew, then go on listening."""

    def __init__(self, first_seq: int, last_seq: int) -> None:
        super().__init__(f"events {first_seq} to {last_seq} are no longer kept; read the player's state anew")
        self.first_seq = first_seq
        self.last_seq = last_seq
