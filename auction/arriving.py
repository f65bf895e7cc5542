"""What a transfer does where it arrives, by what it carries; it cannot be refused."""

from collections.abc import Callable, Iterable
from typing import Any

from auction import deliveries
from auction.context import Context
from auction.events import Goods, Payload, Refund, TransferSent
from auction.market import book, settling
from auction.market.events import CancelIn, OrderDone, OrderEnded, OrderFilled, OrderIn
from auction.offers import ending
from auction.offers.events import OfferClosed
from auction.outcomes import TakenIn
from auction.state import StoreId
from auction.stores import State

TakeIn = Callable[[Any, StoreId, int, TransferSent, Context], TakenIn]
"""State, sender, the sender's life, the transfer."""


def take_in(state: State, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """What a transfer of a store does in another; `life` is the sender's."""
    return _TAKE_IN[type(sent.payload)](state, sender, life, sent, context)


def subject_of(payload: Payload) -> str:
    """The listing, order or offer that a transfer is about."""
    if isinstance(payload, Refund | Goods):
        return payload.listing
    return payload.offer if isinstance(payload, OfferClosed) else payload.order


def needed_by(state: State, payload: Payload, context: Context) -> Iterable[StoreId]:
    """The stores at home that taking a transfer in sends something on to."""
    further = _SENDS_ON.get(type(payload))
    return () if further is None else further(state, payload, context)


def _of_a_listing(state: Any, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    return TakenIn(deliveries.take_in(state, sender, life, sent, context))


_TAKE_IN: dict[type[Payload], TakeIn] = {
    Refund: _of_a_listing,
    Goods: _of_a_listing,
    OrderIn: book.take_order,
    CancelIn: book.take_cancel,
    OrderDone: settling.take_done,
    OrderFilled: settling.take_fill,
    OrderEnded: settling.take_ended,
    OfferClosed: ending.take_in,
}

_SENDS_ON: dict[type[Payload], Callable[[Any, Any, Context], Iterable[StoreId]]] = {
    OrderIn: book.met_by,
}
"""Payload → the stores at home that taking it in sends something on to."""
