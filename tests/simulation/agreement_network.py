"""The network between the engines: messages that are lost, late, twice or out of order, and links that are cut."""

from typing import get_args

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

LATENCY_S = (0.0005, 0.002, 0.6)
"""How long messages take over the fastest link, and over the slowest of a history: between these two."""
KINDS = (
    *(Accept, Accept, Accept, Accept, Accept, Accept, Promise, Promise, Accepted, Accepted, Accepted, Propose, Propose),
    *(Prepare, Vote, Nack, Decided, Decided, Acked, Finished, Close, Close, CloseTaken),
)
"""Kinds of messages that may be a target."""
HARMS = ((1.0, 1.0, 1.0), (0.0, 1.0, 1.0), (0.0, 1.0, 1.0), (0.0, 0.0, 1.0), (0.3, 0.7, 1.0))
TARGETS = 2
"""So many sets of messages fare worse than others, each in one of these ways: shares lost, lost or late, or harmed."""
SLOW = 0.3
"""Share of the kinds of messages that are slow in a history whose messages overtake each other …"""
SLOW_S = (0.02, 5.0)
"""… and take up to a time between these: from a moment to longer than anybody waits."""
ANY_KIND = 0.2
ANY_NODE = 0.5
"""Shares of seeds that harm messages of all kinds, of all senders, to all receivers."""


class Network:
    """All links; says how long a message takes."""

    def __init__(self, world: World, names: list[str], victim: str) -> None:
        rates = world.rates
        choice, share = world.random.choice, world.share
        self._world = world
        self._delay_s = rates.delay_s
        self._harms = rates.lost, rates.lost + rates.delayed, rates.lost + rates.delayed + rates.duplicated
        """A message whose share of 1 is below the first is lost, below the second late, below the third doubled."""
        self._targets = [
            (
                choice(KINDS) if share() >= ANY_KIND else None,
                choice(names) if share() >= ANY_NODE else None,
                choice((victim, choice(names))) if share() >= ANY_NODE else None,
                tuple(bound * rates.targeted**0.5 for bound in choice(HARMS)),
            )
            for _ in range(TARGETS if rates.targeted else 0)
        ]
        """Which messages fare worse than others: kind, sender, receiver (None: any); and their bounds."""
        self._sound = True
        self._spreads_s = self._spread() if rates.reordered_s else {}
        fast_s, slow_s, slowest_s = LATENCY_S
        far = slow_s * (slowest_s / slow_s) ** share() / fast_s
        self._latency_s = {(one, other): fast_s * far ** share() for one in names for other in names}
        self._cut_until_s: dict[tuple[str, str], float] = {}

    def latencies_s(self, sender: str, receiver: str, message: Message) -> tuple[float, ...]:
        """How long a message takes that is sent now; none: it is lost, two: it arrives twice."""
        world = self._world
        usual_s = self._latency_s[sender, receiver]
        if self._spreads_s:
            usual_s += world.share() * self._spreads_s[type(message)]
        if self._sound:
            return (usual_s,)
        if self._cut_until_s.get((sender, receiver), 0.0) > world.now_s:
            return ()
        harm = world.share()
        lost, late, doubled = self._harms
        for kind, one, other, harms in self._targets:
            if (
                (kind is None or type(message) is kind)
                and (one is None or sender == one)
                and (other is None or receiver == other)
            ):
                lost, late, doubled = harms
        if harm >= doubled or not world.strikes(1.0):
            return (usual_s,)
        if harm < lost:
            return ()
        late_s = usual_s + world.share() * self._delay_s
        return (late_s,) if harm < late else (usual_s, late_s)

    def cut(self, one: str, other: str, until_s: float, both_ways: bool) -> None:
        """Cut the link from one node to another, or both ways: what is sent is lost."""
        self._cut_until_s[one, other] = until_s
        if both_ways:
            self._cut_until_s[other, one] = until_s

    def trouble(self) -> None:
        """Faults begin."""
        self._sound = False

    def heal(self) -> None:
        """All links are sound from now on; what is late stays late."""
        self._latency_s = dict.fromkeys(self._latency_s, LATENCY_S[0])
        self._sound = True
        self._spreads_s = {}

    def _spread(self) -> dict[type[Message], float]:
        """How far apart two messages of a kind may come that were sent together."""
        world = self._world
        slow_s = SLOW_S[0] * (SLOW_S[1] / SLOW_S[0]) ** world.share()
        usual_s = world.rates.reordered_s
        return {kind: slow_s if world.share() < SLOW else usual_s for kind in get_args(Message)}
