"""How many connections a node has, and whether it takes one more."""

from collections import Counter

from shardnode.gateway.limits import GatewayLimits


class Occupancy:
    """Counts TCP connections, and those among them that are WebSockets, by address."""

    def __init__(self, limits: GatewayLimits) -> None:
        self._limits = limits
        self._sockets_by_address: Counter[str] = Counter()
        self.tcp_connections = 0
        self.sockets = 0

    def connect(self) -> bool:
        """Count a new TCP connection. False: there are too many, cut it."""
        self.tcp_connections += 1
        return self.tcp_connections <= self._limits.sockets_max + self._limits.tcp_connections_spare

    def disconnect(self) -> None:
        """A TCP connection is gone."""
        self.tcp_connections -= 1
        assert self.tcp_connections >= 0

    def open(self, address: str) -> str | None:
        """Count a new WebSocket. The name of a limit: it is not counted, and must be closed."""
        if self.sockets >= self._limits.sockets_max:
            return "sockets_max"
        if self._sockets_by_address[address] >= self._limits.sockets_per_address_max:
            return "sockets_per_address_max"
        self.sockets += 1
        self._sockets_by_address[address] += 1
        return None

    def close(self, address: str) -> None:
        """A WebSocket that was counted is gone."""
        self.sockets -= 1
        self._sockets_by_address[address] -= 1
        if not self._sockets_by_address[address]:
            del self._sockets_by_address[address]
