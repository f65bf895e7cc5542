"""Freezing and thawing: what an operator stops, what goes on all the same, and who remembers it."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction import ids
from auction.commands import (
    BuyOut,
    CancelListing,
    ClaimDelivery,
    CreateListing,
    FreezeTrading,
    GetListing,
    GetPlayer,
    Grant,
    MyListings,
    PlaceBid,
    Take,
    ThawTrading,
)
from auction.context import Caller, Request
from auction.events import (
    Audited,
    BidPlaced,
    BuyoutPaid,
    CancelSent,
    DeliveryClaimed,
    Frozen,
    HouseOpened,
    ListingCreated,
    OfferMade,
    OfferPaid,
    OrderSent,
)
from auction.freezes import Freezes, as_of, name_of
from auction.house import execute
from auction.house_state import Freeze, HouseState
from auction.outcomes import Executed
from auction.params import bad_param
from auction.refusals import Refusal
from auction.state import IDS_A_LIFE
from tests.auction.house import CATALOG, HOUR_S, HOUSE_STORE, START_MS, House, replayed, rows_of, store_of
from tests.auction.nodes import Nodes, committed, leader
from tests.auction.ordering import buy, sell
from tests.auction.town import PLAYERS, Town

THINGS: list[tuple[Any, str | None]] = [
    ("house", None),
    ("category", "oars"),
    ("commodity", "tin"),
    ("player", "al"),
    ("player", "bo"),
]


@pytest.fixture
def house() -> House:
    """Al sells to bo, who has gold; al has another item, and each has something to claim."""
    house = House()
    house.grant("bo", gold=10_000)
    return house


def frozen(what: str, thing: str | None = None) -> tuple[str, dict[str, Any]]:
    """What is refused, and why."""
    return "frozen", {"what": what, "id": thing}


class TestOperating:
    """What the operator is told."""

    def test_the_answer_is_all_that_is_frozen(self, house: House) -> None:
        """By whom, since when, and whether claims are allowed; in an order that does not depend on the order asked."""
        assert house.freeze("player", "al") == [Freeze("player/al", "player", "al", True, "ops", START_MS)]
        house.now_ms += 5
        names = [row.freeze for row in house.freeze("category", "oars", claims=False)]
        assert names == ["category/oars", "player/al"]
        assert [row.freeze for row in house.freeze("house")] == ["category/oars", "house", "player/al"]
        assert [row.freeze for row in house.thaw("category", "oars")] == ["house", "player/al"]
        assert [row.freeze for row in house.thaw("house")] == ["player/al"]
        assert house.thaw("player", "al") == []

    def test_freezing_again_says_anew_whether_claims_are_allowed(self, house: House) -> None:
        """There is one freeze a thing, the latest."""
        house.freeze("house")
        house.now_ms += 5
        assert house.freeze("house", claims=False) == [Freeze("house", "house", None, False, "ops", START_MS + 5)]

    def test_thawing_what_is_not_frozen_is_no_error(self, house: House) -> None:
        """Neither is it one where nothing ever was, or where the catalog has lost the thing."""
        assert house.thaw("commodity", "unobtainium") == []
        house.freeze("house")
        assert [row.freeze for row in house.thaw("player", "al")] == ["house"]

    def test_the_catalog_must_know_it_but_not_the_player(self, house: House) -> None:
        """A category and a commodity are those of the world; a player may be frozen before the first login."""
        for what, thing, reason in (
            ("category", "hats", "no_such_category"),
            ("commodity", "hats", "no_such_commodity"),
        ):
            ask = FreezeTrading(what=what, id=thing)
            assert house.refusal("ops", ask, "operator") == (reason, {})
        assert HOUSE_STORE not in house.states or house.states[HOUSE_STORE].head() is None
        assert [row.freeze for row in house.freeze("player", "nobody-yet")] == ["player/nobody-yet"]

    def test_so_many_freezes_stand_at_once(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """One more is refused; what is frozen already may be frozen anew, and a thaw makes room."""
        monkeypatch.setattr("auction.freezing.FREEZES_MAX", 2)
        house.freeze("player", "al")
        house.freeze("player", "bo")
        assert house.refusal("ops", FreezeTrading(what="house"), "operator") == ("freeze_limit", {"max": 2})
        house.freeze("player", "bo", claims=False)
        house.thaw("player", "al")
        house.freeze("house")

    def test_a_key_is_executed_once_and_belongs_to_its_operator(self, house: House) -> None:
        """A repeat gives the stored answer; another operator's same key is another; other params are refused."""
        ask = FreezeTrading(what="player", id="al", key="k")
        first = house.answer("ops", ask, "operator")
        house.thaw("player", "al")
        assert house.answer("ops", ask, "operator").encoded == first.encoded
        assert house.freezes().rows == {}
        assert house.refusal("ops", ThawTrading(what="player", id="al", key="k"), "operator")[0] == "key_reused"
        house.ask("other", FreezeTrading(what="player", id="al", key="k"), "operator")
        assert set(house.freezes().rows) == {"player/al"}

    @pytest.mark.parametrize(
        ("what", "thing", "path"),
        [
            ("house", "x", "id"),
            ("category", None, "id"),
            ("commodity", None, "id"),
            ("player", None, "id"),
            ("player", "two words", "id"),
            ("player", "x" * 65, "id"),
        ],
    )
    def test_what_makes_no_sense_is_a_bad_param(self, what: Any, thing: str | None, path: str) -> None:
        """The house has no id, everything else one, and a player's is a player's name; so for freeze and for thaw."""
        for ask in (FreezeTrading(what=what, id=thing), ThawTrading(what=what, id=thing)):
            bad = bad_param(ask, CATALOG)
            assert bad is not None and bad.path == path

    def test_what_makes_sense_is_none(self) -> None:
        """Whether it exists is no question of params."""
        for what, thing in (*THINGS, ("category", "hats")):
            assert bad_param(FreezeTrading(what=what, id=thing), CATALOG) is None

    def test_everything_is_audited(self, house: House) -> None:
        """Each freeze and thaw leaves an entry in the house's own store, a thaw of nothing too."""
        house.freeze("player", "al", claims=False)
        house.thaw("player", "al")
        house.thaw("house")
        entries = [event.entry for record in house.records for event in record.get(HOUSE_STORE, ()) if _audited(event)]
        assert [(entry.number, entry.who, entry.role, entry.action, entry.ref) for entry in entries] == [
            (1, "ops", "operator", "admin.freeze", "player/al"),
            (2, "ops", "operator", "admin.thaw", "player/al"),
            (3, "ops", "operator", "admin.thaw", "house"),
        ]
        assert [entry.detail for entry in entries] == [
            "player/al, claims stopped too",
            "player/al",
            "house, which was not frozen",
        ]


