"""Every bound of the gateway, with its unit in its name and its default."""

import msgspec

from shardnode.wire.transport import ANSWERED_WITHIN_S, MESSAGE_BYTES_MAX, PING_EVERY_S, SILENCE_MAX_S


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one node's gateway; `limit_hit` metrics carry these names."""

    message_bytes_max: int = MESSAGE_BYTES_MAX
    """The largest inbound message; a larger one closes the socket with 1009."""
    fragments_max: int = 4_096
    """Frames that one message may come in; more, which may be empty and so add up to nothing, close it with 1009."""
    requests_per_s: int = 2_000
    """How many requests a second one connection may send for long; each request of a batch counts."""
    requests_burst: int = 4_000
    """How many requests one connection may send at once after a rest."""
    flood_requests: int = 4_000
    """How many requests beyond that are answered `rate_limited` before the socket is closed with 1008."""
    in_flight_max: int = 8_192
    """Requests of one connection that wait for the house; one more is answered `unavailable` at once."""
    answer_within_s: float = ANSWERED_WITHIN_S - 0.5
    """When the house has not answered by then, the gateway does: `unavailable`, or `in_doubt` for a mutation."""
    retry_after_ms: int = 1_000
    """What the gateway's own `unavailable` tells a client to wait."""
    unsent_bytes_max: int = 4_194_304
    """Bytes waiting for a client that reads slowly; beyond it the socket is closed with 1013."""
    unsent_for_watches_max: int = 65_536
    """Bytes waiting for a client that reads slowly, beyond which it is not told of its watches."""
    sockets_max: int = 10_000
    """WebSockets of the node; one more is closed with 1013."""
    sockets_per_address_max: int = 1_000
    """WebSockets from one address; one more is closed with 1013."""
    tcp_connections_spare: int = 1_000
    """TCP connections beyond `sockets_max`, for HTTP and for telling clients that the node is full; one more is cut."""
    ping_every_s: float = PING_EVERY_S
    silence_max_s: float = SILENCE_MAX_S
    """A connection from which nothing was heard for this long is dropped."""
    close_within_s: float = 2.0
    """How long a client has to answer a close before its connection is cut."""
    http_idle_s: float = 20.0
    """How long an HTTP connection may be silent."""
    http_body_bytes_max: int = 4_096
    """The largest HTTP request body; none of the pages needs one."""
