"""What a tainted item, or a sum of gold, turned into.

- A tainted item stays tainted in everybody's hands, and what each owner got for it is tainted, too.
- What is bought with tainted gold, or with gold that tainted pieces of a commodity were sold for, is tainted. The
  seller, who was paid for something by the house, is named, and not followed: a further trace can begin there.
- Direct offers are followed both ways: what was given stays tainted with who took it, and all that came for it is.
- Of gold and of pieces, what came first goes first. That is how courts follow stolen money through an account
  (Devaynes v Noble, "Clayton's case", 1816; Anderson, Shumailov and Ahmed apply it to coins in "Making Bitcoin legal",
  2018): a tainted sum stays as large as it was, and does not taint all that it touches.

In figures: the n-th piece of gold that came to a player is the n-th that goes. So a tainted sum is a stretch of all
that ever came, and it became every payment whose stretch, in all that ever went, meets it.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from auction import ids
from auction.state import Passage
from shardnode.ops.histories import Histories, History
from shardnode.ops.provenance import GONE, where

THINGS_MAX = 10_000
"""How many things one trace follows at most, unless it is told otherwise."""
STEPS_MAX = 60
"""How many steps from the beginning it follows anything."""


class Trail(msgspec.Struct):
    """A tainted thing in somebody's hands: an item, gold, or pieces of a commodity."""

    at_ms: int
    player: str
    how: str
    """How it came there, as in `auction.history`."""
    ref: str | None
    item: str | None = None
    gold: int = 0
    commodity: str | None = None
    quantity: int = 0
    fate: str = ""
    """What became of it, or of what is left of it, in words."""
    further: "list[Trail]" = msgspec.field(default_factory=list)
    """What it turned into, in the order of time."""


class Descent(msgspec.Struct):
    """All that a thing turned into."""

    root: Trail
    things: int
    """How many things there are in it."""
    is_cut: bool
    """Whether there is more than the limits let follow."""


class _Next(msgspec.Struct):
    """A trail that is to be followed."""

    trail: Trail
    history: History
    place: int
    """Of the row with which it came."""
    steps: int
    before: int
    """Of a sum: how much of what came with the row is followed by other trails already."""
    amount: int
    """And how much by this one."""


def of_item(histories: Histories, item: str, things_max: int = THINGS_MAX) -> Descent | None:
    """What an item turned into since it was granted; None of one that nobody's history knows."""
    found = histories.first(item)
    if found is None:
        return None
    descents, nothing = _Descents(histories, things_max), Trail(0, "", "", None)
    descents.follow(nothing, *found, 0, item=item)
    return descents.run(nothing.further[0])


def of_gold(
    histories: Histories, player: str, gold: int, since_ms: int, things_max: int = THINGS_MAX
) -> Descent | None:
    """What the first `gold` pieces turned into that came to a player from an instant on; None of a player unknown."""
    history = histories.of_player(player)
    if history is None:
        return None
    root = Trail(since_ms, player, "came in", None, gold=gold)
    descents = _Descents(histories, things_max)
    left = gold
    for place, row in enumerate(history.rows):
        part = min(left, row.gold_in)
        if row.at_ms >= since_ms and part:
            left -= part
            descents.follow(root, history, place, 0, gold=part)
    if left:
        root.fate = f"only {gold - left} came in from then on"
    return descents.run(root)


