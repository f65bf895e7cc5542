"""The simulated wire between nodes: links that come up, are cut one way or both, stall, and lose what they carry.

Each node's end implements `shardnode.cluster.network.Network`. A frame belongs to the link that it was sent on and
never arrives on a later one; on its own link it may be lost, late, doubled or overtaken, as the port allows.
"""

from collections.abc import Callable
from typing import Protocol, get_args

import msgspec

from shardnode.cluster.messages import PeerMessage
from shardnode.cluster.network import STALLED_S, NetworkEvents, PeerFault
from tests.simulation.clock import Process
from tests.simulation.node_story import frame_told
from tests.simulation.world import World

LATENCY_S = 0.000_3
CONNECT_S = (0.05, 0.3)
"""Shortest and longest time until two nodes that lost each other are connected again."""
RESET_SHARE = 0.7
"""Share of deaths that the peers hear of at once, because the dead node's system still closes its sockets."""
QUEUED_SHARE = 0.5
"""Share of frames that wait for a cut to heal, as a sender's system keeps them; the others are lost."""

TARGETS = [kind.__struct_config__.tag.encode() for kind in get_args(PeerMessage)]
"""How a frame names the kinds of its messages."""
FRAMES_SURVIVED = 0.1
"""How often a node dies over a frame, as a share of how often it dies with a record."""
OLD_MAP = "older cluster.toml"
"""Of all that a node may have against a frame, what happens while a new map is not everywhere yet."""


class Peer(msgspec.Struct, frozen=True, eq=False):
    """One process as the network knows it."""

    process: Process
    events: NetworkEvents


class Link:
    """One connection between two processes; each end knows by itself whether it is up."""

    __slots__ = ("arrived_s", "over", "queued")

    def __init__(self, ends: tuple[str, str]) -> None:
        self.over = False
        """Whether one end gave it up."""
        self.arrived_s = dict.fromkeys(ends, 0.0)
        """When the latest frame to each end arrives, for links that keep their order."""
        self.queued: dict[str, list[bytes]] = {end: [] for end in ends}
        """What waits for a cut to heal, by receiver."""


class Ear(Protocol):
    """Who hears what passes."""

    def sent(self, link: object, sender: str, receiver: str, frame: bytes) -> None:
        """A frame leaves, whether or not it arrives."""

    def received(self, receiver: str, frame: bytes) -> None:
        """A node has read a frame."""


