"""Which of its trades a coordinator has closed, and who must hear of it (rule 10).

A Close carries all of them, so one that arrives makes up for all that were lost, and one message covers however many
trades ended since the last: under load it costs far less than a message a trade.
"""

from shardnode.agreement.closed import Intervals
from shardnode.agreement.effects import Effects
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import Close, CloseTaken, Party
from shardnode.agreement.timers import NEVER, Timers


class Closing:
    """The closed trades of this node in this incarnation."""

    def __init__(self, node: str, incarnation: int, limits: AgreementLimits, timers: Timers) -> None:
        self.due_s = NEVER
        self._node = node
        self._incarnation = incarnation
        self._limits = limits
        self._timers = timers
        self._closed = Intervals()
        self._number = 0
        """How many trades were closed; the number of a Close that says all of them."""
        self._owed: dict[str, int] = {}
        """Node → number of the Close that it needs, until it has taken one at least as new."""

    def close(self, seq: int, party: Party, now_s: float) -> None:
        """A trade is over. The nodes concerned hear of it with the next Close."""
        self._closed.add(seq, seq)
        self._number = number = self._number + 1
        owed = self._owed
        for node in party.acceptors:
            owed[node] = number
        for participant in party.participants:
            owed[participant.node] = number
        if self.due_s == NEVER:
            self._timers.set(self, now_s + self._limits.close_s)

    def due(self, now_s: float, effects: Effects) -> None:
        """Send what is owed, now and again until it is taken."""
        if not self._owed:
            return
        below, intervals = 1, self._closed.as_tuple()
        if intervals[0][0] == 1:
            below, intervals = intervals[0][1] + 1, intervals[1:]
        close = Close(self._node, self._incarnation, self._number, below, intervals)
        effects.send += [(node, close) for node in self._owed]
        self._timers.set(self, now_s + self._limits.close_s)

    def taken(self, sender: str, message: CloseTaken) -> None:
        """A node has a Close durably."""
        if message.incarnation == self._incarnation and message.number >= self._owed.get(sender, self._number + 1):
            self._owed.pop(sender, None)