class _Descents:
    """One trace under way, the nearest things first."""

    def __init__(self, histories: Histories, things_max: int) -> None:
        self._histories = histories
        self._things_max = things_max
        self._waiting: deque[_Next] = deque()
        self._things = 0
        self._is_cut = False
        self._followed: dict[tuple[str, int, str | None, str | None], int] = {}
        """Player, number of a row, item, commodity → how much of what came with it is followed already."""
        self._flows: dict[tuple[str, str | None], _Flow] = {}

    def run(self, root: Trail) -> Descent:
        """Follow what waits to all ends."""
        while self._waiting:
            one = self._waiting.popleft()
            if one.trail.item is not None:
                self._follow_item(one, one.trail.item)
            else:
                self._follow_sum(one)
        return Descent(root, self._things, self._is_cut)

    def follow(
        self,
        parent: Trail,
        history: History,
        place: int,
        steps: int,
        *,
        item: str | None = None,
        gold: int = 0,
        commodity: str | None = None,
        quantity: int = 0,
    ) -> None:
        """Something tainted came to a player with a row of the history."""
        row = history.rows[place]
        trail = Trail(row.at_ms, history.player, row.what, row.ref, item, gold, commodity, quantity)
        parent.further.append(trail)
        came = 1 if item is not None else row.gold_in if commodity is None else row.commodities_in[commodity]
        key = history.player, row.number, item, commodity
        before = self._followed.get(key, 0)
        amount = min(1 if item is not None else gold + quantity, came - before)
        if amount == 0:
            trail.fate = "told elsewhere in this trace"
        elif self._things >= self._things_max or steps >= STEPS_MAX:
            self._is_cut = True
            trail.fate = "not followed further: the trace's limit"
        else:
            self._followed[key] = before + amount
            self._things += 1
            self._waiting.append(_Next(trail, history, place, steps + 1, before, amount))

    def _follow_item(self, one: _Next, item: str) -> None:
        history, place = one.history, one.history.find(item, one.place + 1)
        while place is not None:
            row = history.rows[place]
            if item not in row.items_in:
                self._item_left(one, item, place, row)
                return
            place = history.find(item, place + 1)
        one.trail.fate = where(self._histories.state_of(history.player), item)[1]

    def _item_left(self, one: _Next, item: str, place: int, row: Passage) -> None:
        if row.other is None:
            one.trail.fate = GONE
            return
        self._got_for_it(one, place, row)
        taker = self._taker(row)
        if taker is None:
            one.trail.fate = f"on its way to {row.other}"
        else:
            self.follow(one.trail, *taker, one.steps, item=item)

    def _follow_sum(self, one: _Next) -> None:
        """What a sum of gold, or of pieces, was spent on."""
        trail, history = one.trail, one.history
        left = one.amount
        for place, part in self._flow(history, trail.commodity).spent(one.place, one.before, one.amount):
            left -= part
            self._spent(one, place, history.rows[place], part)
        if left == one.amount:
            trail.fate = f"still with {history.player}"
        elif left:
            trail.fate = f"{left} of it still with {history.player}"

    def _spent(self, one: _Next, place: int, row: Passage, part: int) -> None:
        """`part` of the sum was in what went with a row."""
        commodity = one.trail.commodity
        if row.what == "traded":
            self._got_for_it(one, place, row)
            taker = self._taker(row)
            if taker is None:
                self._end(one, row, part, f"on its way to {row.other}")
            elif commodity is None:
                self.follow(one.trail, *taker, one.steps, gold=part)
            else:
                self.follow(one.trail, *taker, one.steps, commodity=commodity, quantity=part)
        elif row.what == "filled" and commodity is not None:
            proceeds = -(-row.gold_in * part // row.commodities_out[commodity])
            self.follow(one.trail, one.history, place, one.steps, gold=proceeds)
        elif row.what == "filled":
            for bought, quantity in row.commodities_in.items():
                share = -(-quantity * part // row.gold_out)
                self.follow(one.trail, one.history, place, one.steps, commodity=bought, quantity=share)
        elif row.items_in and row.what != "returned":
            seller = self._seller(row)
            self._end(one, row, part, f"paid to {seller}, who is not followed" if seller else "paid")
            self._got_for_it(one, place, row)
        else:
            self._end(one, row, part, "forfeited as a deposit" if row.what == "returned" else GONE)

    def _got_for_it(self, one: _Next, place: int, row: Passage) -> None:
        """All that came with a row, for something tainted that went with it."""
        for item in row.items_in:
            self.follow(one.trail, one.history, place, one.steps, item=item)
        if row.gold_in:
            self.follow(one.trail, one.history, place, one.steps, gold=row.gold_in)
        for commodity, quantity in row.commodities_in.items():
            self.follow(one.trail, one.history, place, one.steps, commodity=commodity, quantity=quantity)

    def _end(self, one: _Next, row: Passage, part: int, fate: str) -> None:
        """A part of a sum goes where it is not followed."""
        trail = one.trail
        gold, quantity = (part, 0) if trail.commodity is None else (0, part)
        further = Trail(row.at_ms, trail.player, row.what, row.ref, None, gold, trail.commodity, quantity, fate)
        trail.further.append(further)

    def _taker(self, row: Passage) -> tuple[History, int] | None:
        """The other side of a sale or an offer, as far as it has taken in what was sent."""
        history = None if row.other is None else self._histories.of_player(row.other)
        place = None if history is None else history.arrival(row.ref)
        return None if history is None or place is None else (history, place)

    def _seller(self, row: Passage) -> str | None:
        history = None if row.ref is None else self._histories.of_store(ids.minter(row.ref))
        return None if history is None else history.player

    def _flow(self, history: History, commodity: str | None) -> "_Flow":
        key = history.player, commodity
        if key not in self._flows:
            self._flows[key] = _Flow(history.rows, commodity)
        return self._flows[key]


class _Flow:
    """All the gold, or pieces of one commodity, that came to a player and went, one after the other."""

    def __init__(self, rows: Sequence[Passage], commodity: str | None) -> None:
        self._came: list[int] = []
        """Place of a row → how much had come before it."""
        self._went: list[int] = []
        """Place of a row → how much had gone before it."""
        came = went = lacking = 0
        for row in rows:
            self._came.append(came)
            self._went.append(went)
            came += row.gold_in if commodity is None else row.commodities_in.get(commodity, 0)
            went += row.gold_out if commodity is None else row.commodities_out.get(commodity, 0)
            lacking = max(lacking, went - came)
        self._went.append(went)
        self._before = lacking
        """What the player must have had before histories were kept."""

    def spent(self, place: int, after: int, amount: int) -> Iterator[tuple[int, int]]:
        """The rows in which `amount` went of what came with a row, after the first so many; how much of it in each."""
        begin = self._before + self._came[place] + after
        end = begin + amount
        row = bisect_right(self._went, begin) - 1
        while row < len(self._went) - 1 and self._went[row] < end:
            part = min(end, self._went[row + 1]) - max(begin, self._went[row])
            if part > 0:
                yield row, part
            row += 1
