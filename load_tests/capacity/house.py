"""A simulated house: nodes, and the trades between their players, step by step as docs/agreement.md has them.

A large house is simulated by a sample. By symmetry each of many ordinary nodes is like any other, so what the sampled
ones send to a node that is not there goes to one of them, and what comes from all the others (changed listings; at the
acceptors, votes) is a background as large as the sample's own doings of the moment before make it. Acceptors that
every trade asks are no ordinary nodes, and are there all of them; of what they do as homes of players, the background
again is the average of the sample's.
"""

from collections.abc import Callable
from random import Random

import msgspec

from load_tests.capacity.calibration import Calibration
from load_tests.capacity.events import Loop, OwnCore, Processor, SharedCores
from load_tests.capacity.node import Node, NodeCosts, Work

ACCEPTORS = 5
LOOK_EVERY_S = 0.02
"""How often the background is made anew of what the sample did."""
CLOSE_EVERY_S = 0.5
HEARTBEATS_PER_S = 5
TURNS_WAITING_MAX = 32
"""Who waits for a listing that a trade holds; a further one is refused (`shardnode.node.turns`)."""


class Design(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the program's design is open to a what-if; the defaults are the program as it is."""

    name: str = "as built"
    spread_acceptors: bool = False
    """Each trade has acceptors of its own, spread over all nodes, in place of the same few for the whole house."""
    tell_every_s: float = 0.0
    """How often others are told of changed listings, all of the time in one message; 0: with every batch."""
    index_parts: int = 1
    """In how many parts the index of listings is divided; each node keeps one, and asks others for the rest."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated."""

    nodes: int
    sample: int | None = None
    """How many ordinary nodes stand for all; None simulates each."""
    design: Design = Design()
    locality: float = 0.0
    """Share of bids that are for a listing of the bidder's own node by choice, besides those by chance."""
    rivals_at_home: bool = False
    """Whether whoever is outbid lives on the bidder's node, or anywhere."""
    hot_share: float = 0.0
    """Share of all bids that are for one and the same listing."""
    cores: float | None = None
    """Cores that all nodes share with the load generator, less what other programs take; None: a machine for each
    node, and no generator."""
    other_share: float = 0.0
    """Of each reactor's time, what goes into other requests than trades."""
    lock_share: float = 0.6
    """Of the journal's and the search's threads' time, what they hold the interpreter's lock."""


class Trade:
    """A bid on its way. `ended` is told whether it was taken or refused unheard."""

    __slots__ = ("acknowledged", "at", "buyer", "ended", "hot", "settled", "votes", "votes_needed")

    def __init__(self, buyer: Node, at: Node, hot: bool, ended: Callable[[bool], None]) -> None:
        self.buyer, self.at, self.hot, self.ended = buyer, at, hot, ended
        self.votes = 0
        self.votes_needed = 0
        self.settled = self.acknowledged = False


class House:
    """All nodes that are simulated one by one, and what is known of the others."""

    def __init__(self, setting: Setting, costs: Calibration, latency: Callable[[Random], float], seed: int) -> None:
        self.loop = Loop()
        self.setting = setting
        self.costs = costs
        self.random = Random(seed)  # noqa: S311 - chance of a simulation
        self.processor: Processor = (
            OwnCore(self.loop) if setting.cores is None else SharedCores(self.loop, setting.cores)
        )
        every = setting.nodes if setting.sample is None else setting.sample
        self._special = 0
        if setting.sample is not None and not setting.design.spread_acceptors:
            self._special = min(ACCEPTORS, setting.nodes) // 2 + 1
            every = min(every, setting.nodes - self._special)
        node_costs = NodeCosts(
            wake_up_s=costs.wake_up_s,
            batch_s=costs.batch_s,
            frame_s=costs.frame_s,
            journal_batch_s=costs.journal_batch_s,
            commit_wait_s=costs.commit_wait_s,
            index_row_s=costs.index_row_s,
            lock_share=setting.lock_share,
        )
        self._rest = _Rest(self)
        self.nodes = [
            Node(self.loop, self.processor, node_costs, lambda: latency(self.random), self._rest.of, self._on_durable)
            for _ in range(every + self._special)
        ]
        self.ordinary = self.nodes[self._special :]
        self.seen_as_ordinary = frozenset(self.ordinary)
        count = min(setting.nodes, ACCEPTORS if setting.nodes >= ACCEPTORS else 3 if setting.nodes >= 3 else 1)
        self.majority = count // 2 + 1
        self.acceptors = self.nodes[: self._special] or self.nodes[:count]
        self._untold: dict[Node, int] = {}
        self._closing: dict[Node, set[int]] = {node: set() for node in self.nodes}
        if setting.nodes > 1:
            for node in self.nodes:
                self.loop.after(self.random.random() * CLOSE_EVERY_S, self._close, node)
        self._rest.begin()

    # bids

    def bid(self, buyer: Node, ended: Callable[[bool], None]) -> None:
        """A player at home on a node bids. `ended` is told when the answer leaves."""
        hot = self.setting.hot_share > 0 and self.random.random() < self.setting.hot_share
        at = self.ordinary[0] if hot else self._home(buyer)
        trade = Trade(buyer, at, hot, ended)
        if at is buyer:
            buyer.do(self.costs.bid_s, self._turn_of, trade, self._bid_within)
        else:
            buyer.do(self.costs.coordinator_s / 4, self._open, trade)

    def _home(self, buyer: Node) -> Node:
        """Where the listing that somebody bids on lives."""
        nodes = self.setting.nodes
        if nodes == 1 or self.random.random() < self.setting.locality or self.random.random() * nodes < 1:
            return buyer
        return self._another(buyer)

    def _another(self, node: Node) -> Node:
        """Any other node; in a sample, one that stands for it."""
        homes = self.ordinary
        other = homes[self.random.randrange(len(homes))]
        while other is node:
            other = homes[self.random.randrange(len(homes))]
        return other

    def _turn_of(self, trade: Trade, act: Callable[[Trade], None]) -> None:
        """A listing that a trade holds lets nobody else in until that is decided."""
        if not trade.hot:
            act(trade)
            return
        waiting = trade.at.held.get(0)
        if waiting is None:
            trade.at.held[0] = []
            act(trade)
        elif len(waiting) < TURNS_WAITING_MAX:
            waiting.append((act, (trade,)))
        else:
            trade.ended(False)

    def _let_go(self, trade: Trade) -> None:
        if not trade.hot:
            return
        waiting = trade.at.held[0]
        if waiting:
            act, args = waiting.pop(0)
            act(*args)
        else:
            del trade.at.held[0]

    def _bid_within(self, trade: Trade) -> None:
        trade.at.persist(self.costs.journal_record_s, 1, trade.ended, True)
        self._refund(trade)
        self._let_go(trade)

    def _refund(self, trade: Trade) -> None:
        """To whoever led before: one record on the node where all else is, a transfer to any other."""
        if self.setting.rivals_at_home:
            rival = trade.buyer
        else:
            rival = trade.at if self.random.random() * self.setting.nodes < 1 else self._another(trade.at)
        if rival is trade.at:
            return
        trade.at.persist(0.0, 0, self._transfer, trade.at, rival)

    def _transfer(self, sender: Node, rival: Node) -> None:
        sender.send(rival, self.costs.coordinator_s / 8, self._take_in, sender, rival)

    def _take_in(self, sender: Node, rival: Node) -> None:
        rival.persist(self.costs.journal_fact_s, 0, self._taken_in, sender, rival)

    def _taken_in(self, sender: Node, rival: Node) -> None:
        rival.send(sender, self.costs.participant_s / 8, _nothing)

    # trades across nodes

    def _open(self, trade: Trade) -> None:
        """Hold the gold, ask for the vote."""
        trade.buyer.persist(self.costs.journal_fact_s, 0, self._voted, trade)
        trade.buyer.send(trade.at, self.costs.participant_s * 3 / 8, self._turn_of, trade, self._prepare)

    def _prepare(self, trade: Trade) -> None:
        trade.at.persist(self.costs.journal_fact_s, 0, self._vote, trade)

    def _vote(self, trade: Trade) -> None:
        trade.at.send(trade.buyer, self.costs.coordinator_s / 4, self._voted, trade)

    def _voted(self, trade: Trade) -> None:
        """With both votes in, ask the nearest majority of the acceptors to write the outcome down."""
        trade.votes += 1
        if trade.votes < 2:
            return
        acceptors = self._majority_for(trade)
        if len(acceptors) > 1 and set(acceptors) == {trade.buyer, trade.at}:
            trade.buyer.owe(self.costs.acceptor_s)
            trade.buyer.persist(self.costs.journal_fact_s, 0, self._ask_last, trade)
            return
        trade.votes_needed = len(acceptors)
        for acceptor in acceptors:
            if acceptor is trade.buyer:
                acceptor.owe(self.costs.acceptor_s)
                self._register(trade, acceptor)
            else:
                trade.buyer.send(acceptor, self.costs.acceptor_s, self._register, trade, acceptor)

    def _majority_for(self, trade: Trade) -> list[Node]:
        """Those who are in the trade come first, and the others in their order, as the coordinator has it."""
        if self.setting.design.spread_acceptors:
            others = [self._another(trade.buyer) for _ in range(self.majority - 2)]
            return [trade.buyer, trade.at, *others][: self.majority]
        near = [node for node in self.acceptors if node is trade.buyer or node is trade.at]
        return (near + [node for node in self.acceptors if node not in near])[: self.majority]

    def _register(self, trade: Trade, acceptor: Node) -> None:
        acceptor.done.votes += 1
        acceptor.persist(self.costs.journal_fact_s, 0, self._accepted_at, trade, acceptor)

    def _accepted_at(self, trade: Trade, acceptor: Node) -> None:
        if acceptor is trade.buyer:
            self._accepted(trade)
        else:
            acceptor.send(trade.buyer, 0.0, self._accepted, trade)

    def _accepted(self, trade: Trade) -> None:
        trade.votes_needed -= 1
        if trade.votes_needed:
            return
        trade.buyer.owe(self.costs.coordinator_s / 4)
        trade.buyer.persist(self.costs.journal_fact_s, 0, self._settled_here, trade)
        trade.buyer.send(trade.at, self.costs.participant_s * 3 / 8, self._settle, trade)

    def _ask_last(self, trade: Trade) -> None:
        """The buyer's own acceptor has accepted: the seller's is the last, and settles with its acceptance."""
        trade.buyer.send(
            trade.at, self.costs.acceptor_s + self.costs.participant_s * 3 / 8, self._settle_as_last, trade
        )

    def _settle_as_last(self, trade: Trade) -> None:
        trade.at.persist(2 * self.costs.journal_fact_s, 1, self._acknowledge_as_last, trade)
        self._refund(trade)
        self._let_go(trade)

    def _acknowledge_as_last(self, trade: Trade) -> None:
        trade.at.send(trade.buyer, self.costs.coordinator_s * 3 / 8, self._settle_after, trade)

    def _settle_after(self, trade: Trade) -> None:
        trade.buyer.persist(self.costs.journal_fact_s, 0, self._settled_here, trade)
        self._acknowledged(trade)

    def _settle(self, trade: Trade) -> None:
        trade.at.persist(self.costs.journal_fact_s, 1, self._acknowledge, trade)
        self._refund(trade)
        self._let_go(trade)

    def _acknowledge(self, trade: Trade) -> None:
        trade.at.send(trade.buyer, self.costs.coordinator_s / 8, self._acknowledged, trade)

    def _acknowledged(self, trade: Trade) -> None:
        trade.acknowledged = True
        self._closing[trade.buyer].add(self.random.randrange(self.setting.nodes))
        self._answer(trade)

    def _settled_here(self, trade: Trade) -> None:
        trade.settled = True
        self._answer(trade)

    def _answer(self, trade: Trade) -> None:
        if trade.settled and trade.acknowledged:
            trade.ended(True)

    def _close(self, node: Node) -> None:
        """Tell those who took part that the trades of the last while are over, each node once."""
        self.loop.after(CLOSE_EVERY_S, self._close, node)
        others, self._closing[node] = self._closing[node], set()
        if others:
            node.do(0.0, self._tell_closed, node, len(others))

    def _tell_closed(self, node: Node, others: int) -> None:
        told = [self._another(node) for _ in range(others)]
        if not self.setting.design.spread_acceptors:
            told += [acceptor for acceptor in self.acceptors if acceptor is not node]
        for to in dict.fromkeys(told):
            node.send(to, 0.0, self._take_closed, to, node)

    def _take_closed(self, to: Node, node: Node) -> None:
        to.persist(self.costs.journal_fact_s, 0, lambda: to.send(node, 0.0, _nothing))

    # the feed

    def hearers(self) -> int:
        """How many others keep a listing in their index."""
        return max(0, round(self.setting.nodes / self.setting.design.index_parts) - 1)

    def _on_durable(self, node: Node, rows: int) -> None:
        if self.setting.nodes == 1:
            return
        every_s = self.setting.design.tell_every_s
        if every_s == 0:
            self._tell(node, rows)
        elif node in self._untold:
            self._untold[node] += rows
        else:
            self._untold[node] = rows
            self.loop.after(every_s, lambda: node.do(0.0, self._tell_untold, node))

    def _tell_untold(self, node: Node) -> None:
        self._tell(node, self._untold.pop(node))

    def _tell(self, node: Node, rows: int) -> None:
        node.done.tellings += 1
        hearers = self.hearers()
        if self.setting.sample is None:
            others = [other for other in self.nodes if other is not node]
            for other in others if len(others) == hearers else self.random.sample(others, hearers):
                node.send(other, rows * self.costs.feed_row_s, other.hear, rows)
        else:
            frames = max(0, hearers - node.frames_of_turn())
            node.done.frames += frames
            node.owe(frames * self.costs.frame_s)


class _Rest:
    """The nodes that are not simulated one by one, as a background of those that are."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._before: dict[Node, Work] = {}
        self._rates: dict[Node, Work] = {}
        """Of each node, a second: what comes from the rest."""

    def begin(self) -> None:
        """Start with idle links alone."""
        for node in self._house.nodes:
            self._before[node] = Work()
            self._rates[node] = Work(reactor_s=self._steady_s(), frames_in=self._heartbeats_per_s())
        if self._house.setting.sample is not None:
            self._house.loop.after(LOOK_EVERY_S, self._look)

    def of(self, node: Node, seconds: float) -> Work:
        """What came up for a node in some seconds."""
        rate = self._rates[node]
        return Work(
            reactor_s=rate.reactor_s * seconds,
            search_s=rate.search_s * seconds,
            records=rate.records * seconds,
            heard_rows=rate.heard_rows * seconds,
            frames_in=rate.frames_in * seconds,
        )

    def _heartbeats_per_s(self) -> float:
        return (self._house.setting.nodes - 1) * HEARTBEATS_PER_S

    def _steady_s(self) -> float:
        """Reactor's time a second for heartbeats, each a frame out and one in, and for requests that are no trades."""
        return self._heartbeats_per_s() * 2 * self._house.costs.frame_s + self._house.setting.other_share

    def _look(self) -> None:
        """Make the background of what the ordinary nodes of the sample did since the last look."""
        house, costs = self._house, self._house.costs
        ordinary = house.ordinary
        lately = {node: self._lately(node) for node in house.nodes}
        rows, tellings, reactor_s, records = (
            sum(getattr(lately[node], name) for node in ordinary) / len(ordinary)
            for name in ("rows", "tellings", "reactor_s", "records")
        )
        hearers = house.hearers()
        steady_s = self._steady_s()
        own_s = max(0.0, reactor_s - self._rates[ordinary[0]].reactor_s)
        unseen = house.setting.nodes / len(ordinary) - 1
        for node in house.nodes:
            asked = lately[node].frames_in
            special = node not in house.seen_as_ordinary
            more = asked * unseen if special else 0.0
            frames = max(0.0, tellings * hearers - asked - more)
            rate = Work(
                reactor_s=steady_s + rows * hearers * costs.feed_row_s + frames * costs.frame_s,
                search_s=rows * hearers * costs.index_row_s,
                heard_rows=rows * hearers,
                frames_in=frames + self._heartbeats_per_s(),
            )
            if special:
                votes = lately[node].votes * unseen
                rate.records = votes + records
                rate.reactor_s += votes * costs.acceptor_s + more * 2 * costs.frame_s + own_s
            self._rates[node] = _between(self._rates[node], rate)
        house.loop.after(LOOK_EVERY_S, self._look)

    def _lately(self, node: Node) -> Work:
        """What a node did a second since the last look."""
        before, done = self._before[node], node.done
        rates = {name: (getattr(done, name) - getattr(before, name)) / LOOK_EVERY_S for name in Work.__struct_fields__}
        self._before[node] = msgspec.structs.replace(done)
        return Work(**rates)


def _between(old: Work, new: Work) -> Work:
    """Half of the way, so that what a sample did by chance in one moment does not swing."""
    return Work(**{name: (getattr(old, name) + getattr(new, name)) / 2 for name in Work.__struct_fields__})


def _nothing() -> None:
    """Hear of something that asks for nothing more."""
