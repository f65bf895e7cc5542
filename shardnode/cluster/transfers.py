"""Transfers between stores of different nodes: exactly once, in order, whoever restarts and whatever the wire loses.

    sender's node                                               receiver's node
    TransferSent is durable, and an Unsent with it
    Transfer ──────────────────────────────────────────────────► taken in: its mark moves with the effect
    Unsent is forgotten ◄────────────────────────── TransferDone once that is durable

Transfers are numbered per pair of stores and life of the receiver. One is sent again until it is done; the receiver's
mark lets each number in once, and none before the one before it. TransferDone speaks for all numbers up to its own, so
one that is lost is made good by the next, and a transfer that was taken long ago is answered again.

A life is the time that a node keeps its data directory. What was sent to a store of a directory that has been replaced
since is held: the new one cannot know which of them the old one had taken in already, so nothing is sent, nothing is
lost, and an operator sees it (`transfers_held`). A transfer that was sent in another life than the map says is not
taken.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.events import Record, TransferSent, decode_events, encode_events
from auction.state import StoreId
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Transfer, TransferDone
from shardnode.cluster.network import PeerFault
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post
from shardnode.ops.metrics import Metrics
from shardnode.storage.facts import TRANSFERS, Unsent, transfer_key
from shardnode.wire.errors import Unavailable

log = Logger()

HELD = "transfers to stores of a data directory that was replaced are held: {held}"

Series = tuple[StoreId, StoreId, int]
"""Sender, receiver, life: of the receiver where it is sent from, of the sender where it is taken in."""


class TransferLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of transfers; all that are not under way wait in memory as they do in the node's facts."""

    under_way_max: int = 2_000
    """Transfers to one node that are sent and not done; the rest waits."""
    under_way_bytes_max: int = 4_194_304
    resend_s: float = 1.0
    """How long a transfer may be under way before it is sent again."""
    taking_max: int = 2_000
    """Transfers of one pair of stores that wait here to be taken in; what comes beyond comes again."""


class _Parcel(msgspec.Struct, eq=False):
    """One transfer that is not done."""

    key: str
    transfer: Transfer
    sent_at_s: float = 0.0
    done: bool = False

    @property
    def series(self) -> Series:
        """What it is one of."""
        return self.transfer.sender, self.transfer.to, self.transfer.receiver_life


class _Road:
    """The transfers to one node: those under way in the order they were sent first, then those that wait."""

    __slots__ = ("size", "under_way", "waiting")

    def __init__(self) -> None:
        self.under_way: dict[str, _Parcel] = {}
        self.size = 0
        """Bytes under way."""
        self.waiting: deque[_Parcel] = deque()


