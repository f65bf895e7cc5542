"""What an event changes in a market's store, and what the events of orders change in a player's.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

OF_MARKET: dict[type, Callable[[Any, Any], None]] = {}
"""In a market's store: event → its effect."""
OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {}
"""In a player's store."""
TAKEN: dict[type, Callable[[Any, Any], None]] = {}
"""In a player's store: what a TransferTaken with such a payload changes."""
