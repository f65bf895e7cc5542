"""A commodity market as a person would keep it on paper: one list of orders, looked through from end to end each time.

`NaiveMarket` is the specification of matching, `Paper` of what players then have and hear. Neither has levels, escrow
accounts or transfers.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from worlddata.types import MAX_AMOUNT, Rules


@dataclass
class NaiveOrder:
    """An order that rests."""

    order: str
    player: str
    side: str
    price: int
    left: int


@dataclass
class Outcome:
    """What became of an order at once."""

    met: list[tuple[NaiveOrder, int]] = field(default_factory=list)
    left: int = 0
    rests: bool = False
    refused: str | None = None

    def gross(self) -> int:
        """Gold that changed hands."""
        return sum(row.price * quantity for row, quantity in self.met)

    def fills(self) -> list[tuple[int, int]]:
        """Pieces at each price, in the order in which the prices were met."""
        prices = list(dict.fromkeys(row.price for row, _ in self.met))
        return [(price, sum(quantity for row, quantity in self.met if row.price == price)) for price in prices]


@dataclass
class NaiveMarket:
    """One book: `resting` has the orders in the order in which they came."""

    fills_max: int = 200
    resting: list[NaiveOrder] = field(default_factory=list)

    def crossing(self, player: str, side: str, limit: int | None) -> list[NaiveOrder]:
        """Whom an order may meet, the best price first, at one price whoever came first; nobody meets himself."""
        others = [
            row
            for row in self.resting
            if row.side != side
            and row.player != player
            and (limit is None or (row.price <= limit if side == "buy" else row.price >= limit))
        ]
        return sorted(others, key=lambda row: row.price if side == "buy" else -row.price)

    def look(self, player: str, side: str, quantity: int, limit: int | None) -> Outcome:
        """What an order would do: piece by piece in spirit, order by order to save paper."""
        outcome = Outcome(left=quantity)
        for row in self.crossing(player, side, limit):
            most = (MAX_AMOUNT - outcome.gross()) // row.price
            taken = min(outcome.left, row.left, most) if len(outcome.met) < self.fills_max else 0
            if taken:
                outcome.met.append((row, taken))
            outcome.left -= taken
            if taken < row.left:
                break
        still_crosses = sum(row.left for row in self.crossing(player, side, limit)) > quantity - outcome.left
        outcome.rests = outcome.left > 0 and limit is not None and not still_crosses
        return outcome

    def place(
        self, order: str, player: str, side: str, quantity: int, limit: int | None, total: int | None = None
    ) -> Outcome:
        """Take an order in; with a `total` it is filled whole and for no worse, or refused."""
        outcome = self.look(player, side, quantity, limit)
        if total is not None:
            worse = outcome.gross() > total if side == "buy" else outcome.gross() < total
            if outcome.left or worse:
                return Outcome(left=quantity, refused="price_changed")
        for row, taken in outcome.met:
            row.left -= taken
        self.resting = [row for row in self.resting if row.left]
        if outcome.rests:
            assert limit is not None
            self.resting.append(NaiveOrder(order, player, side, limit, outcome.left))
        return outcome

    def cancel(self, order: str) -> NaiveOrder | None:
        """Take an order out; None where nothing of it is left."""
        for row in self.resting:
            if row.order == order:
                self.resting.remove(row)
                return row
        return None

    def levels(self, side: str) -> list[tuple[int, int, int]]:
        """Price, pieces and orders of each level, the best first."""
        rows = [row for row in self.resting if row.side == side]
        return [
            (price, sum(row.left for row in rows if row.price == price), sum(row.price == price for row in rows))
            for price in sorted({row.price for row in rows}, reverse=side == "buy")
        ]


@dataclass
class News:
    """What a player's store is to hear, and what comes with it."""

    gold: int = 0
    """Into the wallet, by itself."""
    stash: int = 0
    """Pieces into the stash, by themselves."""
    waiting_gold: int = 0
    waiting_pieces: int = 0
    left: int = 0
    """Pieces of the order that are in the book after it."""
    told: tuple[object, ...] = ()
    """The answer or the notice, in figures."""


