"""Every commodity's market beside one on paper (`tests.auction.naive_market`): what came in, in the order in which it
was taken, must meet whom the naive book says, and what leaves again must be what the paper says, to the piece.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from auction.events import Event, TransferSent, TransferTaken
from auction.freezes import Freezes
from auction.market.events import (
    CancelIn,
    Fill,
    OrderDone,
    OrderEnded,
    OrderFilled,
    OrderIn,
    OrderMatched,
    OrderRemoved,
    OrderRested,
)
from auction.market.state import MarketState
from auction.refusals import Refusal
from auction.state import StoreId
from tests.auction.house import store_of
from tests.auction.naive_market import NaiveOrder, Outcome, Paper
from tests.simulation.house import RULES, WORLD
from tests.simulation.world import World


class PaperMarkets:
    """All markets on paper. `freezes` are all that there ever were: which of them a market's node knew when it took an
    order in is nobody's business but its own, so it may be any.
    """

    def __init__(self, world: World, freezes: Sequence[Freezes]) -> None:
        self._world = world
        self._freezes = freezes
        self._paper = Paper(RULES, {each.commodity: each.tick for each in WORLD.commodities.values()})

    def happened(self, store: StoreId, events: list[Event], state: MarketState) -> None:
        """A market's part of a record is durable; `state` is what it made of it."""
        groups: list[tuple[TransferTaken, list[Event]]] = []
        for event in events:
            if isinstance(event, TransferTaken):
                groups.append((event, []))
            elif groups:
                groups[-1][1].append(event)
        for taken, then in groups:
            if isinstance(taken.payload, OrderIn):
                self._ordered(taken.payload, then)
            elif isinstance(taken.payload, CancelIn):
                self._cancelled(taken.payload, then)
            else:
                self._wrong(f"{store} takes in {taken}")
        self._not_crossed(state)

    def _ordered(self, order: OrderIn, then: list[Event]) -> None:
        """An order came in: with one of the freezes that there were, the paper must say what the market did."""
        expected = []
        for freezes in reversed(self._freezes):
            market = self._paper.markets[order.commodity]
            before = [replace(row) for row in market.resting]
            expected.append(self._on_paper(order, freezes))
            if expected[-1] == _told(then):
                return
            market.resting = before
        self._wrong(f"{order} led to {_told(then)}; on paper it is {expected[0]}")

    def _on_paper(self, order: OrderIn, freezes: Freezes) -> list[object]:
        """What an order does by the paper."""
        category = WORLD.commodities[order.commodity].category
        frozen = freezes.against(players=(order.player,), categories=(category,), commodities=(order.commodity,))
        if frozen is not None:
            return [(store_of(order.player), _back(order, frozen))]
        market = self._paper.markets[order.commodity]
        everybody = market.resting
        market.resting = [row for row in everybody if freezes.against(players=(row.player,)) is None]
        look = market.look(order.player, order.side, order.quantity, order.price)
        outcome = self._paper.arrive(
            order.order, order.player, order.commodity, order.side, order.quantity, order.price, order.total
        )
        new = [row for row in market.resting if row.order == order.order]
        market.resting = [row for row in everybody if row.left] + new
        parcels = [(store_of(row.player), self._filled(order, row, taken)) for row, taken in outcome.met]
        done = (store_of(order.player), self._done(order, outcome, None if look.left else look.gross()))
        fees = [_fee(row.price * taken) for row, taken in outcome.met]
        matches = [
            (row.order, order.order, row.price, taken, fee) for (row, taken), fee in zip(outcome.met, fees, strict=True)
        ]
        rests = [(row.order, row.player, row.side, row.price, row.left) for row in new]
        return [*matches, *rests, *parcels, done]

    def _filled(self, order: OrderIn, row: NaiveOrder, taken: int) -> OrderFilled:
        """What whoever rested hears."""
        news = self._paper.unheard.pop(row.order).popleft()
        assert news.waiting_pieces in (0, taken), news
        return OrderFilled(row.order, order.commodity, row.side, row.price, taken, row.left, news.waiting_gold)  # type: ignore[arg-type]  # a side is one of two words

    def _done(self, order: OrderIn, outcome: Outcome, price: int | None) -> OrderDone:
        """What whoever ordered hears; `price` is what all of it would cost or bring."""
        news = self._paper.unheard.pop(order.order).popleft()
        if outcome.refused is not None:
            return _back(order, Refusal(outcome.refused, {"price": price}))
        fills = tuple(Fill(price, quantity) for price, quantity in outcome.fills())
        fee = outcome.gross() - news.waiting_gold if order.side == "sell" else 0
        return OrderDone(order.order, order.commodity, order.side, None, fills, fee, news.left, news.gold, news.stash)

    def _cancelled(self, asked: CancelIn, then: list[Event]) -> None:
        """What is left goes back, if anything is."""
        self._paper.cancel(asked.order, asked.commodity)
        news = self._paper.unheard.pop(asked.order).popleft()
        known = news.told != ("order_closed",)
        ended = OrderEnded(asked.order, asked.commodity, news.gold, news.waiting_pieces, known)
        expected = [*([asked.order] if known else []), (store_of(asked.player), ended)]
        if expected != _told(then):
            self._wrong(f"{asked} led to {_told(then)}; on paper it is {expected}")

    def _not_crossed(self, state: MarketState) -> None:
        """Nobody waits who could trade: but for own orders, and for who could not trade for a while."""
        asks = [row for row in state.orders if row.side == "sell"]
        for bid in (row for row in state.orders if row.side == "buy"):
            for ask in asks:
                meet = bid.price >= ask.price and bid.player != ask.player
                if meet and not self._was_frozen((bid.player, ask.player)):
                    self._wrong(f"the book is crossed: {bid} and {ask} both rest")

    def _was_frozen(self, players: Iterable[str]) -> bool:
        return any(freezes.against(players=players) is not None for freezes in self._freezes)

    def _wrong(self, what: str) -> None:
        self._world.violate("markets", what)


def _fee(gross: int) -> int:
    return -(-gross * RULES.fee_bp // 10_000)


def _back(order: OrderIn, why: Refusal) -> OrderDone:
    """An order that is not taken comes back whole."""
    return OrderDone(order.order, order.commodity, order.side, why, (), 0, 0, order.gold, order.pieces)


def _told(events: list[Event]) -> list[object]:
    """What a market did and said after it took something in, without what only its own books need."""
    told: list[object] = []
    for event in events:
        match event:
            case OrderMatched():
                told.append((event.order, event.incoming, event.price, event.quantity, event.fee))
            case OrderRested(row):
                told.append((row.order, row.player, row.side, row.price, row.remaining))
            case OrderRemoved():
                told.append(event.order)
            case TransferSent():
                told.append((event.to, event.payload))
    return told