class SimulatedNetwork:
    """All links. `meet` says whether two nodes accept each other, `ear` hears every frame."""

    ear: Ear

    def __init__(self, world: World, meet: Callable[[str, str], bool]) -> None:
        self._world = world
        self._share = world.share
        self._meet = meet
        self._targeted = TARGETS[int(world.share() * len(TARGETS))]
        """Frames that contain this are in the way of the `targeted` fault."""
        self._peers: dict[str, Peer] = {}
        self._links: dict[tuple[str, str], Link] = {}
        """The latest connection of two nodes, in order of their names."""
        self._up: dict[tuple[str, str], Link] = {}
        """Here and there → the link as this end has it."""
        self._deaf: dict[tuple[str, str], float] = {}
        """Sender and receiver → since when nothing passes from the one to the other."""

    def join(self, process: Process, events: NetworkEvents) -> "End":
        """A process gets its end of the network; it connects when it listens."""
        self._peers[process.name] = Peer(process, events)
        return End(self, process)

    def listen(self, process: Process) -> None:
        """A process connects to all others, and lets them in."""
        for other in self._peers:
            if other != process.name:
                self._connect_soon(process.name, other)

    def leave(self, process: Process) -> None:
        """A process died."""
        here = process.name
        del self._peers[here]
        self._up = {ends: link for ends, link in self._up.items() if ends[0] != here}
        for ends, link in list(self._links.items()):
            if here in ends:
                other = ends[0] if ends[1] == here else ends[1]
                link.over = True
                noticed_s = LATENCY_S if self._share() < RESET_SHARE else self._stall_s()
                self._world.after(noticed_s, self._hang_up, link, other, here)

    def cut(self, sender: str, receiver: str) -> None:
        """From now on nothing passes this way."""
        if (sender, receiver) not in self._deaf:
            self._deaf[sender, receiver] = since_s = self._world.now_s
            self._world.after(self._stall_s(), self._notice_silence, sender, receiver, since_s)

    def heal(self, sender: str, receiver: str) -> None:
        """What was cut passes again."""
        if self._deaf.pop((sender, receiver), None) is None:
            return
        link = self._links.get(_ends(sender, receiver))
        if link is None:
            self._connect_soon(sender, receiver)
            return
        queued, link.queued[receiver] = link.queued[receiver], []
        for frame in queued:
            self._world.after(LATENCY_S, self._arrive, link, sender, receiver, frame)

    def silent(self, name: str, *, on: bool) -> None:
        """A process stands still, so that its peers hear nothing; or it goes on."""
        for other in self._peers:
            if other != name:
                if on:
                    self._world.after(self._stall_s(), self._notice_pause, name, other)
                else:
                    self._connect_soon(name, other)

    def is_up(self, here: str, there: str) -> bool:
        """Whether one end has a link to the other."""
        return (here, there) in self._up

    def links_of(self, here: str) -> dict[str, Link]:
        """The links that one end has, by the other."""
        return {there: link for (end, there), link in self._up.items() if end == here}

    def whole(self) -> bool:
        """Whether every process is linked to every other."""
        return len(self._up) == len(self._peers) * (len(self._peers) - 1)

    def send(self, process: Process, receiver: str, frame: bytes) -> bool:
        """Put a frame on the way."""
        here = process.name
        link = self._up.get((here, receiver))
        if link is None or not process.may_speak():
            return False
        self.ear.sent(link, here, receiver, frame)
        world, rates = self._world, self._world.rates
        hurt = rates.targeted and self._targeted in frame and world.strikes(rates.targeted)
        if world.strikes(rates.lost) or (hurt and self._share() < 0.5):
            world.tell(here, f"-> {receiver}: lost")
            return True
        if world.told and (said := frame_told(frame)):
            world.tell(here, f"-> {receiver}: {said}")
        delay_s = LATENCY_S
        if hurt or world.strikes(rates.delayed):
            delay_s += self._share() * rates.delay_s
            world.tell(here, f"-> {receiver}: late by {delay_s:.3f} s")
        elif rates.reordered_s:
            delay_s += self._share() * rates.reordered_s
        else:
            delay_s = max(delay_s, link.arrived_s[receiver] - world.now_s)
            link.arrived_s[receiver] = world.now_s + delay_s
        world.after(delay_s, self._arrive, link, here, receiver, frame)
        if world.strikes(rates.duplicated):
            world.tell(here, f"-> {receiver}: doubled")
            world.after(delay_s + self._share() * rates.delay_s, self._arrive, link, here, receiver, frame)
        return True

    def _arrive(self, link: Link, sender: str, receiver: str, frame: bytes) -> None:
        if self._up.get((receiver, sender)) is not link:
            return
        if (sender, receiver) in self._deaf:
            if self._share() < QUEUED_SHARE:
                link.queued[receiver].append(frame)
            return
        peer = self._peers[receiver]
        peer.process.reach(self._receive, link, sender, receiver, frame)

    def _receive(self, link: Link, sender: str, receiver: str, frame: bytes) -> None:
        if self._up.get((receiver, sender)) is link:
            peer, world = self._peers[receiver], self._world
            if world.strikes(world.rates.crashes * FRAMES_SURVIVED):
                world.tell(receiver, "dies over a frame")
                if self._share() < 0.5:
                    peer.process.die()
                    return
                peer.process.die_after(int(self._share() * 4))
            try:
                peer.events.received(sender, frame)
                self.ear.received(receiver, frame)
            except PeerFault as fault:
                world.tell(receiver, f"hangs up on {sender}: {fault}")
                if OLD_MAP not in str(fault):
                    world.violate("peers", f"{receiver} calls a frame of {sender} nonsense: {fault}")
                self._hang_up(link, receiver, sender)

    def _connect_soon(self, one: str, other: str) -> None:
        low, high = CONNECT_S
        self._world.after(low + self._share() * (high - low), self._connect, _ends(one, other))

    def _connect(self, ends: tuple[str, str]) -> None:
        """Connect two nodes, unless something is in the way whose end will try again."""
        one, other = ends
        peers = self._peers.get(one), self._peers.get(other)
        if peers[0] is None or peers[1] is None or peers[0].process.paused or peers[1].process.paused:
            return
        if ends in self._deaf or (other, one) in self._deaf or not self._meet(one, other):
            return
        before = self._links.get(ends)
        if before is not None:
            if not before.over:
                return
            self._drop(before, one, other)
            self._drop(before, other, one)
            if (self._peers.get(one), self._peers.get(other)) != peers:
                return  # one of them died over it
        link = self._links[ends] = Link(ends)
        for here, there, peer in ((one, other, peers[0]), (other, one, peers[1])):
            delay_s = LATENCY_S + self._share() * 0.002
            self._world.after(delay_s, peer.process.reach, self._come_up, link, here, there)

    def _come_up(self, link: Link, here: str, there: str) -> None:
        if not link.over:
            self._up[here, there] = link
            self._peers[here].events.link_up(there)

    def _hang_up(self, link: Link, here: str, there: str) -> None:
        """One end of a link gives it up; the other hears of it, unless nothing passes that way."""
        link.over = True
        ends = _ends(here, there)
        if self._links.get(ends) is link:
            del self._links[ends]
        self._drop(link, here, there)
        delay_s = self._stall_s() if (here, there) in self._deaf else LATENCY_S
        self._world.after(delay_s, self._drop, link, there, here)
        self._connect_soon(here, there)

    def _drop(self, link: Link, here: str, there: str) -> None:
        """One end of a link is gone, and its node hears of it."""
        if self._up.get((here, there)) is link:
            del self._up[here, there]
            peer = self._peers[here]
            peer.process.reach(peer.events.link_down, there)

    def _notice_silence(self, sender: str, receiver: str, since_s: float) -> None:
        if self._deaf.get((sender, receiver)) == since_s:
            link = self._links.get(_ends(sender, receiver))
            if link is not None:
                self._hang_up(link, receiver, sender)

    def _notice_pause(self, silent: str, receiver: str) -> None:
        peer = self._peers.get(silent)
        link = self._links.get(_ends(silent, receiver))
        if peer is not None and peer.process.paused and link is not None:
            self._hang_up(link, receiver, silent)

    def _stall_s(self) -> float:
        return STALLED_S * (1 + self._share() * 0.2)


class End:
    """One process's end of the network (`shardnode.cluster.network.Network`)."""

    def __init__(self, network: SimulatedNetwork, process: Process) -> None:
        self._network = network
        self._process = process

    def send(self, node: str, frame: bytes) -> bool:
        """See shardnode.cluster.network.Network."""
        return self._network.send(self._process, node, frame)

    def is_up(self, node: str) -> bool:
        """See shardnode.cluster.network.Network."""
        return self._network.is_up(self._process.name, node)


def _ends(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
