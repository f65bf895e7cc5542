"""A small house on disk with trades in it, made by the rules themselves."""

from pathlib import Path

from auction.commands import BuyCommodity, FreezeTrading, SellCommodity, ThawTrading
from auction.events import encode_events
from auction.ids import NAMING_KEY_BYTES
from auction.state import StoreId
from shardnode.storage.port import Append, Entry, Snapshot
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.auction.house import NAMING_KEY, House, replayed
from tests.storage.rows import all_rows, kept


def trade() -> House:
    """A house in which gold and goods are everywhere: held, listed, bid for, won, waiting, claimed, taken."""
    house = House()
    house.grant("ann", gold=500, items=2, commodities={"tin": 7})
    house.grant("bob", gold=1_000)
    house.grant("cyd", gold=1_000)
    sold = house.create("ann", start_bid=10, buyout=400)
    house.bid("bob", sold, 100)
    house.bid("cyd", sold, 150)
    house.run_out(sold)
    house.claim_all("ann")
    house.bid("bob", house.create("ann", start_bid=20), 60)
    house.buy_out("cyd", house.create("bob", buyout=50), 50)
    return house


def every_kind() -> House:
    """The same, and commodities were ordered and a category frozen: stores of every kind, and all their logs."""
    house = trade()
    house.grant("bob", commodities={"tin": 9})
    house.done(house.ask("bob", SellCommodity(commodity="tin", quantity=5, limit_price=4)))
    house.done(house.ask("cyd", BuyCommodity(commodity="tin", quantity=3, limit_price=4)))
    house.done(house.ask("ops", FreezeTrading(key="f1", what="category", id="bells"), "operator"))
    house.done(house.ask("cyd", BuyCommodity(commodity="tin", quantity=2, limit_price=4)))
    house.done(house.ask("ops", ThawTrading(key="f2", what="category", id="bells"), "operator"))
    return house


def logs_of(house: House) -> dict[StoreId, dict[str, list]]:
    """Every row of every log of a house, whose stores no checkpoint has seen."""
    return {
        store: {log: list(getattr(state, log)) for log in state.LOGS}
        for store, state in house.states.items()
        if state.head() is not None
    }


def as_kept(house: House) -> dict[StoreId, dict[str, dict]]:
    """The rows of every store of a house, without those of its logs."""
    return {store: kept(state) for store, state in house.states.items() if state.head() is not None}


def write(house: House, data: Path, saved: int) -> SqliteStorage:
    """The house's records in a data directory, one a batch; stores' files know the first `saved`. It is left open."""
    keys = [bytes(8), NAMING_KEY, data.name.encode().rjust(16)[-16:]]
    storage = SqliteStorage(data, random_bytes=lambda count: next(key for key in keys if len(key) == count))
    assert len(NAMING_KEY) == NAMING_KEY_BYTES
    storage.open()
    for position, record in enumerate(house.records, 1):
        parts = {store: encode_events(events) for store, events in record.items()}
        storage.journal.append(Append([Entry(position, parts)], {}, house.now_ms))
    storage.stores.save(_snapshots(house, saved))
    return storage


def _snapshots(house: House, saved: int) -> list[Snapshot]:
    states = replayed(house.records[:saved])
    return [Snapshot(store, state.kind, saved, all_rows(state)) for store, state in states.items()]
