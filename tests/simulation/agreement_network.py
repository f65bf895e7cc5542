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
    Prepare,
    Promise,
    Propose,
    Vote,
)
from tests.simulation.world import World

LATENCY_S = 0.001
"""How long a message takes at least."""
TARGETS = (Prepare, Vote, Propose, Promise, Accept, Accepted, Decided, Acked, Finished, Close, CloseTaken)
"""Kinds of messages of which a seed draws one that fares worse than the others."""


class Network:
    """All links; says how long a message takes."""

    def __init__(self, world: World) -> None:
        rates = world.rates
        self._world = world
        self._lost = rates.lost
        self._delayed = rates.lost + rates.delayed
        self._harmed = rates.lost + rates.delayed + rates.duplicated
        self._target = TARGETS[int(world.share() * len(TARGETS))]
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
        if type(message) is self._target and world.strikes(rates.targeted):
            return () if harm < 0.5 else (usual_s + world.share() * rates.delay_s,)
        if harm >= self._harmed or not world.strikes(1.0):
            return (usual_s,)
        if harm < self._lost:
            return ()
        late_s = usual_s + world.share() * rates.delay_s
        return (late_s,) if harm < self._delayed else (usual_s, late_s)

    def cut(self, one: str, other: str, until_s: float, both_ways: bool) -> None:
        """Cut the link from one node to another, or both ways: what is sent is lost."""
        self._cut_until_s[one, other] = until_s
        if both_ways:
            self._cut_until_s[other, one] = until_s

    def heal(self) -> None:
        """All links are sound from now on; what is late stays late."""
        self._sound = True
        self._spread_s = 0.0
