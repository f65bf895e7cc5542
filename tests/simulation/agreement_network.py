"""The network between the engines: messages that are lost, late, twice or out of order, and links that are cut."""

from shardnode.agreement.messages import (
    Accept,
    Accepted,
    Acked,
    Close,
    CloseTaken,
    Decided,
    Finished,
    Message,
    Nack,
    Prepare,
    Promise,
    Propose,
    Vote,
)
from tests.simulation.world import World

LATENCY_S = 0.001
"""How long a message takes at least."""
KINDS = (Prepare, Vote, Propose, Promise, Accept, Accepted, Nack, Decided, Acked, Finished, Close, CloseTaken)
"""Kinds of messages of which a seed may draw one that fares worse than the others."""
ANY_KIND = 0.2
ANY_NODE = 0.6
"""Shares of seeds that harm messages of all kinds, of all senders, to all receivers."""


class Network:
    """All links; says how long a message takes."""

    def __init__(self, world: World, names: list[str]) -> None:
        rates = world.rates
        choice, share = world.random.choice, world.share
        self._world = world
        self._lost = rates.lost
        self._delayed = rates.lost + rates.delayed
        self._harmed = rates.lost + rates.delayed + rates.duplicated
        self._kind = choice(KINDS) if share() >= ANY_KIND else None
        self._sender = choice(names) if share() >= ANY_NODE else None
        self._receiver = choice(names) if share() >= ANY_NODE else None
        """What a message must be to be a target; None: anything."""
        self._sound = not (self._harmed or rates.targeted or rates.cuts)
        self._spread_s = rates.reordered_s
        self._cut_until_s: dict[tuple[str, str], float] = {}

    def latencies_s(self, sender: str, receiver: str, message: Message) -> tuple[float, ...]:
        """How long a message takes that is sent now; none: it is lost, two: it arrives twice."""
        world = self._world
        usual_s = LATENCY_S + world.share() * self._spread_s if self._spread_s else LATENCY_S
        if self._sound:
            return (usual_s,)
        if self._cut_until_s.get((sender, receiver), 0.0) > world.now_s:
            return ()
        rates = world.rates
        harm = world.share()
        if (
            rates.targeted
            and (self._kind is None or type(message) is self._kind)
            and (self._sender is None or sender == self._sender)
            and (self._receiver is None or receiver == self._receiver)
            and world.strikes(rates.targeted)
        ):
            lost, delayed = 1 / 3, 2 / 3
        elif harm < self._harmed and world.strikes(1.0):
            lost, delayed = self._lost, self._delayed
        else:
            return (usual_s,)
        if harm < lost:
            return ()
        late_s = usual_s + world.share() * rates.delay_s
        return (late_s,) if harm < delayed else (usual_s, late_s)

    def cut(self, one: str, other: str, until_s: float, both_ways: bool) -> None:
        """Cut the link from one node to another, or both ways: what is sent is lost."""
        self._cut_until_s[one, other] = until_s
        if both_ways:
            self._cut_until_s[other, one] = until_s

    def heal(self) -> None:
        """All links are sound from now on; what is late stays late."""
        self._sound = True
        self._spread_s = 0.0
