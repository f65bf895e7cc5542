"""A store's state out of its records: what the journal has beyond the store's file."""

from auction.events import HouseOpened, StoreOpened, decode_events
from auction.evolve import evolve
from auction.market.events import MarketOpened
from auction.stores import KINDS, Kind, State

_OPENED: dict[type, Kind] = {StoreOpened: "player", MarketOpened: "market", HouseOpened: "house"}
"""The first event of a store → its kind."""


def replay(state: State | None, part: bytes) -> State:
    """The state, changed by a store's part of a record. Where there is none yet, the part's first event makes it, so
    what was ever written says its kind itself. Raises whatever a part raises that does not fit the state.
    """
    happened = decode_events(part)
    if state is None:
        state = KINDS[_OPENED[type(happened[0])]]()
    for event in happened:
        evolve(state, event)
    return state
