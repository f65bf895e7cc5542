"""What comes back from a market to a player's store: the outcome of an order, later fills, and what was left of it.

Gold that was not spent enters the wallet by itself, and pieces that the market did not keep the stash; where there is
no room they wait as deliveries. What was bought, or got for what was sold, waits as a delivery, which grows with the
order's further fills while nobody claims it. Pieces of a cancelled order wait as one, too.
"""

from auction import keys, notices
from auction.amounts import fits
from auction.context import Answer, Context, Use
from auction.deliveries import delivery_of
from auction.events import DeliveryMade, Event, TransferSent, TransferTaken
from auction.market.events import FillDelivered, OrderDone, OrderEnded, OrderFilled
from auction.outcomes import Answered, TakenIn
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import CancelledOrderResult, Level, OrderResult, Result, Returned
from auction.stash import no_room
from auction.state import DeliveryKind, StoreId
from auction.wallet import has_room


class Arrivals:
    """The deliveries that one transfer makes, in the order of their numbers."""

    def __init__(self, state: PlayerState, now_ms: int) -> None:
        self._state = state
        self._now_ms = now_ms
        self._made = 0
        self.events: list[Event] = []
        self.told: list[notices.Told] = []

    def wait(self, kind: DeliveryKind, commodity: str, gold: int, quantity: int) -> None:
        """Gold or pieces wait; nothing does where there is nothing."""
        if gold or quantity:
            commodities = {commodity: quantity} if quantity else {}
            made = self._next(kind, gold, commodities)
            self.events.append(made)
            self.told.append(notices.arrived(made.delivery, kind))

    def fill(self, order: str, commodity: str, gold: int, quantity: int) -> None:
        """What an order bought, or was sold for, waits with its earlier fills, or anew."""
        if not gold and not quantity:
            return  # the fee was the whole price
        row = self._state.orders.get(order)
        waiting = None if row is None or row.delivery is None else self._state.deliveries.get(row.delivery)
        if waiting is not None and fits(waiting.gold + gold) and fits(waiting.commodities.get(commodity, 0) + quantity):
            delivery = waiting.delivery
        else:
            delivery = self._next("filled", gold, {}).delivery
            self.told.append(notices.arrived(delivery, "filled"))
        self.events.append(FillDelivered(order, commodity, delivery, gold, quantity, self._now_ms))

    def _next(self, kind: DeliveryKind, gold: int, commodities: dict[str, int]) -> DeliveryMade:
        account, after = self._state.owner(), self._made
        self._made += 1
        return delivery_of(account, kind, None, self._now_ms, gold=gold, commodities=commodities, after=after)


def take_done(state: PlayerState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """The market answers for an order that was placed: the answer is stored under its key, a refusal is not."""
    done = sent.payload
    assert isinstance(done, OrderDone), sent
    arrivals = Arrivals(state, context.now_ms)
    to_wallet = done.gold_back if has_room(state.owner(), done.gold_back) else 0
    back = {done.commodity: done.pieces_back}
    to_stash = done.pieces_back if no_room(state, 0, back, context.catalog.rules.stash_capacity) is None else 0
    arrivals.fill(done.order, done.commodity, done.received, done.pieces)
    arrivals.wait("refund", done.commodity, done.gold_back - to_wallet, 0)
    arrivals.wait("returned", done.commodity, 0, done.pieces_back - to_stash)
    taken = TransferTaken(sender, sent.number, done, to_wallet, context.now_ms, life, to_stash)
    fills = [Level(fill.price, fill.quantity) for fill in done.fills]
    body = done.refusal or OrderResult(done.order, done.filled, done.resting, done.paid, done.received, fills)
    return _answered(state, done.order, body, taken, arrivals, context)


def take_fill(state: PlayerState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """An order that rested was met."""
    filled = sent.payload
    assert isinstance(filled, OrderFilled), sent
    arrivals = Arrivals(state, context.now_ms)
    bought = filled.quantity if filled.side == "buy" else 0
    arrivals.told.append(
        notices.filled(filled.order, filled.commodity, filled.price, filled.quantity, filled.remaining)
    )
    arrivals.fill(filled.order, filled.commodity, filled.gold, bought)
    taken = TransferTaken(sender, sent.number, filled, 0, context.now_ms, life)
    told = notices.notices(state.owner(), context.now_ms, *arrivals.told)
    return TakenIn([taken, *arrivals.events, *told])


def take_ended(state: PlayerState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """The market gives back what was left of an order; where that was nothing, the caller hears `order_closed`."""
    ended = sent.payload
    assert isinstance(ended, OrderEnded), sent
    arrivals = Arrivals(state, context.now_ms)
    to_wallet = ended.gold if has_room(state.owner(), ended.gold) else 0
    arrivals.wait("refund", ended.commodity, ended.gold - to_wallet, 0)
    arrivals.wait("returned", ended.commodity, 0, ended.pieces)
    taken = TransferTaken(sender, sent.number, ended, to_wallet, context.now_ms, life)
    result = CancelledOrderResult(ended.order, Returned(ended.gold, ended.pieces))
    body = result if ended.known else Refusal("order_closed")
    return _answered(state, ended.order, body, taken, arrivals, context)


def _answered(
    state: PlayerState, order: str, body: Result | Refusal, taken: TransferTaken, arrivals: Arrivals, context: Context
) -> TakenIn:
    """All that happens, and the answer: a result is stored under the key of the request that waits for it."""
    told = notices.notices(state.owner(), context.now_ms, *arrivals.told)
    events: list[Event] = [taken, *arrivals.events, *told]
    answer = Answer(body, refused=isinstance(body, Refusal))
    row = state.awaited.get(order)
    if row is not None and not answer.refused:
        stored, answer = keys.used(state, Use(row.key, row.fingerprint, row.untold), body, context.now_ms)
        events.extend(stored)
    return TakenIn(events, Answered(state.owner().store, order, answer))
