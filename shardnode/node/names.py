"""How stores are named in this house, and which kind a store is of: all from the naming key and the catalog."""

from collections.abc import Iterable

from auction import ids
from auction.state import StoreId
from auction.stores import Kind


class StoreNames:
    """Names of stores. `players_max` players' ids are remembered."""

    def __init__(self, naming_key: bytes, commodities: Iterable[str], players_max: int) -> None:
        self._naming_key = naming_key
        self._players_max = players_max
        self._players: dict[str, StoreId] = {}
        self._markets = {commodity: ids.market_store(naming_key, commodity) for commodity in commodities}
        self._kinds: dict[StoreId, Kind] = dict.fromkeys(self._markets.values(), "market")
        self.house = ids.house_store(naming_key)
        self._kinds[self.house] = "house"

    def store_of(self, player: str) -> StoreId:
        """The id of a player's store."""
        store = self._players.get(player)
        if store is None:
            if len(self._players) >= self._players_max:
                self._players.clear()
            store = self._players[player] = ids.player_store(self._naming_key, player)
        return store

    def market_of(self, commodity: str) -> StoreId:
        """The id of a commodity's market store, whether the catalog has the commodity or not."""
        return self._markets.get(commodity) or ids.market_store(self._naming_key, commodity)

    def kind_of(self, store: StoreId) -> Kind:
        """Which kind of store this is, or would be; one of a commodity that the catalog has dropped has a file."""
        return self._kinds.get(store, "player")

    def seal(self, text: bytes) -> bytes:
        """`auction.ids.seal` of this house."""
        return ids.seal(self._naming_key, text)
