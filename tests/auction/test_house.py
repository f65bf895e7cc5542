"""The one entrance: which stores a request needs, and what it answers with."""

from typing import Any

import pytest

from auction.commands import (
    BuyOut,
    CancelListing,
    ClaimDelivery,
    CreateListing,
    CreateWatch,
    DescribeWorld,
    EndListing,
    GetListing,
    GetPlayer,
    Grant,
    InspectPlayer,
    MyBids,
    PlaceBid,
    SearchListings,
    SellCommodity,
)
from auction.context import HOUSE, Caller, Request
from auction.house import execute
from auction.outcomes import Asleep, Executed, a_player
from auction.player_state import PlayerState
from auction.refusals import REASONS, Refusal
from tests.auction.house import HOUR_S, HOUSE_STORE, House, market_of, rows_of, store_of


class Sleepers:
    """The stores of a house of which only some are awake."""

    def __init__(self, house: House, *awake: str) -> None:
        self._house = house
        self._awake = {store_of(player) for player in awake}

    def __call__(self, store: str) -> PlayerState | None:
        """The state of a store that is awake."""
        return a_player(self._house.states.setdefault(store, PlayerState())) if store in self._awake else None

    def wake(self, asleep: Asleep) -> None:
        """Do as the node does."""
        self._awake.update(asleep.stores)


@pytest.fixture
def house() -> House:
    """A house in which al sells, bo leads and cy has gold."""
    house = House()
    for bidder in ("bo", "cy"):
        house.grant(bidder, gold=10_000)
    return house


def needs(house: House, player: str, ask: Any, role: Any = "player") -> list[set[str]]:
    """The owners of the stores that a request asks to be woken, round after round, until it is executed."""
    stores = Sleepers(house)
    owners = {store_of(player): player for player in ("al", "bo", "cy", "di")}
    rounds: list[set[str]] = []
    for _ in range(5):
        before = {store: rows_of(state) for store, state in house.states.items()}
        done = execute(Request(Caller(player, role), ask), stores, house.context())
        if isinstance(done, Executed):
            return rounds
        assert isinstance(done, Asleep)
        assert {store: rows_of(state) for store, state in house.states.items()} == before
        rounds.append({owners[store] for store in done.stores})
        stores.wake(done)
    raise AssertionError("the request never has enough")


def test_a_bid_needs_bidder_seller_and_leader(house: House) -> None:
    """First the two that the request names, then the one that the listing names; until then nothing changes."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 500)
    assert needs(house, "cy", PlaceBid(listing=listing, amount=200)) == [{"al", "cy"}, {"bo"}]
    assert needs(house, "bo", PlaceBid(listing=listing, amount=600)) == [{"al", "bo"}]


def test_a_buyout_needs_buyer_seller_and_leader(house: House) -> None:
    """As a bid does; without a leader two stores are enough."""
    led, free = (house.create("al", start_bid=100, buyout=900) for _ in range(2))
    house.bid("bo", led, 500)
    assert needs(house, "cy", BuyOut(listing=led, price=900)) == [{"al", "cy"}, {"bo"}]
    assert needs(house, "cy", BuyOut(listing=free, price=900)) == [{"al", "cy"}]


def test_an_end_needs_seller_and_winner(house: House) -> None:
    """A timer wakes the winner's store, or only the seller's where nobody bid."""
    sold, expired = (house.create("al", start_bid=100) for _ in range(2))
    house.bid("bo", sold, 500)
    house.now_ms = house.view(sold).ends_at_ms
    assert needs(house, "", EndListing(listing=sold), "house") == [{"al"}, {"bo"}]
    assert needs(house, "", EndListing(listing=expired), "house") == [{"al"}]
    assert needs(house, "", EndListing(listing=sold), "house") == [{"al"}]


def test_what_concerns_one_player_needs_one_store(house: House) -> None:
    """Own matters need the own store, a listing its seller's, an admin's question its target's."""
    listing = house.create("al", start_bid=100)
    (item,) = house.grant("al", items=1)
    for player, ask, role, stores in (
        ("al", GetPlayer(), "player", [{"al"}]),
        ("al", CreateListing(item=item, start_bid=1, duration_s=HOUR_S), "player", [{"al"}]),
        ("al", ClaimDelivery(delivery="x"), "player", [{"al"}]),
        ("bo", CancelListing(listing=listing), "player", [{"al", "bo"}]),
        ("bo", GetListing(listing=listing), "player", [{"al"}]),
        ("bo", Grant(key="k", player="di"), "service", [{"di"}]),
        ("bo", InspectPlayer(player="al"), "operator", [{"al"}]),
        ("bo", PlaceBid(listing="nonsense", amount=1), "player", [{"bo"}]),
        ("bo", GetListing(listing="nonsense"), "player", []),
        ("bo", DescribeWorld(), "player", []),
    ):
        assert needs(house, player, ask, role) == stores, ask