def _audited(event: Any) -> bool:
    return isinstance(event, Audited)


class TestListings:
    """What a freeze stands in the way of."""

    @pytest.mark.parametrize(("what", "thing"), [("house", None), ("category", "oars"), ("player", "al")])
    def test_nothing_is_put_up_for_sale(self, house: House, what: Any, thing: str | None) -> None:
        """The house, the item's category, or the seller; once thawed, it goes on."""
        (item,) = house.grant("al", items=1)
        ask = CreateListing(item=item, start_bid=1, duration_s=HOUR_S)
        house.freeze(what, thing)
        assert house.refusal("al", ask) == frozen(what, thing)
        house.thaw(what, thing)
        house.done(house.ask("al", ask))

    @pytest.mark.parametrize(
        ("what", "thing"), [("house", None), ("category", "oars"), ("player", "al"), ("player", "bo")]
    )
    def test_nothing_is_bid_on_or_bought(self, house: House, what: Any, thing: str | None) -> None:
        """The house, the category, the seller, or who would buy; whether claims are allowed does not matter."""
        listing = house.create("al", start_bid=1, buyout=100)
        for claims in (True, False):
            house.freeze(what, thing, claims=claims)
            assert house.refusal("bo", PlaceBid(listing=listing, amount=5)) == frozen(what, thing)
            assert house.refusal("bo", BuyOut(listing=listing, price=100)) == frozen(what, thing)
        house.thaw(what, thing)
        house.done(house.bid("bo", listing, 5))

    @pytest.mark.parametrize(("what", "thing"), [("category", "bells"), ("player", "cy"), ("commodity", "tin")])
    def test_what_is_frozen_elsewhere_is_no_matter(self, house: House, what: Any, thing: str) -> None:
        """Another category, another player, a commodity: the rest of the house trades."""
        listing = house.create("al", start_bid=1, buyout=100)
        house.freeze(what, thing, claims=False)
        house.done(house.buy_out("bo", listing, 100))
        house.claim_all("al")
        house.claim_all("bo")

    @pytest.mark.parametrize(("what", "thing"), [("house", None), ("category", "oars"), ("player", "al")])
    def test_cancelling_is_allowed_where_claims_are(self, house: House, what: Any, thing: str | None) -> None:
        """Taking back what was begun is like a claim."""
        listing = house.create("al", start_bid=1)
        house.freeze(what, thing, claims=False)
        assert house.refusal("al", CancelListing(listing=listing)) == frozen(what, thing)
        house.freeze(what, thing, claims=True)
        house.done(house.cancel("al", listing))

    @pytest.mark.parametrize(("what", "thing"), [("house", None), ("category", "oars"), ("player", "bo")])
    def test_claiming_is_allowed_where_the_freeze_says_so(self, house: House, what: Any, thing: str | None) -> None:
        """A delivery waits until then; nothing of it is lost."""
        listing = house.create("al", start_bid=1, buyout=100)
        house.buy_out("bo", listing, 100)
        (delivery,) = house.deliveries("bo")
        house.freeze(what, thing, claims=False)
        assert house.refusal("bo", ClaimDelivery(delivery=delivery.delivery)) == frozen(what, thing)
        house.freeze(what, thing, claims=True)
        house.claim_all("bo")

    @pytest.mark.parametrize(("what", "thing"), [("category", "ores"), ("commodity", "tin")])
    def test_pieces_are_of_their_commodity_and_its_category(self, house: House, what: Any, thing: str) -> None:
        """What was bought by the piece is not claimed while either is frozen with its claims."""
        house.grant("al", commodities={"tin": 5})
        sell(house, "al", 5, 6)
        buy(house, "bo", 5, 6)
        (delivery,) = house.deliveries("bo")
        house.freeze(what, thing, claims=False)
        assert house.refusal("bo", ClaimDelivery(delivery=delivery.delivery)) == frozen(what, thing)
        house.freeze(what, thing, claims=True)
        house.claim_all("bo")

    def test_gold_is_claimed_whatever_category_is_frozen(self, house: House) -> None:
        """Proceeds are of no category."""
        listing = house.create("al", start_bid=1, buyout=100)
        house.buy_out("bo", listing, 100)
        house.freeze("category", "oars", claims=False)
        house.claim_all("al")
        assert house.wallet("al") == 85

    def test_an_auction_ends_all_the_same(self, house: House) -> None:
        """It was agreed before: winner, seller and house get what is theirs, and a claim waits for the thaw."""
        listing = house.create("al", start_bid=10)
        house.bid("bo", listing, 50)
        house.freeze("house", claims=False)
        house.run_out(listing)
        assert house.view(listing).state == "sold"
        assert [delivery.kind for delivery in house.deliveries("bo")] == ["won"]
        assert [delivery.kind for delivery in house.deliveries("al")] == ["proceeds"]

    def test_what_only_looks_is_never_frozen(self, house: House) -> None:
        """Queries, grants and takes go on: a game's own service works, and players see where they stand."""
        listing = house.create("al", start_bid=10)
        house.freeze("house", claims=False)
        for ask in (GetListing(listing=listing), MyListings(), GetPlayer()):
            house.done(house.ask("al", ask))
        house.done(house.ask("mint", Grant(key="a", player="bo", gold=1), "service"))
        house.done(house.ask("mint", Take(key="b", player="bo", gold=1), "service"))

    def test_the_order_of_refusals(self, house: House) -> None:
        """Existence and ownership come first, then the freeze, then the state of the listing and the wallet."""
        listing = house.create("al", start_bid=1, buyout=100)
        ended = house.create("al", start_bid=1)
        house.cancel("al", ended)
        house.freeze("house", claims=False)
        assert house.refusal("bo", PlaceBid(listing=f"{store_of('al')}.l99", amount=5))[0] == "no_such_listing"
        assert house.refusal("al", PlaceBid(listing=listing, amount=5))[0] == "own_listing"
        assert house.refusal("bo", CancelListing(listing=listing))[0] == "not_owner"
        assert house.refusal("al", ClaimDelivery(delivery="x"))[0] == "no_such_delivery"
        assert house.refusal("bo", PlaceBid(listing=ended, amount=5))[0] == "frozen"
        assert house.refusal("al", CancelListing(listing=ended))[0] == "frozen"
        assert house.refusal("poor", BuyOut(listing=listing, price=7))[0] == "frozen"


