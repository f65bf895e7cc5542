"""Transfers on their way out: each has the next number to the life that the other store is in."""

from collections import Counter
from collections.abc import Iterable

from auction import ids
from auction.context import Context
from auction.events import Payload, TransferSent
from auction.state import StoreId
from auction.stores import State


def send(state: State, context: Context, parcels: Iterable[tuple[StoreId, Payload]]) -> list[TransferSent]:
    """A decision's transfers to other stores, in their order."""
    counted: Counter[str] = Counter()
    sent = []
    for to, payload in parcels:
        life = context.life_of(to)
        mark = ids.life_mark(to, life)
        counted[mark] += 1
        last = state.transfers_out.get(mark)
        number = (last.number if last is not None else 0) + counted[mark]
        sent.append(TransferSent(to, number, payload, context.now_ms, life))
    return sent
