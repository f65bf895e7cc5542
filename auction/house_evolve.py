"""What an event changes in the house's own store.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

from auction.events import Frozen, HouseOpened, Thawed
from auction.house_state import House, HouseState


def _house_opened(state: HouseState, event: HouseOpened) -> None:
    assert 0 not in state.house, event
    state.house.put(0, House.opened(event.store, event.life))


def _frozen(state: HouseState, event: Frozen) -> None:
    state.head_to_change().version += 1
    state.freezes.put(event.freeze.freeze, event.freeze)


def _thawed(state: HouseState, event: Thawed) -> None:
    state.head_to_change().version += 1
    state.freezes.drop(event.freeze)


OF_HOUSE: dict[type, Callable[[Any, Any], None]] = {
    HouseOpened: _house_opened,
    Frozen: _frozen,
    Thawed: _thawed,
}
"""Event → its effect."""
