"""What the events of offers change in the maker's store and in the other player's.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {}
"""Event → its effect."""
TAKEN: dict[type, Callable[[Any, Any], None]] = {}
"""What a TransferTaken with such a payload changes."""
