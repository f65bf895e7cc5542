"""What stores answer without changing: pages, cursors, and a player's own view."""

from typing import Any

import pytest

from auction import queries
from auction.commands import (
    BuyCommodity,
    EventsSince,
    GetListing,
    GetPlayer,
    InspectPlayer,
    ListDeliveries,
    ListInventory,
    MyBids,
    MyListings,
    PlaceBid,
    StoreQuery,
)
from auction.refusals import Refusal
from tests.auction.house import MAX, House, rows_of, store_of
from worlddata.types import Rules

ROOMY = Rules(max_listings=100)


def pages(house: House, player: str, query: Any, field: str) -> list[Any]:
    """Everything a query lists, page after page."""
    found: list[Any] = []
    for _ in range(100):
        page = house.done(house.ask(player, query))
        found.extend(getattr(page, field))
        if page.next is None:
            return found
        query = type(query)(**{**{name: getattr(query, name) for name in query.__struct_fields__}, "cursor": page.next})
    raise AssertionError("the pages do not end")


def test_a_player_sees_wallet_escrow_and_counts() -> None:
    """`GetPlayer` counts open listings, waiting deliveries, the stash, and tells the latest event's number."""
    house = House()
    house.grant("bo", gold=1_000, items=2)
    mine = house.create("bo", start_bid=5)
    house.bid("bo", house.create("al", start_bid=10), 300)
    seen = house.ask("bo", GetPlayer())
    assert (seen.player, seen.gold.available, seen.gold.escrowed) == ("bo", 700, 300)
    assert (seen.listings, seen.deliveries, seen.stash.used, seen.stash.capacity, seen.seq) == (1, 0, 2, 210, 0)
    house.cancel("bo", mine)
    seen = house.ask("bo", GetPlayer())
    assert (seen.listings, seen.deliveries, seen.seq) == (0, 1, 1)


def test_escrow_is_told_no_further_than_the_largest_amount() -> None:
    """Each order may hold as much gold as there can be in one place; all together hold more than a client can read."""
    house = House()
    for _ in range(2):
        house.grant("bo", gold=MAX)
        house.done(house.ask("bo", BuyCommodity(commodity="tin", quantity=1, limit_price=MAX)))
    seen = house.ask("bo", GetPlayer())
    assert (seen.gold.available, seen.gold.escrowed) == (0, MAX)


def test_reading_a_player_who_owns_nothing_creates_nothing() -> None:
    """Every query about a player without a store is answered with nothing, and leaves no store."""
    house = House()
    seen = house.ask("nobody", GetPlayer())
    assert (seen.gold.available, seen.gold.escrowed, seen.listings, seen.stash.used, seen.seq) == (0, 0, 0, 0, 0)
    assert house.ask("nobody", ListInventory()).items == []
    assert house.ask("nobody", MyListings()).listings == []
    assert house.ask("nobody", MyBids()).bids == []
    assert house.ask("nobody", ListDeliveries()).deliveries == []
    told = house.ask("nobody", EventsSince(seq=0))
    assert (told.events, told.next_seq, told.oldest_seq, told.last_seq) == ([], 0, 1, 0)
    assert not house.state("nobody").account
    assert house.records == []


def test_queries_change_nothing() -> None:
    """After any query the stores are as they were."""
    house = House()
    house.grant("bo", gold=100, items=2)
    listing = house.create("al", start_bid=1)
    house.bid("bo", listing, 5)
    before = {store: rows_of(state) for store, state in house.states.items()}
    asked: list[StoreQuery] = [
        GetPlayer(),
        ListInventory(limit=1),
        GetListing(listing=listing),
        MyListings(),
        MyBids(),
        ListDeliveries(),
        EventsSince(seq=0),
    ]
    for ask in asked:
        house.done(house.ask("bo", ask))
    assert {store: rows_of(state) for store, state in house.states.items()} == before


def test_an_inventory_is_read_in_pages() -> None:
    """Each item comes once, whatever the page size, and commodities of which there are any come with each page."""
    house = House()
    items = house.grant("al", items=7, commodities={"tin": 3, "salt": 0})
    for limit in (1, 3, 7, 100):
        found = pages(house, "al", ListInventory(limit=limit), "items")
        assert sorted(view.item for view in found) == sorted(items)
    assert house.ask("al", ListInventory(limit=1)).commodities == {"tin": 3}


def test_a_page_continues_where_it_was_though_things_left() -> None:
    """What was sold between two pages is neither told twice nor does it hide another item."""
    house = House()
    house.grant("al", items=4)
    first = house.ask("al", ListInventory(limit=2))
    house.create("al", item=first.items[1].item, start_bid=1)
    second = house.ask("al", ListInventory(limit=2, cursor=first.next))
    assert len({view.item for view in (*first.items, *second.items)}) == 4
    assert second.next is None


