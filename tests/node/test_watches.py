"""Watches in whole nodes: made through any of them, held at home, told where their player is connected."""

from typing import Any

import msgspec

from auction.commands import (
    Ask,
    BuyCommodity,
    CreateListing,
    CreateWatch,
    DeleteWatch,
    Grant,
    GrantedItem,
    ListingFilter,
    ListWatches,
    PlaceBid,
    SellCommodity,
)
from auction.results import GrantResult, ListingResult, NothingResult, WatchesResult, WatchResult
from shardnode.wire.events import ListingsMatched, PriceMatched, WatchMatched
from tests.node.house import HOUR_S, NodeInMemory
from tests.node.many import HouseInMemory


class Town:
    """Three nodes with a player each; wim, who watches, lives on n1 and is connected to n2."""

    def __init__(self) -> None:
        self.house = HouseInMemory()
        self.wim, self.bea, self.sal = (self.house.player_at(node) for node in ("n1", "n2", "n3"))
        self.connect("n2")

    def connect(self, node: str) -> None:
        """Wim logs in on a node."""
        self.house.nodes[node].connect(self.wim)
        self.house.work()

    def ask(self, player: str, ask: Ask, result: type[Any], through: str = "n2", role: Any = "player") -> Any:
        """The result of a question, whichever way it came."""
        answer = self.house.ask(player, ask, through=through, role=role)
        assert not answer.refused, answer
        return answer.body or msgspec.msgpack.decode(answer.encoded, type=result)

    def watch(self, **what: Any) -> str:
        """Wim watches something; the watch's id."""
        made: WatchResult = self.ask(self.wim, CreateWatch(**what), WatchResult)
        return made.watch

    def list_item(self) -> str:
        """Sal puts an item up for an hour; the listing's id."""
        given = Grant(key=str(self.house.reactor.seconds()), player=self.sal, items=[GrantedItem(base="tide_oar")])
        items = self.ask("game", given, GrantResult, role="service").items
        listed = self.ask(
            self.sal, CreateListing(item=items[0].item, start_bid=100, duration_s=HOUR_S), ListingResult, "n3"
        )
        listing: str = listed.listing.listing
        return listing

    def grant(self, player: str, **what: Any) -> None:
        """Gold or commodities."""
        self.ask("game", Grant(key=f"g{player}", player=player, **what), GrantResult, role="service")

    def told(self, node: str = "n2") -> list[WatchMatched]:
        """What wim was told on a node meanwhile."""
        self.house.pass_time(1.0)
        self.house.check_whole()
        matched = self.house.nodes[node].matched
        told = [one for player, one in matched if player == self.wim]
        matched.clear()
        return told


def listings(told: list[WatchMatched]) -> list[tuple[str, str, str]]:
    """Watch, listing and its state, of all that was told."""
    return [
        (one.watch, view.listing, view.state)
        for one in told
        if isinstance(one, ListingsMatched)
        for view in one.data.listings
    ]


def test_a_saved_search_is_told_of_listings_of_another_node() -> None:
    """Made through one node, kept on a second, told of a listing of the third, until it is deleted."""
    town = Town()
    watch = town.watch(query=ListingFilter(category="oars"))
    shown = town.ask(town.wim, ListWatches(), WatchesResult).watches
    assert [(view.watch, view.query) for view in shown] == [(watch, {"category": "oars"})]
    listing = town.list_item()
    assert listings(town.told()) == [(watch, listing, "open")]
    assert town.ask(town.wim, DeleteWatch(watch=watch), NothingResult) == NothingResult()
    town.list_item()
    assert town.told() == []


def test_a_listing_of_another_node_is_followed_to_its_end() -> None:
    """Its home is asked whether there is such a listing; the bid and the end are told."""
    town = Town()
    listing = town.list_item()
    watch = town.watch(listing=listing)
    refused = town.house.ask(town.wim, CreateWatch(listing=listing[:-1] + "9"), through="n2")
    assert refused.refused
    town.grant(town.bea, gold=1_000)
    town.house.ask(town.bea, PlaceBid(listing=listing, amount=200), through="n2")
    (told,) = town.told()
    assert isinstance(told, ListingsMatched)
    assert [(view.price, view.bids) for view in told.data.listings] == [(100, 1)]
    town.house.reactor.advance(HOUR_S)
    assert listings(town.told()) == [(watch, listing, "sold")]


def test_watches_are_read_when_their_player_comes() -> None:
    """Those made before are heeded on whichever node it connects to, also after its home has crashed."""
    town = Town()
    watch = town.watch(query=ListingFilter())
    town.house.nodes["n2"].disconnect(town.wim)
    town.house.work()
    town.list_item()
    assert town.told() == []
    town.connect("n3")
    second = town.list_item()
    assert listings(town.told("n3")) == [(watch, second, "open")]
    town.house.crash("n1")
    town.house.restart("n1")
    town.house.work()
    third = town.list_item()
    assert listings(town.told("n3")) == [(watch, third, "open")]


def test_a_commodity_is_followed_across_nodes() -> None:
    """Whoever trades, and wherever its market is."""
    town = Town()
    for commodity in ("tin", "salt"):
        watch = town.watch(commodity=commodity)
        town.grant(f"{town.sal}{commodity}", commodities={commodity: 10})
        town.grant(f"{town.bea}{commodity}", gold=1_000)
        for player, order in (
            (f"{town.sal}{commodity}", SellCommodity(commodity=commodity, quantity=4, limit_price=20)),
            (f"{town.bea}{commodity}", BuyCommodity(commodity=commodity, quantity=3, limit_price=25)),
        ):
            assert not town.house.ask(player, order).refused
        (told,) = town.told()
        assert isinstance(told, PriceMatched)
        assert (told.watch, told.data.commodity, told.data.price, told.data.volume) == (watch, commodity, 20, 3)


def test_a_house_of_one_node_tells_its_own_players() -> None:
    """Without any other node to hear from, or to tell."""
    node = NodeInMemory()
    node.connect("wim")
    made = node.ask("wim", CreateWatch(query=ListingFilter(base="tide_oar")))
    assert isinstance(made, WatchResult)
    listing = node.list_item("sal")
    node.pass_time(1.0)
    assert listings([matched for _, matched in node.matched]) == [(made.watch, listing, "open")]
    node.disconnect("wim")
    node.list_item("sal")
    node.pass_time(1.0)
    assert len(node.matched) == 1
    assert node.failures == []


def test_a_watch_is_told_nothing_before_it_is_durable() -> None:
    """A listing shows once it is in the journal; one that a crash takes back was told to nobody."""
    node = NodeInMemory()
    node.connect("wim")
    node.ask("wim", CreateWatch(query=ListingFilter()))
    (item,) = node.grant("sal", items=1)
    node.begin("sal", CreateListing(item=item, start_bid=5, duration_s=HOUR_S))
    node.reactor.advance(1.0)  # the journal's lane does nothing meanwhile
    node.reactor.advance(1.0)
    assert node.matched == []
    node.work()
    node.pass_time(1.0)
    assert len(node.matched) == 1
