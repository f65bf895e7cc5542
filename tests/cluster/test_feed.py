"""The listing feed: every index comes to the rows and sales of every origin, and never opens again what has ended."""

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from auction.results import Market
from auction.sales import Sale
from auction.state import Listing
from shardnode.cluster import messages
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.feed import FeedLimits
from shardnode.cluster.network import PeerFault
from shardnode.search.index import IndexLimits
from shardnode.search.sales import market_of
from tests.cluster.rig import NODES, Faults, House, a_map
from tests.search.rows import RULES, listing

SMALL = ClusterLimits(feed=FeedLimits(page_rows=2, kept_rows_max=4))


def shown(house: House, viewer: str, origin: str) -> dict[str, Listing]:
    """What a node's index has of an origin."""
    return {row.listing: row for row in house.homes[viewer].index.of(origin).rows()}


def sold(house: House, viewer: str, origin: str) -> dict[int, Sale]:
    """What a node knows to have been sold at an origin."""
    return {sale.mark: sale for sale in house.homes[viewer].index.of(origin).sales}


def converged(house: House) -> bool:
    """Whether every node shows every node's listings, and counts its sales, as they are."""
    return all(
        shown(house, viewer, origin) == house.disks[origin].listings
        and sold(house, viewer, origin) == house.disks[origin].sales
        for viewer in NODES
        for origin in NODES
    )


def kinds(house: House, sender: str, to: str) -> list[str]:
    """The kinds of messages that one node sent another, those of the feed that say something."""
    return [
        type(message).__name__
        for source, target, frame in house.frames
        for message in msgspec.msgpack.decode(frame, type=messages.Frame).messages
        if (source, target) == (sender, to)
        and not (isinstance(message, messages.FeedChanges) and not message.rows and message.after == message.position)
    ]


def ended(row: Listing) -> Listing:
    """The row of a listing that was sold."""
    return msgspec.structs.replace(row, version=row.version + 1, state="sold", price=7, ended_at_ms=1_000)


def test_a_change_shows_everywhere() -> None:
    """A new listing, a changed one and an ended one, in a message each."""
    house = House()
    row = listing(1)
    changed = msgspec.structs.replace(row, version=2, price=9)
    for change in (row, changed, ended(changed)):
        house.show("n1", [change])
        house.settle()
        assert converged(house)
        assert len(house.homes["n3"].index) == (change.state == "open")
    assert kinds(house, "n1", "n2") == ["FeedChanges"] * 3


def test_what_was_missed_comes_from_memory() -> None:
    """After a cut a subscriber gets what changed meanwhile, and nothing it has already."""
    house = House()
    house.show("n1", [listing(number) for number in range(10)])
    house.settle()
    house.cut("n1", "n2")
    house.show("n1", [ended(listing(3))])
    house.show("n1", [listing(11)])
    house.settle()
    assert len(shown(house, "n2", "n1")) == 10
    house.frames.clear()
    house.join("n1", "n2")
    house.settle()
    assert converged(house)
    assert sorted(kinds(house, "n1", "n2")) == ["FeedChanges", "FeedFrom"]


def test_a_subscriber_that_has_missed_too_much_gets_a_snapshot() -> None:
    """Page by page, each asked for: three of listings, three of sales, and one that says that this was all. What ended
    meanwhile leaves with it.
    """
    house = House(SMALL)
    house.show("n1", [listing(number) for number in range(7)])
    house.settle()
    house.cut("n1", "n2")
    for number in range(6):
        house.show("n1", [ended(listing(number))])
    house.show("n1", [listing(number) for number in range(20, 24)])
    house.frames.clear()
    house.join("n1", "n2")
    house.settle()
    assert converged(house)
    assert kinds(house, "n1", "n2").count("FeedPage") == 7
    assert kinds(house, "n2", "n1").count("FeedNext") == 7


def test_a_started_node_gets_everything_again() -> None:
    """Its own from its disk, the others' as snapshots; the others ask for what it has."""
    house = House(SMALL)
    for place, node in enumerate(NODES):
        house.show(node, [listing(10 * place + number) for number in range(5)])
    house.settle()
    house.restart("n2")
    assert len(house.homes["n2"].index) == 5
    house.settle()
    assert converged(house)
    assert len(house.homes["n2"].index) == 15


