"""Which kind of store is woken: what was ever written says so itself, and of the rest the node is asked."""

from twisted.internet.task import Clock

from auction.events import Event, HouseOpened, MarketOpened, StoreOpened, encode_events
from auction.state import StoreId
from auction.stores import KINDS, Kind
from shardnode.node.awake_stores import AwakeStores, StoreLimits
from shardnode.ops.metrics import Metrics
from shardnode.storage.memory import MemoryStorage
from shardnode.storage.port import Append, Entry
from tests.node.hand_lane import HandLane
from tests.storage.rows import EACH_KIND, first_of

OPENED: dict[Kind, Event] = {
    "player": StoreOpened("ann", EACH_KIND["player"]),
    "market": MarketOpened("tin", EACH_KIND["market"], 1),
    "house": HouseOpened(EACH_KIND["house"], 1),
}


def woken(storage: MemoryStorage, kind_of: Kind) -> dict[Kind, type]:
    """What each store is woken as by a node that takes every store for one of a kind."""
    lane = HandLane()
    stores = AwakeStores(
        reactor=Clock(),
        storage=storage,
        kind_of=lambda _store: kind_of,
        journal_lane=lane,
        files_lane=lane,
        limits=StoreLimits(),
        metrics=Metrics("n1", "w"),
    )
    done: list[object] = []
    stores.wake(EACH_KIND.values()).addBoth(done.append)
    while not done:
        lane.run()
    assert done == [None]
    return {kind: type(stores.state(store)) for kind, store in EACH_KIND.items()}


def holding(events: dict[StoreId, list[Event]]) -> MemoryStorage:
    """A storage whose journal has one record."""
    storage = MemoryStorage()
    storage.open()
    parts = {store: encode_events(happened) for store, happened in events.items()}
    storage.journal.append(Append([Entry(1, parts)], {}, 1))
    return storage


def test_of_a_store_that_was_never_written_to_the_node_tells_the_kind() -> None:
    """An empty state is made of the kind that the node says."""
    for kind, state_class in KINDS.items():
        assert set(woken(holding({}), kind).values()) == {state_class}


def test_files_and_records_tell_their_kinds_themselves() -> None:
    """A market whose commodity left the catalog is a market all the same, before and after its first save."""
    storage = holding({EACH_KIND[kind]: [event] for kind, event in OPENED.items()})
    assert woken(storage, "player") == KINDS
    assert woken(storage, "market") == KINDS
    storage.stores.save([first_of(kind, 1) for kind in KINDS])
    assert woken(storage, "house") == KINDS