class Paper:
    """What every player has, over all commodities."""

    def __init__(self, rules: Rules, ticks: dict[str, int], fills_max: int = 200) -> None:
        self.rules = rules
        self.ticks = ticks
        self.markets = {commodity: NaiveMarket(fills_max) for commodity in ticks}
        self.wallet: dict[str, int] = defaultdict(int)
        self.stash: dict[tuple[str, str], int] = defaultdict(int)
        self.waiting_gold: dict[str, int] = defaultdict(int)
        self.waiting: dict[tuple[str, str], int] = defaultdict(int)
        self.burned = 0
        self.open: dict[str, dict[str, int]] = defaultdict(dict)
        """Player → order → pieces left, as far as the player's store has heard."""
        self.unheard: dict[str, deque[News]] = defaultdict(deque)
        """Order → what its owner will hear, in this order."""

    def may_place(self, player: str, commodity: str, side: str, quantity: int, price: int) -> str:
        """What a player hears at once of an order at a limit: "ok", or why not."""
        tick = self.ticks[commodity]
        if price % tick or not self.rules.price_min <= price <= self.rules.price_max or price * quantity > MAX_AMOUNT:
            return "price_out_of_range"
        if len(self.open[player]) >= self.rules.max_orders:
            return "order_limit"
        return self.can_pay(player, commodity, side, quantity, price * quantity)

    def can_pay(self, player: str, commodity: str, side: str, quantity: int, gold: int) -> str:
        """Whether a player has what an order takes along."""
        if side == "buy":
            return "ok" if gold <= self.wallet[player] else "insufficient_gold"
        return "ok" if quantity <= self.stash[player, commodity] else "insufficient_goods"

    def send(self, order: str, player: str, commodity: str, side: str, quantity: int, gold: int) -> None:
        """An order leaves."""
        self.open[player][order] = quantity
        if side == "buy":
            self.wallet[player] -= gold
        else:
            self.stash[player, commodity] -= quantity

    def arrive(
        self,
        order: str,
        player: str,
        commodity: str,
        side: str,
        quantity: int,
        limit: int | None,
        total: int | None,
    ) -> Outcome:
        """An order comes in."""
        market = self.markets[commodity]
        before = {row.order: row.left for row in market.resting}
        outcome = market.place(order, player, side, quantity, limit, total)
        if outcome.refused is not None:
            back = (total or 0, 0) if side == "buy" else (0, quantity)
            self.unheard[order].append(News(*back, told=(outcome.refused,)))
            return outcome
        fees = 0
        for row, taken in outcome.met:
            gross = row.price * taken
            fee = -(-gross * self.rules.fee_bp // 10_000)
            fees += fee
            left = before[row.order] - taken
            told = (row.price, taken, left)
            if row.side == "buy":
                self.unheard[row.order].append(News(waiting_pieces=taken, left=left, told=told))
            else:
                self.unheard[row.order].append(News(waiting_gold=gross - fee, left=left, told=told))
        self.burned += fees
        filled, resting = quantity - outcome.left, outcome.left if outcome.rests else 0
        gross, fills = outcome.gross(), outcome.fills()
        if side == "buy":
            held = total if total is not None else quantity * (limit or 0)
            unspent = held - gross - resting * (limit or 0)
            heard = (filled, resting, gross, 0, fills)
            self.unheard[order].append(News(gold=unspent, waiting_pieces=filled, left=resting, told=heard))
        else:
            net = gross - fees
            heard = (filled, resting, 0, net, fills)
            self.unheard[order].append(
                News(stash=quantity - filled - resting, waiting_gold=net, left=resting, told=heard)
            )
        return outcome

    def cancel(self, order: str, commodity: str) -> None:
        """A cancellation comes in."""
        row = self.markets[commodity].cancel(order)
        if row is None:
            self.unheard[order].append(News(told=("order_closed",)))
        elif row.side == "buy":
            self.unheard[order].append(News(gold=row.price * row.left, told=(row.price * row.left, 0)))
        else:
            self.unheard[order].append(News(waiting_pieces=row.left, told=(0, row.left)))

    def hear(self, order: str, player: str, commodity: str) -> News:
        """The next news of an order is there."""
        news = self.unheard[order].popleft()
        self.wallet[player] += news.gold
        self.stash[player, commodity] += news.stash
        self.waiting_gold[player] += news.waiting_gold
        self.waiting[player, commodity] += news.waiting_pieces
        if news.left:
            self.open[player][order] = news.left
        else:
            self.open[player].pop(order, None)
        return news

    def claim(self, player: str) -> None:
        """A player takes all that waits."""
        self.wallet[player] += self.waiting_gold.pop(player, 0)
        for commodity in self.ticks:
            self.stash[player, commodity] += self.waiting.pop((player, commodity), 0)
