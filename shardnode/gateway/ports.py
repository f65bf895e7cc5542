"""What the gateway needs of the node behind it, handed in by the composition root."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from auction.context import Answer, Request
from shardnode.gateway.tokens import Identity
from shardnode.ops.open_trades import OpenTrades


class Metrics(Protocol):
    """Where the gateway counts."""

    def request_done(self, method: str, outcome: str, seconds: float) -> None:
        """A request got its answer: `outcome` is "ok" or the reason of a refusal or fault; an unreadable or unknown
        method is "unknown".
        """

    def limit_hit(self, name: str) -> None:
        """A bound of `GatewayLimits` was met."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The node, as the gateway sees it."""

    ask: "Callable[[Request], Deferred[Answer]]"
    """Fires when the answer may leave. Fails with a ClientFault; any other failure is a bug and goes to `failed`."""
    told: Callable[[Request], None]
    """A mutation with an `own_key` was answered `in_doubt`: the client knows the key, its real answer is dropped."""
    mint_key: Callable[[], str]
    """A key for a mutation whose client gave none, unique for ever."""
    joined: Callable[[str], None]
    """A player's first session here has logged in."""
    left: Callable[[str], None]
    """A player's last session here is gone."""
    latest_seq: "Callable[[str], Deferred[int]]"
    """The `seq` of a player's latest event; 0 where it cannot be learnt now, from where nothing is lost either."""
    verify: Callable[[str, int], Identity]
    """Token and now in milliseconds → who it names. Raises TokenInvalid, TokenExpired."""
    now_ms: Callable[[], int]
    """The house's clock: instants, for tokens and answers."""
    monotonic_s: Callable[[], float]
    """Seconds that never jump: for rates, deadlines and silence."""
    ready: Callable[[], bool]
    """Whether the node serves, for `/readyz`."""
    render_metrics: Callable[[], bytes]
    """The Prometheus text, for `/metrics`."""
    open_trades: Callable[[], OpenTrades]
    """What is not over between this node and others, for `/trades`."""
    failed: Callable[[Failure], None]
    """A bug of ours was met: the node stops before it lies."""
    metrics: Metrics
