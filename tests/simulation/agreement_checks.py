"""What must hold of the agreement at every step, whatever the workload does.

The checks see what becomes durable, what is sent and what tasks say, and nothing of the machines' insides:

    one outcome         a trade has one outcome: what a majority of its acceptors accepted durably, what a coordinator,
                        a participant or a message says of it, what is settled; also long after it was forgotten
    commit              is proposed only after every participant's YES is durable, and with the judged payload
    one proposer        a ballot is proposed by one node in one of its lives
    one value a ballot  no two values are proposed at one ballot
    promise kept        an acceptor accepts nothing below a ballot that it told somebody it promised
    chosen              an outcome is told to nobody before a majority of the trade's acceptors accepted it durably; but
                        an abort may be if a store refused durably, and by the coordinator that has sent no ACCEPT;
                        and a store may settle behind the acceptance of its own node that makes the majority, which is
                        durable before it
    release             what a YES holds is let go in the record that settles it, and never else
    settle once         a store settles a trade once
    forgetting          a register or an outcome leaves the disk in the record that adds its trade to the closed ones,
                        or later
    closing             a trade is closed once it is aborted, or committed and settled durably by every participant
    ended once          a coordinator tells the end of a trade once
"""

from shardnode.agreement.effects import EndedTask
from shardnode.agreement.messages import (
    ABORT,
    Accept,
    Ballot,
    ClosedTrades,
    Decided,
    Fact,
    Finished,
    Message,
    Outcome,
    Party,
    Prepared,
    Promise,
    Propose,
    Register,
    TradeId,
    Value,
)
from tests.simulation.agreement_story import ballot_told, value_told
from tests.simulation.histories import Violation


class Truth:
    """What is known of one trade by somebody who sees all nodes and disks at once."""

    __slots__ = (
        "accepted",
        "chosen",
        "closed",
        "ended",
        "outcome",
        "party",
        "payload",
        "prepared",
        "promised",
        "proposed",
        "proposers",
        "refused",
        "settled",
        "trade",
    )

    def __init__(self, trade: TradeId, party: Party) -> None:
        self.trade = trade
        self.party = party
        """Who must be told, and who decides."""
        self.payload: bytes | None = None
        """What a commit must carry, as soon as it is judged."""
        self.prepared: set[str] = set()
        """Stores whose YES was durable at some time."""
        self.settled: set[str] = set()
        """Stores that settled durably."""
        self.proposed: dict[Ballot, Value] = {}
        """Ballot → the value of its ACCEPT; round 0 is the coordinator's."""
        self.proposers: dict[Ballot, tuple[str, int]] = {}
        """Ballot → who sent PROPOSE, and in which life."""
        self.promised: dict[str, Ballot] = {}
        """Acceptor → the largest ballot that it told somebody it promised."""
        self.accepted: dict[Ballot, set[str]] = {}
        """Ballot → the acceptors that accepted it durably."""
        self.refused = False
        """Whether a store voted NO durably."""
        self.chosen = False
        self.outcome: Value | None = None
        self.closed = False
        self.ended = False
        """Whether its coordinator told the end."""


