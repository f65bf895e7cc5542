"""Decided events put into effect: states evolve, transfers are taken in where they arrive, and players are told."""

from collections import deque

from auction import arriving
from auction.context import Context
from auction.events import Event, Noticed, Record, TransferSent
from auction.evolve import evolve
from auction.outcomes import Answered, States, a_player
from auction.state import Notice, StoreId


def happen(store: StoreId, events: list[Event], states: States, record: Record) -> None:
    """Evolve a store and put down what happened there."""
    state = states[store]
    for event in events:
        evolve(state, event)
    record.setdefault(store, []).extend(events)


def take_in_sent(states: States, record: Record, context: Context) -> tuple[Answered, ...]:
    """Take in, in the same record, the transfers that went to stores at home: they are among the states; and so on with
    what these send. Others stay to be carried. Returns what players' stores heard that somebody may wait for.
    """
    answered: list[Answered] = []
    sent = deque(_sent(record))
    while sent:
        sender, transfer = sent.popleft()
        if transfer.to not in states:
            assert not context.at_home(transfer.to), transfer
            continue
        taken = arriving.take_in(states[transfer.to], sender, context.life_of(sender), transfer, context)
        happen(transfer.to, taken.events, states, record)
        sent.extend((transfer.to, event) for event in taken.events if type(event) is TransferSent)
        if taken.answered is not None:
            answered.append(taken.answered)
    return tuple(answered)


def _sent(record: Record) -> list[tuple[StoreId, TransferSent]]:
    return [(store, event) for store, events in record.items() for event in events if type(event) is TransferSent]


def notices_of(record: Record, states: States) -> list[tuple[str, Notice]]:
    """Whom a record tells what."""
    return [
        (a_player(states[store]).owner().player, event.notice)
        for store, events in record.items()
        for event in events
        if type(event) is Noticed
    ]
