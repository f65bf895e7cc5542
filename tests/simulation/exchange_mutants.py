"""Bugs planted in what players exchange besides listings: orders, offers, freezes, watches, and the logs of all that.

As in `tests.simulation.node_mutants`, whose they are.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

import auction.history
import auction.house
import auction.market.book
import auction.market.evolve
import auction.market.matching
import auction.offers.accepting
import auction.offers.ending
import shardnode.node.arrivals
import shardnode.node.awake_stores
from auction import arriving, ids, trades
from auction.commands import EndOffer, WithdrawOffer
from auction.context import Request
from auction.events import Payload
from auction.market.events import CancelIn, OrderDone, OrderEnded, OrderFilled
from auction.needs import subject_of
from auction.offers.legs import AcceptLeg
from auction.outcomes import Locked
from auction.player_state import PlayerState
from auction.state import Awaited, StoreId, TransferMark
from auction.stores import State
from shardnode.cluster.freezes import FrozenThings
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.storage.facts import FREEZES
from tests.simulation.mutants import Mutant, Patch, instead, planting, together

_planted: list[Mutant] = []
planted = planting(_planted)

LATER_S = 0.05
"""How late news are that should have been there before."""

Parcels = list[tuple[StoreId, Payload]]


# Orders.


@planted
def order_answered_twice() -> Patch:
    """A market answers for an order once: its answer, and what comes with it, leave twice."""
    return _sending(lambda parcels: parcels + [parcel for parcel in parcels if isinstance(parcel[1], OrderDone)])


@planted
def maker_not_told() -> Patch:
    """Whose order is met hears of it, with what he got: he does not."""
    return _sending(lambda parcels: [parcel for parcel in parcels if not isinstance(parcel[1], OrderFilled)])


@planted
def whole_order_comes_back() -> Patch:
    """A cancelled order gives back what was left of it: it gives back all that there ever was."""

    def mutated(state: Any, sender: StoreId, life: int, sent: Any, context: Any) -> Any:
        row = state.orders.get(sent.payload.order)
        if row is None:
            return auction.market.book.take_cancel(state, sender, life, sent, context)
        gold, pieces = (row.price * row.quantity, 0) if row.side == "buy" else (0, row.quantity)
        ended = OrderEnded(row.order, sent.payload.commodity, gold, pieces, known=True)
        with _sending(lambda parcels: [(to, ended) for to, _ in parcels]):
            return auction.market.book.take_cancel(state, sender, life, sent, context)

    return patch.dict(arriving._TAKE_IN, {CancelIn: mutated})


@planted
def latest_order_goes_first() -> Patch:
    """At one price whoever came first goes first: the latest does."""

    def mutated(in_priority: Any, state: Any, player: str, side: str, *rest: Any) -> Any:
        sign = 1 if side == "buy" else -1
        rows = in_priority(state, player, side, *rest)
        return iter(sorted(rows, key=lambda row: (sign * row.price, -row.number)))

    return instead(auction.market.matching, "_in_priority", mutated)


@planted
def quote_is_filled_for_worse() -> Patch:
    """A quote is never filled for worse than it says: it is, for a little worse."""

    def mutated(judge: Any, state: Any, order: Any, context: Any) -> Any:
        if order.total is not None:
            order = replace(order, total=order.total + 20 if order.side == "buy" else 0)
        return judge(state, order, context)

    return instead(auction.market.book, "judge", mutated)


@planted
def key_of_an_order_is_free() -> Patch:
    """The key of an order is taken until its market has answered: a repeat is another order."""

    def awaits(await_: Any, state: PlayerState, row: Awaited | None) -> None:
        await_(state, row)
        if row is not None:
            del state.open_keys[row.key]

    def hears(heard_of: Any, state: PlayerState, order: str) -> None:
        row = state.awaited.get(order)
        if row is not None:
            state.open_keys[row.key] = order
        heard_of(state, order)

    evolve = auction.market.evolve
    return together(instead(evolve, "_await", awaits), instead(evolve, "_heard_of", hears))


@planted
def transfers_out_of_order() -> Patch:
    """Transfers are taken in the order in which they were sent: whichever comes is taken."""

    def mutated(take: Any, to: StoreId, sender: StoreId, life: int, sent: Any, stores: Any, context: Any) -> Any:
        state, mark = stores(to), ids.life_mark(sender, life)
        if state is not None:
            taken = state.transfers_in.get(mark)
            if taken is None or sent.number > taken.number:
                state.transfers_in.rows[mark] = TransferMark(mark, sent.number - 1)
        return take(to, sender, life, sent, stores, context)

    return instead(shardnode.node.arrivals, "take_transfer", mutated)


# Offers.


@planted
def accepted_offer_is_withdrawn() -> Patch:
    """An offer that somebody is about to get cannot be taken back: it can."""
    return does_not_wait(WithdrawOffer)


@planted
def accepted_offer_expires() -> Patch:
    """An offer that somebody is about to get does not expire: it does."""
    return does_not_wait(EndOffer)


@planted
def expired_offer_is_accepted() -> Patch:
    """An offer is over when its time has come, though its timer may be late: it can still be accepted."""
    accepting = auction.offers.accepting
    return instead(
        accepting, "is_over", lambda is_over, maker, offer, context: is_over(maker, offer, replace(context, now_ms=0))
    )


@planted
def promised_items_stay() -> Patch:
    """What is given for an offer leaves the stash with the promise: items stay, and can be given again."""
    promise = trades._PROMISE[AcceptLeg]

    def mutated(state: PlayerState, leg: Any, context: Any) -> Any:
        promised = promise(state, leg, context)
        return replace(promised, items=()) if hasattr(promised, "items") else promised

    return patch.dict(trades._PROMISE, {AcceptLeg: mutated})


@planted
def end_of_an_offer_is_not_told() -> Patch:
    """Whoever ends an offer tells the other store: nobody does."""
    return instead(auction.offers.ending, "send", lambda _send, _state, _context, _parcels: [])


# Freezes.


@planted
def freeze_answered_early() -> Patch:
    """An operator hears of a freeze no sooner than all others are told: they are told later."""

    def mutated(_changed: Any, frozen: FrozenThings, freezes: Any) -> None:
        if frozen._take(freezes):
            frozen._post._reactor.callLater(LATER_S, frozen._tell_all)

    return instead(FrozenThings, "changed", mutated)


@planted
def freeze_forgotten_at_a_restart() -> Patch:
    """What is frozen is a fact of its record: it is in memory alone."""

    def mutated(add: Any, writer: JournalWriter, *rest: Any) -> int:
        *others, facts = rest
        kept = {key: fact for key, fact in facts.items() if key != FREEZES}
        position: int = add(writer, *others, kept)
        return position

    return instead(JournalWriter, "add", mutated)


@planted
def older_freeze_is_believed() -> Patch:
    """Of what is frozen the newest version is true: the last that was heard is."""

    def mutated(take: Any, frozen: FrozenThings, freezes: Any) -> Any:
        if freezes != frozen.current:
            frozen.current = replace(frozen.current, version=-1)
        return take(frozen, freezes)

    return instead(FrozenThings, "_take", mutated)


# Watches and logs.


@planted
def watchers_told_early() -> Patch:
    """What is watched is told when it is durable: it is told at once."""

    def mutated(when: Any, gate: Gate, position: int, leave: Any, *args: Any) -> None:
        if getattr(leave, "__name__", "") == "news_durable":
            leave(*args)
        else:
            when(gate, position, leave, *args)

    return instead(Gate, "when", mutated)


@planted
def history_lost_by_a_checkpoint() -> Patch:
    """What leaves memory is in the store's file: history is not."""

    def mutated(take_changes: Any, state: State) -> Any:
        return {name: rows for name, rows in take_changes(state).items() if name != "history"}

    return instead(shardnode.node.awake_stores, "_take_changes", mutated)


@planted
def purchase_not_written_down() -> Patch:
    """Whatever comes to somebody has a row in the history: what is bought has none."""
    return patch.object(auction.history, "goods_came", lambda *_: None)


def does_not_wait(kind: type) -> Patch:
    """A command goes ahead though what it is about is held for a trade."""

    def mutated(change: Any, request: Request, home: StoreId, states: dict[StoreId, State], *rest: Any) -> Any:
        outcome = change(request, home, states, *rest)
        if not isinstance(outcome, Locked) or not isinstance(request.ask, kind):
            return outcome
        locked, subject = states[outcome.store].locked, str(subject_of(request.ask))
        trade = locked.pop(subject)
        outcome = change(request, home, states, *rest)
        locked[subject] = trade
        return outcome

    return instead(auction.house, "_change", mutated)


def _sending(change: Callable[[Parcels], Parcels]) -> Patch:
    """A market sends something else than it should."""
    send = auction.market.book.send
    return patch.object(auction.market.book, "send", partial(_sent, send, change))


def _sent(send: Any, change: Callable[[Parcels], Parcels], state: Any, context: Any, parcels: Parcels) -> Any:
    return send(state, context, change(parcels))


MUTANTS = tuple(_planted)
