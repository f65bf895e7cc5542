"""What an event changes in the house's own store.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

OF_HOUSE: dict[type, Callable[[Any, Any], None]] = {}
"""Event → its effect."""
