"""Closed trades: sets of seqs as disjoint intervals, one set per (node, incarnation) that minted them.

Nearly all trades end soon, so a set is nearly always one interval, whatever the number of trades.
"""

from bisect import bisect_left, bisect_right

from shardnode.agreement.messages import Close, ClosedTrades, TradeId


class Intervals:
    """A set of integers as disjoint intervals with gaps between them, in order. Both bounds belong to an interval."""

    __slots__ = ("_highs", "_lows")

    def __init__(self, intervals: tuple[tuple[int, int], ...] = ()) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for low, high in intervals:
            self.add(low, high)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._lows, number)
        return at > 0 and number <= self._highs[at - 1]

    def add(self, low: int, high: int) -> bool:
        """Add low … high, both included; False if all of them were in it."""
        assert low <= high, (low, high)
        lows, highs = self._lows, self._highs
        first = bisect_left(highs, low - 1)
        last = bisect_right(lows, high + 1)
        if first < last:
            if last - first == 1 and lows[first] <= low and high <= highs[first]:
                return False
            low, high = min(low, lows[first]), max(high, highs[last - 1])
        lows[first:last] = [low]
        highs[first:last] = [high]
        return True

    def as_tuple(self) -> tuple[tuple[int, int], ...]:
        """The intervals in order."""
        return tuple(zip(self._lows, self._highs, strict=True))


class ClosedSets:
    """All trades that this node knows to be closed."""

    def __init__(self) -> None:
        self._sets: dict[tuple[str, int], Intervals] = {}

    def has(self, trade: TradeId) -> bool:
        """Whether a trade is known to be closed."""
        closed = self._sets.get((trade.node, trade.incarnation))
        return closed is not None and trade.seq in closed

    def restore(self, fact: ClosedTrades) -> None:
        """Take back what was persisted."""
        self._sets[fact.node, fact.incarnation] = Intervals(fact.intervals)

    def take(self, close: Close) -> ClosedTrades | None:
        """Add what a coordinator closed. Returns the grown set, None if there was nothing new."""
        origin = (close.node, close.incarnation)
        closed = self._sets.get(origin)
        if closed is None:
            closed = self._sets[origin] = Intervals()
        grown = close.below > 1 and closed.add(1, close.below - 1)
        for low, high in close.intervals:
            grown = closed.add(low, high) or grown
        return ClosedTrades(close.node, close.incarnation, closed.as_tuple()) if grown else None