class TestFreezes:
    """What every node decides by."""

    @given(
        rows=st.lists(st.tuples(st.sampled_from(THINGS), st.booleans()), max_size=5),
        players=st.sets(st.sampled_from(["al", "bo", "cy"])),
        categories=st.sets(st.sampled_from(["oars", "bells"])),
        commodities=st.sets(st.sampled_from(["tin", "salt"])),
        claim=st.booleans(),
    )
    def test_it_is_refused_where_anything_touched_is_frozen(
        self,
        rows: list[tuple[tuple[Any, str | None], bool]],
        players: set[str],
        categories: set[str],
        commodities: set[str],
        claim: bool,
    ) -> None:
        """As a look at every row would say; the refusal names a freeze that stands in the way."""
        frozen = {
            name_of(what, thing): Freeze(name_of(what, thing), what, thing, claims, "ops", 1)
            for (what, thing), claims in rows
        }
        touched = {"house": {None}, "player": players, "category": categories, "commodity": commodities}
        in_the_way = [
            {"what": row.what, "id": row.id}
            for row in frozen.values()
            if row.id in touched[row.what] and not (claim and row.claims)
        ]
        refusal = Freezes(1, frozen).against(
            players=players, categories=categories, commodities=commodities, claim=claim
        )
        assert (refusal is None) == (in_the_way == [])
        assert refusal is None or refusal.data in in_the_way

    def test_the_version_grows_with_every_change(self, house: House) -> None:
        """So that of two nodes the one that knows more is known; replay makes the same."""
        versions = [house.freezes().version]
        for what, thing in THINGS:
            house.freeze(what, thing)
            versions.append(house.freezes().version)
        house.thaw("house")
        versions.append(house.freezes().version)
        assert versions == sorted(set(versions))
        assert rows_of(replayed(house.records)[HOUSE_STORE]) == rows_of(house.states[HOUSE_STORE])

    def test_a_lost_store_begins_with_what_the_nodes_know(self, house: House) -> None:
        """A house's store whose disk was lost takes over what stood, above every version that was."""
        known = Freezes(7, {"house": Freeze("house", "house", None, True, "ops", 1)})
        state = HouseState()
        context = house.context()
        changed = {"freezes": known, "life_of": lambda _store: 3}
        context = type(context)(**{**{name: getattr(context, name) for name in context.__struct_fields__}, **changed})
        ask = FreezeTrading(what="player", id="al")
        done = execute(Request(Caller("ops", "operator"), ask), lambda _store: state, context)
        assert isinstance(done, Executed)
        assert set(as_of(state).rows) == {"house", "player/al"}
        assert as_of(state).version > 2 * IDS_A_LIFE > known.version
        assert [type(event) for event in done.record[HOUSE_STORE]][:3] == [HouseOpened, Frozen, Frozen]