class Checks:
    """The checks of one history; raises Violation."""

    def __init__(self) -> None:
        self.truths: dict[TradeId, Truth] = {}
        self._names: dict[str, Truth] = {}

    def opened(self, trade: TradeId, party: Party) -> None:
        """A coordinator minted a trade."""
        if trade in self.truths:
            raise Violation("unique trades", f"{trade} was minted before")
        self.truths[trade] = self._names[str(trade)] = Truth(trade, party)

    def judged(self, trade: TradeId, payload: bytes | None) -> None:
        """The rules say what a commit of a trade carries; None: it must not commit."""
        self.truths[trade].payload = payload

    def said(self, node: str, life: int, message: Message) -> None:
        """A node sends a message. `life`: the incarnation that it runs under."""
        if type(message) is Accept:
            self._proposed(node, message)
        elif type(message) is Propose:
            first = self.truths[message.trade].proposers.setdefault(message.ballot, (node, life))
            if first != (node, life):
                raise Violation(
                    "one proposer",
                    f"{node} proposes {ballot_told(message.ballot)}, as {first[0]} did in life {first[1]}",
                )
        elif type(message) is Promise:
            promised = self.truths[message.trade].promised
            promised[node] = max(message.ballot, promised.get(node, message.ballot))
        elif type(message) is Decided:
            self._told(node, message.trade, message.value, f"{node} tells")
        elif type(message) is Finished and message.value is not None:
            self._told(node, message.trade, message.value, f"{node} remembers")

    def ended(self, node: str, task: EndedTask) -> None:
        """A coordinator tells its caller."""
        truth = self.truths[task.trade]
        if truth.ended:
            raise Violation("ended once", f"{node} tells the end of {task.trade} again")
        truth.ended = True
        self._told(node, task.trade, task.value, f"{node} ends")

    def settles(self, node: str, trade: TradeId, store: str, value: Value, unsynced: Register | None) -> None:
        """A store is about to apply or release what it holds. `unsynced`: what its node has accepted in a record that
        is on its way to the disk, before the store's own.
        """
        truth = self.truths[trade]
        if unsynced is None or not self._makes_a_majority(node, unsynced, truth, value):
            self._told(node, trade, value, f"{store} at {node} settles")
        if store in truth.settled:
            raise Violation("settle once", f"{store} settles {trade} again")

    def durable(
        self, node: str, facts: dict[str, Fact], changed: dict[str, Fact | None], held: str | None, settled: str | None
    ) -> None:
        """A record is on a node's disk: `facts` after it, what it `changed`, and what a store took or settled in it,
        by the key of its `Prepared`.
        """
        if held is not None and held not in changed:
            raise Violation("release", f"{node} holds what {held} took and has not recorded its YES")
        if settled is not None:
            _, name, store = settled.split("/")
            self._names[name].settled.add(store)
        for key, fact in changed.items():
            if fact is None:
                self._removed(node, key, facts, settled)
            elif type(fact) is Register:
                if fact.accepted is not None:
                    self._accepted(node, fact)
            elif type(fact) is Prepared:
                if key != held:
                    raise Violation("release", f"{node} records {key} and holds nothing for it")
                self.truths[fact.trade].prepared.add(fact.store)
            elif type(fact) is Outcome:
                truth = self.truths[fact.trade]
                if fact.value.commit and not truth.chosen:
                    raise Violation("chosen", f"{node} has {key} durably, which no majority has accepted")
                if fact.store not in truth.prepared and not fact.value.commit:
                    truth.refused = True
            elif type(fact) is ClosedTrades:
                self._closed(node, fact)

    @staticmethod
    def _makes_a_majority(node: str, register: Register, truth: Truth, value: Value) -> bool:
        if register.accepted is None or register.value != value:
            return False
        return 2 * len({node, *truth.accepted.get(register.accepted, ())}) > len(truth.party.acceptors)

    def _told(self, node: str, trade: TradeId, value: Value, who: str) -> None:
        truth = self.truths[trade]
        if truth.outcome is None and not truth.chosen:
            may_abort = truth.refused or (
                node == trade.node and not any(ballot.round == 0 for ballot in truth.proposed)
            )
            if value.commit or not may_abort:
                raise Violation("chosen", f"{who} {trade} {value_told(value)}, which no majority has accepted")
        self._one_outcome(truth, value, who)

    @staticmethod
    def _one_outcome(truth: Truth, value: Value, who: str) -> None:
        if truth.outcome is None:
            truth.outcome = value
        elif truth.outcome != value:
            raise Violation(
                "one outcome", f"{who} {truth.trade} {value_told(value)}, but it is {value_told(truth.outcome)}"
            )

    def _proposed(self, node: str, accept: Accept) -> None:
        truth = self.truths[accept.trade]
        first = truth.proposed.setdefault(accept.ballot, accept.value)
        if first != accept.value:
            raise Violation(
                "one value a ballot",
                f"{node} proposes {value_told(accept.value)} at {ballot_told(accept.ballot)}, and {value_told(first)}",
            )
        if not accept.value.commit:
            return
        missing = [each.store for each in truth.party.participants if each.store not in truth.prepared]
        if missing:
            raise Violation("commit", f"{node} proposes to commit {accept.trade} without a durable YES of {missing}")
        if accept.value.payload != truth.payload:
            raise Violation("commit", f"{node} proposes to commit {accept.trade} with another payload than was judged")

    def _accepted(self, node: str, register: Register) -> None:
        truth = self.truths[register.trade]
        ballot, value = register.accepted, register.value
        assert ballot is not None and value is not None
        acceptors = truth.accepted.setdefault(ballot, set())
        if node in acceptors:
            return
        if ballot < truth.promised.get(node, ballot):
            raise Violation(
                "promise kept", f"{node} accepts {ballot_told(ballot)} of {register.trade}, having promised more"
            )
        acceptors.add(node)
        if len(acceptors) * 2 > len(truth.party.acceptors):
            truth.chosen = True
            self._one_outcome(truth, value, "a majority of acceptors chooses")

    def _removed(self, node: str, key: str, facts: dict[str, Fact], settled: str | None) -> None:
        kind, name = key.split("/")[:2]
        if kind == "prepared":
            if key != settled:
                raise Violation("release", f"{node} lets go of {key} without settling it")
        elif kind in ("register", "finished"):
            trade = self._names[name].trade
            closed = facts.get(f"closed/{trade.node}/{trade.incarnation}")
            if not isinstance(closed, ClosedTrades) or not _within(closed, trade.seq):
                raise Violation("forgetting", f"{node} forgets {key} and not that it is closed")

    def _closed(self, node: str, closed: ClosedTrades) -> None:
        for trade, truth in self.truths.items():
            if truth.closed or trade.incarnation != closed.incarnation or trade.node != closed.node:
                continue
            if _within(closed, trade.seq):
                if truth.outcome is None:
                    raise Violation("closing", f"{node} takes {trade} for closed and it has no outcome")
                if truth.outcome != ABORT and len(truth.settled) < len(truth.party.participants):
                    raise Violation("closing", f"{node} takes {trade} for closed and not every store has settled it")
                truth.closed = True


def _within(closed: ClosedTrades, seq: int) -> bool:
    return any(first <= seq <= last for first, last in closed.intervals)
