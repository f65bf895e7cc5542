"""Decided events put into effect: states evolve, transfers are taken in where they arrive, and players are told."""

from auction import deliveries
from auction.context import Context
from auction.events import Event, Noticed, Record, TransferSent
from auction.evolve import evolve
from auction.outcomes import States
from auction.state import Notice, StoreId


def happen(store: StoreId, events: list[Event], states: States, record: Record) -> None:
    """Evolve a store and put down what happened there."""
    state = states[store]
    for event in events:
        evolve(state, event)
    record.setdefault(store, []).extend(events)


def take_in_sent(states: States, record: Record, context: Context) -> None:
    """Take in, in the same record, the transfers that went to stores at home: they are among the states. Others stay to
    be carried.
    """
    for sender, sent in _sent(record):
        if sent.to in states:
            taken = deliveries.take_in(states[sent.to], sender, context.life_of(sender), sent, context)
            happen(sent.to, taken, states, record)
        else:
            assert not context.at_home(sent.to), sent


def _sent(record: Record) -> list[tuple[StoreId, TransferSent]]:
    return [(store, event) for store, events in record.items() for event in events if type(event) is TransferSent]


def notices_of(record: Record, states: States) -> list[tuple[str, Notice]]:
    """Whom a record tells what."""
    return [
        (states[store].owner().player, event.notice)
        for store, events in record.items()
        for event in events
        if type(event) is Noticed
    ]