BEGINNINGS = (ListingCreated, BidPlaced, BuyoutPaid, OrderSent, OfferMade, OfferPaid)
TAKEN_BACK = (CancelSent, DeliveryClaimed)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_nothing_begins_in_what_is_frozen(seed: int) -> None:
    """Whatever everybody tries while things are frozen and thawed at random: no player begins what a freeze forbids,
    what is not forbidden goes on, and gold and goods are conserved all along.
    """
    town, chance = Town(seed), random.Random(seed)
    house, begun = town.house, 0
    for _ in range(60):
        if chance.random() < 0.3:
            what, thing = chance.choice(THINGS)
            if chance.random() < 0.5:
                house.freeze(what, thing, claims=chance.random() < 0.5)
            else:
                house.thaw(what, thing)
        done = len(house.records)
        frozen = house.freezes()
        town.do()
        for record in house.records[done:]:
            for player in PLAYERS:
                for event in record.get(store_of(player), ()):
                    begun += isinstance(event, BEGINNINGS)
                    if isinstance(event, (*BEGINNINGS, *TAKEN_BACK)):
                        assert frozen.against(players=(player,), claim=isinstance(event, TAKEN_BACK)) is None
                    if isinstance(event, ListingCreated):
                        assert frozen.against(categories=(event.listing.item.category,)) is None
                    if isinstance(event, OrderSent):
                        assert frozen.against(commodities=(event.order.commodity,)) is None
    assert begun or {"house"} <= set(house.freezes().rows)


