"""Transfers from stores of other nodes, taken in here: once each, in order."""

from auction import ids
from auction.arriving import needed_by, subject_of, take_in
from auction.context import Answer, Context
from auction.events import Record, TransferSent
from auction.happening import happen, notices_of, take_in_sent
from auction.outcomes import Asleep, Executed, Gap, Locked, States, Stores
from auction.state import StoreId

NOBODY = Answer(None, refused=False)
"""The answer that nobody waits for."""


def take_transfer(
    to: StoreId, sender: StoreId, life: int, sent: TransferSent, stores: Stores, context: Context
) -> Executed | Asleep | Locked | Gap:
    """Take in a transfer of a store of another node, `life` being that store's; once, however often it arrives.

    While a trade holds the listing or offer that it is about, it waits: the trade may have happened first.
    """
    state = stores(to)
    if state is None:
        return Asleep((to,))
    if sent.life != context.life_of(to):
        return Gap()
    mark = state.transfers_in.get(ids.life_mark(sender, life))
    taken = mark.number if mark is not None else 0
    if sent.number <= taken:
        return Executed({}, NOBODY, [], (to,))
    if sent.number > taken + 1 or (state.kind == "player" and state.head() is None):
        return Gap()
    if subject_of(sent.payload) in state.locked:
        return Locked(to, subject_of(sent.payload))
    states: States = {to: state}
    asleep = []
    for store in needed_by(state, sent.payload, context):
        awake = stores(store)
        if awake is None:
            asleep.append(store)
        else:
            states[store] = awake
    if asleep:
        return Asleep(tuple(asleep))
    record: Record = {}
    here = take_in(state, sender, life, sent, context)
    happen(to, here.events, states, record)
    answered = take_in_sent(states, record, context)
    if here.answered is not None:
        answered = (here.answered, *answered)
    return Executed(record, NOBODY, notices_of(record, states), tuple(states), answered)