class Transfers:
    """What left this node and is not done, and what comes in. `held` counts what waits for an operator."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        home: Home,
        facts: Mapping[str, bytes],
        seconds: Callable[[], float],
        limits: TransferLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._home = home
        self._seconds = seconds
        self._limits = limits
        self._metrics = metrics
        self._failed = failed
        self._roads: dict[str, _Road] = {}
        self._series: dict[Series, deque[_Parcel]] = {}
        self._taking: dict[Series, dict[int, tuple[Transfer, TransferSent]]] = {}
        self._unsent = 0
        self.held = 0
        self._remember(facts)

    def __len__(self) -> int:
        """Transfers that left stores here and are not done, those that are held left out."""
        return self._unsent

    def unsent(self, record: Record) -> dict[str, Unsent]:
        """The facts of those transfers of a record that leave this node, in order."""
        facts: dict[str, Unsent] = {}
        known = self._map()
        for sender, events in record.items():
            for event in events:
                if type(event) is TransferSent and known.home_of(event.to) != self._node:
                    key = transfer_key(sender, event.to, event.life, event.number)
                    facts[key] = Unsent(event.life, encode_events([event]))
        return facts

    def leave(self, unsent: Mapping[str, Unsent]) -> None:
        """Transfers are durable, by the keys of their facts: they may go."""
        for key, transfer in unsent.items():
            self._pump(self._add(key, transfer))

    def link_up(self, node: str) -> None:
        """Send again what was under way, then what waits; to a new data directory, nothing that was for the old one."""
        road = self._roads.get(node)
        if road is not None:
            self._hold_former(node, road)
            self._resend(node, road, self._seconds())
            self._pump(node)

    def tick(self) -> None:
        """Send again what has been under way for long; to be called now and then."""
        before_s = self._seconds() - self._limits.resend_s
        for node, road in self._roads.items():
            if self._post.is_up(node):
                self._resend(node, road, before_s)
                self._pump(node)

    def done(self, node: str, message: TransferDone) -> None:
        """Another node has taken in what was sent to a store of its."""
        series = message.sender, message.to, message.receiver_life
        parcels = self._series.get(series)
        road = self._roads.get(node)
        if parcels is None or road is None or self._map().home_of(message.to) != node:
            return
        forgotten = []
        while parcels and parcels[0].transfer.number <= message.number:
            parcel = parcels.popleft()
            self._drop(road, parcel)
            forgotten.append(parcel.key)
        if not parcels:
            del self._series[series]
        if forgotten:
            self._home.forget(forgotten)
            self._pump(node)

    def received(self, node: str, transfer: Transfer) -> None:
        """A transfer of another node: take it in when those before it are. Raises PeerFault for nonsense."""
        known = self._map()
        try:
            (sent,) = decode_events(transfer.event)
            lives_there, lives_here = known.home_of(transfer.sender) == node, known.home_of(transfer.to) == self._node
        except (msgspec.DecodeError, ValueError, KeyError) as error:
            raise PeerFault(f"{node} sent a transfer that is none: {error!r}") from error
        says = transfer.to, transfer.receiver_life, transfer.number
        if type(sent) is not TransferSent or (sent.to, sent.life, sent.number) != says:
            raise PeerFault(f"{node} sent a transfer that is not what it says: {transfer!r}")
        if not lives_there or not lives_here:
            raise PeerFault(f"{node} sent a transfer from {transfer.sender} to {transfer.to}, which is not its to send")
        lives = known.life_of(transfer.sender), known.life_of(transfer.to)
        if (transfer.life, transfer.receiver_life) != lives:
            log.error(
                "a transfer of another life is not taken: a data directory was replaced meanwhile",
                of=node,
                sender=transfer.sender,
                to=transfer.to,
                number=transfer.number,
            )
            return
        series = transfer.sender, transfer.to, transfer.life
        taking = self._taking.get(series)
        if taking is None:
            self._taking[series] = taking = {transfer.number: (transfer, sent)}
            self._take(node, series, taking).addErrback(self._failed)
        elif len(taking) < self._limits.taking_max:
            taking.setdefault(transfer.number, (transfer, sent))
        else:
            self._metrics.limit_hit("taking_max")

    @inlineCallbacks
    def _take(
        self, node: str, series: Series, taking: dict[int, tuple[Transfer, TransferSent]]
    ) -> Generator["Deferred[Any]", Any, None]:
        """Take in one transfer after another; those that cannot be now come again."""
        try:
            while taking:
                number = min(taking)
                transfer, sent = taking[number]
                yield self._home.take_transfer(transfer, sent)
                del taking[number]
                self._post.send(node, TransferDone(transfer.sender, transfer.to, transfer.receiver_life, number))
        except Unavailable as fault:
            log.debug("a transfer has to come again", of=node, to=series[1], why=str(fault))
        finally:
            del self._taking[series]

    def _remember(self, facts: Mapping[str, bytes]) -> None:
        """Take up what an earlier start did not see done."""
        keys = [key for key in facts if key.startswith(TRANSFERS)]
        for key in sorted(keys, key=lambda key: int(key.rpartition("/")[2])):
            self._add(key, msgspec.json.decode(facts[key], type=Unsent))
        if self.held:
            log.error(HELD, held=self.held)

    def _hold_former(self, node: str, road: _Road) -> None:
        """Put aside what was sent to stores of a data directory that was replaced since."""
        known = self._map()
        former = [to for to in self._series if known.home_of(to[1]) == node and known.life_of(to[1]) != to[2]]
        for series in former:
            for parcel in self._series.pop(series):
                self._drop(road, parcel)
                self.held += 1
        if former:
            log.error(HELD, held=self.held)

    def _drop(self, road: _Road, parcel: _Parcel) -> None:
        """A transfer is neither sent nor waited for any more."""
        parcel.done = True
        self._unsent -= 1
        if road.under_way.pop(parcel.key, None) is not None:
            road.size -= len(parcel.transfer.event)

    def _add(self, key: str, unsent: Unsent) -> str:
        """Put a transfer behind those that wait, or aside; returns the node that it goes to."""
        sender, to, _, number = key.removeprefix(TRANSFERS).split("/")
        known = self._map()
        node = known.home_of(to)
        road = self._roads.setdefault(node, _Road())
        if unsent.life != known.life_of(to):
            self.held += 1
            return node
        parcel = _Parcel(key, Transfer(sender, known.life_of(sender), unsent.life, unsent.event, int(number), to))
        self._series.setdefault((sender, to, unsent.life), deque()).append(parcel)
        road.waiting.append(parcel)
        self._unsent += 1
        return node

    def _pump(self, node: str) -> None:
        """Send what waits, as far as there is room under way."""
        road, limits = self._roads[node], self._limits
        now_s = self._seconds()
        while road.waiting and self._post.is_up(node):
            parcel = road.waiting[0]
            size = len(parcel.transfer.event)
            if parcel.done:
                road.waiting.popleft()
                continue
            if road.under_way and (
                len(road.under_way) >= limits.under_way_max or road.size + size > limits.under_way_bytes_max
            ):
                return
            road.waiting.popleft()
            road.under_way[parcel.key] = parcel
            road.size += size
            parcel.sent_at_s = now_s
            self._post.send(node, parcel.transfer)

    def _resend(self, node: str, road: _Road, before_s: float) -> None:
        """Send again what has been under way since then. Where transfers of other series wait, they come first: a store
        that cannot take anything in must not keep the road from all others.
        """
        now_s = self._seconds()
        late = [parcel for parcel in road.under_way.values() if parcel.sent_at_s <= before_s]
        stuck = {parcel.series for parcel in late}
        others = [parcel for parcel in road.waiting if parcel.series not in stuck] if late else []
        if others:
            for parcel in late:
                del road.under_way[parcel.key]
                road.size -= len(parcel.transfer.event)
            behind = [parcel for parcel in road.waiting if parcel.series in stuck]
            road.waiting = deque((*others, *late, *behind))
            return
        for parcel in late:
            parcel.sent_at_s = now_s
            self._post.send(node, parcel.transfer)