class TestBetweenNodes:
    """Trades between nodes, which may know of a freeze at different times."""

    @pytest.fixture
    def nodes(self) -> Nodes:
        """Al sells on one node, bo buys on another."""
        nodes = Nodes({"al": "n1", "bo": "n2"})
        nodes.grant("bo", gold=1_000)
        return nodes

    FROZEN = Freezes(1, {"player/bo": Freeze("player/bo", "player", "bo", True, "ops", 1)})

    @pytest.mark.parametrize("knows", ["n1", "n2"])
    def test_one_of_the_two_is_enough(self, nodes: Nodes, knows: str) -> None:
        """The listing's node refuses a frozen bidder, and so does the bidder's own; nothing is held afterwards."""
        listing = nodes.create("al", start_bid=1, buyout=100)
        nodes.freezes[knows] = self.FROZEN
        for trade in (nodes.bid("bo", listing, 10), nodes.buy_out("bo", listing, 100)):
            refusal = nodes.run(trade)
            assert isinstance(refusal, Refusal) and refusal.reason == "frozen"
        assert nodes.gold("bo") == (1_000, 0)
        assert nodes.check().faults() == []

    def test_what_was_promised_before_is_kept(self, nodes: Nodes) -> None:
        """A trade that both sides voted for is done as they voted, whatever is frozen since."""
        listing = nodes.create("al", start_bid=1)
        trade = committed(nodes, nodes.bid("bo", listing, 10))
        nodes.freezes = {"n1": self.FROZEN, "n2": self.FROZEN}
        for store in (store_of("al"), store_of("bo")):
            nodes.settle(trade, store)
        assert leader(nodes, listing) == ("bo", 10)
        nodes.carry()
        nodes.check()

    def test_the_house_store_is_homed_like_any_other(self) -> None:
        """Its id is minted from its kind and name by the house's naming key."""
        assert ids.house_store(bytes(range(32))) == HOUSE_STORE