def test_a_change_during_a_snapshot_is_neither_lost_nor_undone() -> None:
    """Listings that end, change or begin while their pages are under way stand as they are in the end."""
    house = House(SMALL)
    house.cut("n1", "n2")
    house.show("n1", [listing(number) for number in range(8)])
    house.join("n1", "n2")
    house.settle(0.015)
    assert 0 < len(shown(house, "n2", "n1")) < 8
    house.show("n1", [ended(listing(7)), msgspec.structs.replace(listing(6), version=2, price=50), ended(listing(0))])
    house.show("n1", [listing(9)])
    house.settle()
    assert converged(house)


def test_a_snapshot_that_was_cut_off_is_read_anew() -> None:
    """Where it stopped nothing is known to be whole, so what was in memory of its origin would not be enough."""
    house = House(SMALL)
    house.cut("n1", "n2")
    house.show("n1", [listing(number) for number in range(8)])
    house.join("n1", "n2")
    house.settle(0.015)
    house.cut("n1", "n2")
    assert 0 < len(shown(house, "n2", "n1")) < 8
    house.join("n1", "n2")
    house.settle()
    assert converged(house)


def test_a_snapshot_is_whole_only_with_every_page() -> None:
    """A last page that overtakes another, a page that comes twice, and one of another snapshot count for nothing."""
    house = House()
    house.faults = Faults(lose=1.0)
    house.cut("n1", "n2")
    house.join("n1", "n2")
    rows = [listing(number) for number in range(6)]
    pages = [
        messages.FeedPage(1, 9, number, tuple(rows[2 * number : 2 * number + 2]), number == 2) for number in range(3)
    ]
    stranger = msgspec.structs.replace(pages[1], position=8, rows=(listing(20),))
    counts = []
    for page in (pages[0], pages[2], pages[0], stranger, pages[1], pages[1], pages[2]):
        _feed(house, page)
        counts.append((len(shown(house, "n2", "n1")), house.homes["n2"].index.of("n1").loading))
    assert counts == [(2, True), (2, True), (2, True), (2, True), (4, True), (4, True), (6, False)]


def test_a_page_that_was_not_asked_for_or_is_older_is_passed_over() -> None:
    """What is here is whole and newer; nothing of it is doubted."""
    house = House()
    house.faults = Faults(lose=1.0)
    house.cut("n1", "n2")
    house.join("n1", "n2")
    _feed(house, messages.FeedPage(2, 9, 0, (listing(1),), True))
    _feed(house, messages.FeedPage(2, 9, 0, (listing(2),), True))
    assert list(shown(house, "n2", "n1")) == ["l0001"]
    house.cut("n1", "n2")
    house.join("n1", "n2")
    for older in (messages.FeedPage(2, 8, 0, (listing(2),), True), messages.FeedPage(1, 10, 0, (listing(2),), True)):
        _feed(house, older)
        assert list(shown(house, "n2", "n1")) == ["l0001"]
    _feed(house, messages.FeedPage(2, 10, 0, (listing(2),), True))
    assert list(shown(house, "n2", "n1")) == ["l0002"]


def test_a_node_that_reads_its_own_past_is_no_origin_yet() -> None:
    """A subscriber is not given half of it; it asks again until there is all of it."""
    house = House()
    own = house.homes["n1"].index.of("n1")
    own.load()
    house.restart("n2")
    house.settle(3)
    assert _staleness(house, "n2", "n1") > 2.9
    own.apply([listing(1)])
    own.settle()
    house.settle(3)
    assert list(shown(house, "n2", "n1")) == ["l0001"]


def test_staleness_says_how_old_an_origins_rows_may_be() -> None:
    """Next to nothing while it is heard, growing from the moment it is not; its rows stay and are counted."""
    house = House()
    house.show("n1", [listing(1)])
    house.settle(1)
    page = house.metrics["n2"].render()
    assert b'auction_listing_feed_rows{origin="n1"} 1.0' in page
    assert _staleness(house, "n2", "n1") < 0.5
    house.cut("n1", "n2")
    house.settle(30)
    assert 29 < _staleness(house, "n2", "n1") < 31
    assert _staleness(house, "n2", "n3") < 0.5
    assert b'auction_listing_feed_rows{origin="n1"} 1.0' in house.metrics["n2"].render()


