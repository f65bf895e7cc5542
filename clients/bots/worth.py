"""What an item or a piece usually sells for: a believable guess from what everybody can see of it."""

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence

from auction.results import CommodityView
from auction.state import Item
from worlddata.types import MAX_AMOUNT, Rarity

GOLD_AT_LEVEL_1 = 2.0
LEVEL_EXPONENT = 1.54
"""Together they follow the packaged world's own guidance: about 40 gold at level 7, 2,000 at level 89."""
PIECE_MIN, PIECE_MAX = 5, 60
"""Worth of a piece whose price moves by single gold."""
TICKS_MIN, TICKS_MAX = 50, 90
"""Worth of another piece, in ticks."""
ROLL_SHARE = 0.05
"""How much every stat beyond the first adds."""


class Appraiser:
    """Knows the house's rarities and commodities."""

    def __init__(self, rarities: list[Rarity], commodities: Sequence[CommodityView] = ()) -> None:
        self._factors = {rarity.rarity: rarity.worth_factor for rarity in rarities}
        self._order = {rarity.rarity: rarity.order for rarity in rarities}
        self._pieces = {each.commodity: worth_of_piece(each) for each in commodities}

    def worth(self, item: Item) -> int:
        """Gold that such an item usually sells for, at least 1."""
        by_level = GOLD_AT_LEVEL_1 * math.pow(item.level, LEVEL_EXPONENT)
        by_stats = 1 + ROLL_SHARE * max(0, len(item.stats) - 1)
        return min(MAX_AMOUNT, max(1, round(by_level * by_stats * self._factors.get(item.rarity, 1))))

    def worth_of_all(self, gold: int, items: Iterable[Item], commodities: Mapping[str, int]) -> int:
        """Gold that all of it together usually sells for; pieces of what is not known are worth nothing."""
        pieces = sum(self._pieces.get(commodity, 0) * quantity for commodity, quantity in commodities.items())
        return gold + pieces + sum(self.worth(item) for item in items)

    def is_treasure(self, item: Item) -> bool:
        """Whether the item is rarer than the two most common rarities."""
        return self._order.get(item.rarity, 0) >= 2


def worth_of_piece(commodity: CommodityView) -> int:
    """Gold that a piece usually sells for, before anybody has sold one: the same guess for everybody, in ticks.

    A tick is one or two hundredths of a piece's worth and never less than 1, so below 100 gold it tells nothing.
    """
    guess = zlib.crc32(commodity.commodity.encode()) / 2**32
    if commodity.tick == 1:
        return round(PIECE_MIN * math.pow(PIECE_MAX / PIECE_MIN, guess))
    return commodity.tick * round(TICKS_MIN + (TICKS_MAX - TICKS_MIN) * guess)
