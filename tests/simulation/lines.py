"""Lines between clients and nodes: production sessions that get bytes and give bytes, without a socket between."""

from collections.abc import Callable
from typing import Any

from clients.codec import Message, codec_for
from shardnode.wire.methods import METHODS
from shardnode.wire.transport import CloseCode
from tests.simulation.clock import Process
from tests.simulation.house import GATEWAY, SimulatedNode
from tests.simulation.world import World

LATENCY_S = 0.000_2
CODEC = codec_for("msgpack")
METHOD_OF = {method.params: method.name for method in METHODS.values()}
"""Class of a request → the protocol's name of it."""
LOOK_S = 0.01
"""The least time between two looks for overdue answers."""


class Line:
    """One connection (`shardnode.gateway.session.Outlet`). `said` hears each message at the instant at which the node
    says it, `heard` when it reaches the client, `cut` that the line is gone, `minted` of a key that the node gave.
    """

    unsent_bytes = 0
    """Clients read at once."""

    def __init__(
        self,
        world: World,
        node: SimulatedNode,
        said: Callable[[Message], None],
        heard: Callable[[Message], None],
        cut: Callable[[], None],
        minted: Callable[[int, str], None],
    ) -> None:
        assert node.process is not None
        self.node = node.name
        self.process: Process = node.process
        self.open = True
        self._world = world
        self._said = said
        self._heard = heard
        self._cut = cut
        self._minted = minted
        self._node = node
        self._looking = False
        self._session = node.session(self)

    def ask(self, number: int, params: Any) -> None:
        """Send a request."""
        payload = CODEC.request(number, METHOD_OF[type(params)], params)
        self._world.after(LATENCY_S, self.process.reach, self._receive, number, payload)

    def send(self, payload: bytes) -> None:
        """What the node says (Outlet)."""
        if self.open and self.process.may_speak():
            message = CODEC.read(payload)
            assert isinstance(message, Message), message
            self._said(message)
            self._world.after(LATENCY_S, self._hear, message)

    def close(self, code: CloseCode) -> None:
        """The node hangs up (Outlet)."""
        self._world.violate("sound node", f"{self.node} hangs up on a client that did nothing wrong: {code}")

    def hang_up(self) -> None:
        """The client hangs up."""
        if self.open:
            self.open = False
            self._world.after(LATENCY_S, self.process.reach, self._session.closed)

    def broken(self) -> None:
        """The node died."""
        if self.open:
            self.open = False
            self._cut()

    def _hear(self, message: Message) -> None:
        if self.open:
            self._heard(message)

    def _receive(self, number: int, payload: bytes) -> None:
        self._node.minted = ""
        self._session.receive(payload)
        if self._node.minted and self.open:
            self._minted(number, self._node.minted)
        if self._session.waiting and not self._looking:
            self._looking = True
            self.process.callLater(GATEWAY.answer_within_s, self._look)

    def _look(self) -> None:
        overdue_s = self._session.overdue()
        self._looking = overdue_s is not None
        if overdue_s is not None:
            self.process.callLater(max(overdue_s, LOOK_S), self._look)