def test_bids_need_the_listings_of_a_page(house: House) -> None:
    """`MyBids` wakes the stores of the listings on its page, and no others."""
    house.grant("di", gold=10)
    for seller in ("al", "cy", "di"):
        house.now_ms += 1
        house.bid("bo", house.create(seller, start_bid=1), 5)
    assert needs(house, "bo", MyBids(limit=2)) == [{"bo"}, {"cy", "di"}]


def test_an_answer_names_the_stores_it_depends_on(house: House) -> None:
    """Results and refusals alike tell which stores were read, so that the gate can wait for them."""
    listing = house.create("al", start_bid=100)
    for ask, reads in (
        (PlaceBid(listing=listing, amount=500), {"al", "bo"}),
        (PlaceBid(listing=listing, amount=1), {"al", "bo"}),
        (GetListing(listing=listing), {"al"}),
    ):
        executed = house.execute(Request(Caller("bo", "player"), ask))
        assert set(executed.reads) == {store_of(player) for player in reads}


def test_notices_name_who_is_to_be_told(house: House) -> None:
    """Each notice of the record goes to the owner of the store it stands in."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 200)
    executed = house.execute(Request(Caller("cy", "player"), PlaceBid(listing=listing, amount=500)))
    assert [(player, notice.type) for player, notice in executed.notices] == [("bo", "listing.outbid")]


def test_a_refusal_changes_nothing(house: House) -> None:
    """After a refusal every store is as it was."""
    listing = house.create("al", start_bid=100)
    before = {store: rows_of(state) for store, state in house.states.items()}
    assert house.refusal("bo", PlaceBid(listing=listing, amount=99, key="k"))[0] == "bid_too_low"
    assert {store: rows_of(state) for store, state in house.states.items()} == before


def test_only_the_house_ends_listings(house: House) -> None:
    """A player's session that got hold of the house's command, or the house asking as a player, is our own bug."""
    for caller, ask in ((Caller("bo", "player"), EndListing(listing="x")), (HOUSE, GetPlayer())):
        with pytest.raises(AssertionError):
            execute(Request(caller, ask), Sleepers(house), house.context())


def test_a_search_is_not_a_stores_to_answer(house: House) -> None:
    """The shell asks its index instead."""
    with pytest.raises(AssertionError):
        execute(Request(Caller("bo", "player"), SearchListings()), Sleepers(house), house.context())


def test_every_refusal_has_a_reason_of_the_list() -> None:
    """A reason that nobody wrote down cannot be given."""
    for reason in REASONS:
        assert Refusal(reason).data == {}
    with pytest.raises(AssertionError):
        Refusal("because")


@pytest.mark.parametrize("store", [market_of("tin"), HOUSE_STORE], ids=["market", "house"])
@pytest.mark.parametrize(
    "ask", [GetListing, PlaceBid, BuyOut, CancelListing, CreateWatch], ids=lambda ask: ask.__name__
)
def test_a_store_of_another_kind_has_no_listings(ask: Any, store: str) -> None:
    """Somebody who guesses the id of a market's store, or of the house's, is told that there is no such listing."""
    house = House()
    house.grant("al", gold=100, commodities={"tin": 1})
    house.done(house.ask("al", SellCommodity(commodity="tin", quantity=1, limit_price=5)))
    more = {PlaceBid: {"amount": 5}, BuyOut: {"price": 5}}.get(ask, {})
    assert house.refusal("al", ask(listing=f"{store}.l1", **more))[0] == "no_such_listing"