def test_a_replaced_origin_is_known_anew() -> None:
    """Its positions begin again; what its former directory had for sale is gone."""
    house = House()
    house.show("n1", [listing(number) for number in range(5)])
    house.settle()
    for other in ("n2", "n3"):
        house.cut("n1", other)
    house.map = a_map(version=2, epoch=2, since={"n1": 2})
    house.disks["n1"].position = house.disks["n1"].starts = 0
    house.disks["n1"].listings.clear()
    house.restart("n1")
    house.show("n1", [listing(50)])
    house.heal()
    house.settle()
    assert converged(house)
    assert list(shown(house, "n2", "n1")) == ["l0050"]


@pytest.mark.parametrize("kind", ["FeedPage", "FeedChanges"])
def test_what_comes_late_opens_nothing_again(kind: str) -> None:
    """An old page, or old changes, that come again after the listing has ended are passed over."""
    house = House(SMALL)
    house.cut("n1", "n2")
    house.show("n1", [listing(number) for number in range(6)])
    house.join("n1", "n2")
    house.settle()
    house.show("n1", [msgspec.structs.replace(listing(1), version=2)])
    house.settle()
    old = [
        frame
        for source, to, frame in house.frames
        if (source, to) == ("n1", "n2")
        for message in msgspec.msgpack.decode(frame, type=messages.Frame).messages
        if type(message).__name__ == kind
    ]
    house.show("n1", [ended(msgspec.structs.replace(listing(1), version=2)), ended(listing(0))])
    house.settle()
    assert old
    for frame in (*old, *reversed(old)):
        house.nodes["n2"].received("n1", frame)
        assert not shown(house, "n2", "n1").keys() & {"l0000", "l0001"}
    house.settle(5)
    assert converged(house)


def test_a_lost_message_is_noticed_by_the_next_sign_of_life() -> None:
    """A quiet origin still says where it stands, so a change that got lost does not stay lost."""
    house = House()
    house.show("n1", [listing(1)])
    house.settle()
    house.faults = Faults(lose=1.0)
    house.show("n1", [listing(2)])
    house.clock.advance(0)
    house.faults = Faults()
    house.settle(1)
    assert converged(house)