def test_own_listings_come_newest_first() -> None:
    """All states together or one of them, page by page; another player's are not among them."""
    house = House(ROOMY)
    created = [house.create("al", start_bid=1) for _ in range(12)]
    house.create("bo", start_bid=1)
    for listing in created[::3]:
        house.cancel("al", listing)
    newest_first = created[::-1]
    for limit in (1, 5, 100):
        found = pages(house, "al", MyListings(limit=limit), "listings")
        assert [view.listing for view in found] == newest_first
        cancelled = pages(house, "al", MyListings(state="cancelled", limit=limit), "listings")
        assert [view.listing for view in cancelled] == created[::3][::-1]


def test_deliveries_come_oldest_first() -> None:
    """What waits is told in the order of its arrival, past the ninth as well."""
    house = House(ROOMY)
    for _ in range(11):
        house.cancel("al", house.create("al", start_bid=1))
    for limit in (1, 4, 100):
        found = pages(house, "al", ListDeliveries(limit=limit), "deliveries")
        assert [view.delivery for view in found] == [f"{store_of('al')}.d{number}" for number in range(1, 12)]


class TestMyBids:
    """A player's bids on open listings."""

    def house(self) -> House:
        """A house with room, and three bidders."""
        house = House(ROOMY)
        for bidder in ("bo", "cy"):
            house.grant(bidder, gold=10_000)
        return house

    def test_they_come_latest_first(self) -> None:
        """Leading and outbid ones together, each with its maximum, by the instant of the latest bid."""
        house = self.house()
        listings = [house.create(seller, start_bid=10) for seller in ("al", "di", "al", "di", "al")]
        for listing in listings:
            house.now_ms += 1
            house.bid("bo", listing, 100)
        house.bid("cy", listings[1], 200)
        house.now_ms += 1
        house.bid("bo", listings[0], 150)
        order = [listings[0], *listings[:0:-1]]
        for limit in (1, 2, 100):
            found = pages(house, "bo", MyBids(limit=limit), "bids")
            assert [view.listing.listing for view in found] == order
        assert [(view.amount, view.winning) for view in found] == [
            (150, True),
            (100, True),
            (100, True),
            (100, True),
            (100, False),
        ]
        assert [view.listing.winning for view in found] == [view.winning for view in found]

    def test_what_ended_is_left_out(self) -> None:
        """Listings lost, won, bought out or forgotten are no longer told."""
        house = self.house()
        lost, won, bought, still = (house.create("al", start_bid=10, buyout=500) for _ in range(4))
        for listing in (lost, won, bought, still):
            house.bid("bo", listing, 20)
        house.bid("cy", lost, 100)
        house.buy_out("cy", bought, 500)
        house.now_ms = house.view(still).ends_at_ms - 1
        house.bid("cy", still, 30)
        house.now_ms = house.view(lost).ends_at_ms
        for listing in (lost, won):
            house.end(listing)
        assert [view.listing.listing for view in house.ask("bo", MyBids()).bids] == [still]

    def test_an_unknown_listing_is_left_out(self) -> None:
        """A listing that its seller's store no longer keeps has ended long ago."""
        house = self.house()
        listing = house.create("al", start_bid=10)
        house.bid("bo", listing, 20)
        house.bid("cy", listing, 100)
        house.run_out(listing)
        house.state("al").listings.drop(listing)
        assert house.ask("bo", MyBids()).bids == []


class TestEventsSince:
    """What a player was told, by number."""

    def told(self) -> House:
        """A house in which al was told ten things."""
        house = House(ROOMY)
        for _ in range(10):
            house.cancel("al", house.create("al", start_bid=1))
        return house

    def test_events_after_a_number_come_in_order(self) -> None:
        """`next_seq` continues without gap or repeat."""
        house, seq, found = self.told(), 0, list[int]()
        for _ in range(4):
            page = house.ask("al", EventsSince(seq=seq, limit=3))
            found.extend(event.seq for event in page.events)
            seq = page.next_seq
        assert found == list(range(1, 11))
        assert (page.oldest_seq, page.last_seq) == (1, 10)

    def test_the_last_number_gives_none(self) -> None:
        """With nothing newer, `next_seq` is the latest there is, even for a number not yet reached."""
        house = self.told()
        for seq in (10, 11, 2**53 - 1):
            page = house.ask("al", EventsSince(seq=seq))
            assert (page.events, page.next_seq) == ([], 10)

    def test_only_the_latest_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Older ones are gone, and `oldest_seq` says from where on they are there."""
        monkeypatch.setattr("auction.evolve.NOTICES_KEPT", 4)
        page = self.told().ask("al", EventsSince(seq=0))
        assert [event.seq for event in page.events] == [7, 8, 9, 10]
        assert (page.oldest_seq, page.last_seq, page.next_seq) == (7, 10, 10)


class TestInspectPlayer:
    """A service's or operator's look at a player."""

    def test_it_tells_store_node_and_ledger(self) -> None:
        """As the player sees it, and where the store is, with the latest entries, oldest first."""
        house = House()
        house.grant("bo", gold=100)
        house.bid("bo", house.create("al", start_bid=1), 30)
        seen = house.ask("op", InspectPlayer(player="bo"), "operator")
        assert (seen.player, seen.gold.available, seen.gold.escrowed, seen.store, seen.node) == (
            "bo",
            70,
            30,
            store_of("bo"),
            "n1",
        )
        assert [(entry.debit, entry.credit, entry.amount) for entry in seen.ledger] == [
            ("wallet", "granted", 100),
            ("elsewhere", "wallet", 30),
        ]

    def test_a_player_exists_once_granted_or_logged_in(self) -> None:
        """A name that no grant and no session named is `no_such_player`; the asker's own name is known."""
        house = House()
        ask = InspectPlayer(player="bo")
        assert house.refusal("op", ask, "operator") == ("no_such_player", {})
        assert house.ask("bo", ask, "service").gold.available == 0
        house.present.add("bo")
        assert house.ask("op", ask, "operator").player == "bo"


