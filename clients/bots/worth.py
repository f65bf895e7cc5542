"""What an item usually sells for: a believable guess from what everybody can see of it."""

import math

from auction.state import Item
from worlddata.types import MAX_AMOUNT, Rarity

GOLD_AT_LEVEL_1 = 2.0
LEVEL_EXPONENT = 1.54
"""Together they follow the packaged world's own guidance: about 40 gold at level 7, 2,000 at level 89."""
ROLL_SHARE = 0.05
"""How much every stat beyond the first adds."""


class Appraiser:
    """Knows the house's rarities."""

    def __init__(self, rarities: list[Rarity]) -> None:
        self._factors = {rarity.rarity: rarity.worth_factor for rarity in rarities}
        self._order = {rarity.rarity: rarity.order for rarity in rarities}

    def worth(self, item: Item) -> int:
        """Gold that such an item usually sells for, at least 1."""
        by_level = GOLD_AT_LEVEL_1 * math.pow(item.level, LEVEL_EXPONENT)
        by_stats = 1 + ROLL_SHARE * max(0, len(item.stats) - 1)
        return min(MAX_AMOUNT, max(1, round(by_level * by_stats * self._factors.get(item.rarity, 1))))

    def is_treasure(self, item: Item) -> bool:
        """Whether the item is rarer than the two most common rarities."""
        return self._order.get(item.rarity, 0) >= 2
