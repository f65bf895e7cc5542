"""The kinds of stores: each a class with its tables, and alike in what the node needs of all of them."""

from typing import Literal

from auction.house_state import HouseState
from auction.market.state import MarketState
from auction.player_state import PlayerState

Kind = Literal["player", "market", "house"]
State = PlayerState | MarketState | HouseState

KINDS: dict[Kind, type[PlayerState] | type[MarketState] | type[HouseState]] = {
    "player": PlayerState,
    "market": MarketState,
    "house": HouseState,
}