class TestCursors:
    """A cursor belongs to the query that gave it."""

    def cursor(self, house: House, query: Any) -> str:
        """The cursor of a first page."""
        cursor: str = house.done(house.ask("al", query)).next
        return cursor

    def house(self) -> House:
        """A house in which al has more than a page of everything."""
        house = House(ROOMY)
        house.grant("al", items=3, gold=1_000)
        for _ in range(2):
            house.cancel("al", house.create("al", start_bid=1))
            house.create("al", start_bid=1)
            house.bid("al", house.create("bo", start_bid=1), 5)
        return house

    def test_another_querys_cursor_is_a_mismatch(self) -> None:
        """Each kind of query, and each filter, has cursors of its own; the page size may change."""
        house = self.house()
        asked: list[Any] = [
            ListInventory(limit=1),
            MyListings(limit=1),
            MyListings(limit=1, state="open"),
            MyBids(limit=1),
            ListDeliveries(limit=1),
        ]
        cursors = [self.cursor(house, query) for query in asked]
        for query in asked:
            fields = {name: getattr(query, name) for name in query.__struct_fields__}
            for cursor in cursors:
                continued = type(query)(**{**fields, "cursor": cursor, "limit": 2})
                if cursor == cursors[asked.index(query)]:
                    house.done(house.ask("al", continued))
                else:
                    assert house.refusal("al", continued) == ("cursor_mismatch", {})

    @pytest.mark.parametrize("tail", ["", ".", ".x", ".-1", ".1.5", ".99999999999999999999", ".١", "x.1"])
    def test_a_malformed_cursor_is_a_mismatch(self, tail: str) -> None:
        """Whatever a client makes of a cursor, it is refused and nothing else."""
        house = self.house()
        for query in (MyListings(limit=1), ListDeliveries(limit=1)):
            mark, _, _ = self.cursor(house, query).partition(".")
            for cursor in (mark + tail, "nonsense" + tail, tail or "x"):
                assert house.refusal("al", type(query)(limit=1, cursor=cursor)) == ("cursor_mismatch", {})
        mark, _, _ = self.cursor(house, MyBids(limit=1)).partition(".")
        for place in ("", ".", ".x", ".x.y", ".-1.y", ".99999999999999999999.y"):
            assert house.refusal("al", MyBids(limit=1, cursor=mark + place)) == ("cursor_mismatch", {})

    def test_a_cursor_of_bids_needs_no_store(self) -> None:
        """A bad cursor is refused without waking any listing's store."""
        house = self.house()
        assert queries.listings_shown(MyBids(cursor="x"), house.state("al")) == []
        assert isinstance(house.ask("al", MyBids(cursor="x")), Refusal)


@pytest.mark.parametrize("listing", ["nonsense", "a" * 26 + ".l1", "a" * 26 + ".i1"])
def test_an_unknown_listing_cannot_be_looked_at(listing: str) -> None:
    """An id that names no listing is refused as such."""
    assert House().refusal("al", GetListing(listing=listing)) == ("no_such_listing", {})


def test_a_listing_tells_neither_seller_nor_maximum() -> None:
    """A view has the protocol's fields, and in none of them who sells or how far the leader would go."""
    house = House()
    house.grant("bo", gold=1_000)
    listing = house.create("al", start_bid=10)
    house.ask("bo", PlaceBid(listing=listing, amount=777))
    seen = house.view(listing, "cy")
    assert (seen.mine, seen.winning) == (False, False)
    assert "777" not in repr(seen)
    assert "'al'" not in repr(seen)
    assert "'bo'" not in repr(seen)
