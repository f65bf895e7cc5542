"""The error table: every reason's JSON-RPC code, and the client's faults as typed errors with the answer they deserve.

A refusal of the rules is a value (`auction.refusals`); a fault here is what a client did wrong, or what kept the node
from deciding. Both leave the node as one JSON-RPC error object `{code, message, data}` with a stable `data.reason`.
"""

import msgspec

from auction.refusals import REASONS, Refusal

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNKNOWN_METHOD = -32601
BAD_PARAMS = -32602
INTERNAL_ERROR = -32603
"""Never sent: our own bug stops the node instead of answering."""
UNAUTHENTICATED = -32001
FORBIDDEN = -32002
REFUSED = -32003
NOT_FOUND = -32004
RATE_LIMITED = -32005
UNAVAILABLE = -32006
IN_DOUBT = -32007
MOVED = -32008

FAULTS: dict[str, tuple[int, str]] = {
    "parse_error": (PARSE_ERROR, "The message is not one whole value of the subprotocol's encoding; the id is null."),
    "invalid_request": (
        INVALID_REQUEST,
        "The value is no JSON-RPC 2.0 request, nor an array of 1 to 50 of them.",
    ),
    "unknown_method": (UNKNOWN_METHOD, "The node has no such method."),
    "bad_params": (BAD_PARAMS, "A param is missing, unknown, of the wrong type or out of bounds; data.path names it."),
    "unauthenticated": (UNAUTHENTICATED, "Call session.login with a token first."),
    "token_expired": (UNAUTHENTICATED, "The token is past its exp; log in with a new one."),
    "token_invalid": (UNAUTHENTICATED, "The token is not one of this house; get one from its operator."),
    "forbidden": (FORBIDDEN, "The token's role may not call this method."),
    "rate_limited": (RATE_LIMITED, "Too many requests on this connection; send again after data.retry_after_ms."),
    "unavailable": (UNAVAILABLE, "Nothing was done, for certain; send again after data.retry_after_ms."),
    "in_doubt": (IN_DOUBT, "It may have been done; repeat the same call with data.key to learn it."),
    "moved": (MOVED, "Another node is at home here; connect to data.url."),
}
"""Reason of each fault → its code and meaning."""

CODES: dict[str, int] = {
    **{reason: NOT_FOUND if reason.startswith("no_such_") else REFUSED for reason in REASONS},
    **{reason: code for reason, (code, _) in FAULTS.items()},
}
"""Every reason of the protocol → its code. `rate_limited` has a fault's code even where a rule says it."""


class ErrorObject(msgspec.Struct, frozen=True):
    """The `error` of a JSON-RPC answer."""

    code: int
    message: str
    data: dict[str, object]


class ClientFault(Exception):
    """What a client gets instead of a result, where no rule refused. `data` always carries `reason`."""

    def __init__(self, reason: str, message: str, **figures: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.figures = figures

    def error(self) -> ErrorObject:
        """The error object of the answer."""
        return ErrorObject(CODES[self.reason], self.message, {"reason": self.reason, **self.figures})


class ParseError(ClientFault):
    """The bytes are no message; the answer's id is null."""

    def __init__(self, why: str) -> None:
        super().__init__("parse_error", f"the message does not parse: {why}")


class InvalidRequest(ClientFault):
    """The value is no request; `request_id` is its id where that could be read."""

    def __init__(self, why: str, request_id: int | str | None = None) -> None:
        super().__init__("invalid_request", f"not a JSON-RPC 2.0 request: {why}")
        self.request_id = request_id


class UnknownMethod(ClientFault):
    """No such method, or one that comes later."""

    def __init__(self, why: str) -> None:
        super().__init__("unknown_method", why)


class BadParams(ClientFault):
    """A param is wrong; `path` is its place inside params, "" for params as a whole."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__("bad_params", f"{path}: {why}" if path else f"params: {why}", path=path)


class Unauthenticated(ClientFault):
    """Nobody has logged in on this connection."""

    def __init__(self) -> None:
        super().__init__("unauthenticated", "log in first: call session.login with a token")


class TokenExpired(ClientFault):
    """The session's token, or one offered, is past its `exp`."""

    def __init__(self) -> None:
        super().__init__("token_expired", "the token has expired; get a new one and call session.login again")


class TokenInvalid(ClientFault):
    """The token is not good in this house."""

    def __init__(self, why: str) -> None:
        super().__init__("token_invalid", f"{why}; get a token from the house's operator (auction token)")


class Forbidden(ClientFault):
    """The role may not call the method."""

    def __init__(self, method: str, role: str) -> None:
        super().__init__("forbidden", f"{method} may not be called with a {role}'s token")


class RateLimited(ClientFault):
    """Too many requests."""

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__("rate_limited", message, retry_after_ms=retry_after_ms)


class Unavailable(ClientFault):
    """Nothing was done, for certain."""

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__("unavailable", message, retry_after_ms=retry_after_ms)


class InDoubt(ClientFault):
    """It may have been done; the same call with `key` tells. `trade` names the undecided trade, if there is one."""

    def __init__(self, key: str, trade: str | None) -> None:
        super().__init__(
            "in_doubt", "it may have been done; repeat the same call with data.key to learn it", key=key, trade=trade
        )


class Moved(ClientFault):
    """Only for sessions that asked for redirects: the home is elsewhere."""

    def __init__(self, url: str) -> None:
        super().__init__("moved", "another node is at home here; connect to data.url", url=url)


def refusal_error(refusal: Refusal) -> ErrorObject:
    """The error object of a rule's refusal."""
    reason = refusal.reason
    return ErrorObject(CODES[reason], REASONS[reason], {"reason": reason, **refusal.data})