class AnyNetwork(RuleBasedStateMachine):
    """Listings come, change and end on three nodes, over links that lose, double, delay and break."""

    @initialize(seed=st.integers(0, 2**32), rate=st.sampled_from([0.0, 0.1, 0.4]))
    def begin(self, seed: int, rate: float) -> None:
        """All nodes linked."""
        self.house = House(SMALL, seed=seed)
        self.house.faults = Faults(lose=rate, double=rate, delay_s=0.1 * rate)
        self.made = 0
        self.seen: dict[str, dict[str, Listing]] = {node: {} for node in NODES}
        self.gone: dict[str, set[str]] = {node: set() for node in NODES}

    @rule(node=st.sampled_from(NODES), number=st.integers(1, 5))
    def create(self, node: str, number: int) -> None:
        """New listings in one batch."""
        self.house.show(node, [listing(self.made + place, seller=node) for place in range(number)])
        self.made += number

    @rule(node=st.sampled_from(NODES), pick=st.integers(0, 1_000), ends=st.booleans())
    def change(self, node: str, pick: int, ends: bool) -> None:
        """A listing is bid on, or ends."""
        rows = list(self.house.disks[node].listings.values())
        if rows:
            row = rows[pick % len(rows)]
            changed = msgspec.structs.replace(row, version=row.version + 1, price=pick)
            self.house.show(node, [ended(row) if ends else changed])

    @rule(link=st.sampled_from([("n1", "n2"), ("n1", "n3"), ("n2", "n3")]))
    def link(self, link: tuple[str, str]) -> None:
        """A link breaks, or is mended."""
        (self.house.cut if self.house.is_up(*link) else self.house.join)(*link)

    @rule(node=st.sampled_from(NODES))
    def restart(self, node: str) -> None:
        """A node dies and starts again."""
        self.house.restart(node)
        self.seen[node], self.gone[node] = {}, set()

    @rule(seconds=st.sampled_from([0.005, 0.02, 0.3, 2.5]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.house.settle(seconds)

    @invariant()
    def nothing_comes_back(self) -> None:
        """What has left an index stays away, and no row goes back to an older version."""
        for node in NODES if hasattr(self, "house") else ():
            now = {row.listing: row for row in self.house.homes[node].index.rows()}
            before = self.seen[node]
            self.gone[node] |= before.keys() - now.keys()
            assert not self.gone[node] & now.keys()
            assert all(before[key].version <= now[key].version for key in before.keys() & now.keys())
            self.seen[node] = now

    def teardown(self) -> None:
        """When the network is well again, every node shows the same, which is the truth."""
        if hasattr(self, "house"):
            self.house.heal()
            self.house.settle(6)
            assert converged(self.house)
            assert self.house.peer_faults == []


TestAnyNetwork = AnyNetwork.TestCase
TestAnyNetwork.settings = settings(max_examples=60, stateful_step_count=30)


def test_sales_reach_a_node_that_comes_later() -> None:
    """One that was away for more than the changes kept in memory, and one that starts; each sale counts once."""
    house = House(SMALL)
    house.cut("n1", "n2")
    house.show("n1", [listing(number) for number in range(20)])
    house.show("n1", [ended(listing(number)) for number in range(0, 20, 2)])
    house.join("n1", "n2")
    house.settle()
    house.show("n1", [ended(listing(number)) for number in range(1, 9, 2)])
    house.settle()
    house.restart("n3")
    house.restart("n1")
    house.settle(1)
    assert converged(house)
    for viewer in NODES:
        assert market_of(house.homes[viewer].index.sold("ash_bow"), 2_000) == Market(7, 14)


def test_an_index_without_room_gets_what_it_passed_over_when_there_is_room() -> None:
    """Changes come again; a snapshot waits where it is, and ends all the same."""
    house = House(SMALL)
    house.cut("n1", "n2")
    index = house.homes["n2"].index
    index.limits = IndexLimits(pending_rows_max=6)
    house.show("n1", [listing(number) for number in range(40)])
    house.join("n1", "n2")
    house.settle(3)
    assert 0 < len(shown(house, "n2", "n1")) <= 6
    assert index.is_behind()
    while index.of("n1").loading:
        index.taken_in(len(index.take_changes()))
        before = len(shown(house, "n2", "n1"))
        house.settle(3)
        assert len(shown(house, "n2", "n1")) > before or not index.of("n1").loading
    assert converged(house)
    for number in range(40, 60):
        house.show("n1", [listing(number)])
    house.settle()
    assert not index.has_room()
    assert not converged(house)
    assert b'auction_limit_hits_total{limit="pending_rows_max"}' in house.metrics["n2"].render()
    while not converged(house):
        index.taken_in(len(index.take_changes()))
        house.settle(3)


@pytest.mark.parametrize(
    "fields",
    [
        {"version": -1},
        {"buyout": 2**53},
        {"price": -5},
        {"ends_at_ms": 2**60},
        {"level": 0},
        {"level": 2**40},
        {"stats": {"might": 0}},
        {"stats": {"might": 2**31}},
        {"rules": msgspec.structs.replace(RULES, price_max=2**63)},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_is_the_peers_fault(fields: dict[str, Any]) -> None:
    """It is named, and nothing of its message is taken in."""
    house = House()
    row = listing(1, **fields)
    for message in (
        messages.FeedChanges(1, 0, 1, (listing(2), row)),
        messages.FeedPage(1, 1, 0, (listing(2), row), True),
    ):
        with pytest.raises(PeerFault, match="n1 tells of a listing that cannot be, l0001"):
            _feed(house, message)
    assert not shown(house, "n2", "n1")


def _feed(house: House, message: messages.FeedPage | messages.FeedChanges) -> None:
    house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [message])))


def _staleness(house: House, viewer: str, origin: str) -> float:
    prefix = f'auction_listing_feed_staleness_seconds{{origin="{origin}"}} '
    lines = house.metrics[viewer].render().decode().splitlines()
    return next(float(line.removeprefix(prefix)) for line in lines if line.startswith(prefix))
