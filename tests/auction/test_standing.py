"""What the rules ask of who trades: an age, and a pause before what was bought is sold again."""

import pytest

from auction.commands import BuyOut, CancelListing, ClaimDelivery, CreateListing, PlaceBid
from auction.conservation import faults
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.standing import too_new
from auction.state import Account
from tests.auction.house import HOUR_S, START_MS, House, replayed, rows_of, store_of
from tests.auction.nodes import Nodes
from worlddata.types import Rules

AGED = Rules(trade_age_s=60)
SLOW = Rules(relist_cooldown_s=600)


class TestAge:
    """New players' first trade."""

    def test_by_default_a_player_trades_at_once(self) -> None:
        """The rule is off."""
        house = House()
        house.create("al", start_bid=1)
        assert too_new(house.state("nobody"), house.context()) is None

    def test_it_counts_from_the_first_grant(self) -> None:
        """To the millisecond, whatever is granted later; the wait that is told is the right one."""
        house = House(AGED)
        (item,) = house.grant("al", items=1)
        ask = CreateListing(item=item, start_bid=1, duration_s=HOUR_S)
        house.now_ms += 10_000
        house.grant("al", gold=5)
        assert house.refusal("al", ask) == ("too_new", {"retry_after_ms": 50_000})
        house.now_ms += 49_999
        assert house.refusal("al", ask) == ("too_new", {"retry_after_ms": 1})
        house.now_ms += 1
        house.done(house.ask("al", ask))

    def test_buyers_must_be_of_age_too(self) -> None:
        """A bid and a buyout of a new player are refused; the listing's own refusal comes first."""
        house = House(AGED)
        (item,) = house.grant("al", items=1)
        house.now_ms += 60_000
        listing = house.create("al", item=item, start_bid=1, buyout=100)
        house.grant("bo", gold=1_000)
        for ask in (PlaceBid(listing=listing, amount=5), BuyOut(listing=listing, price=100)):
            assert house.refusal("bo", ask) == ("too_new", {"retry_after_ms": 60_000})
        assert house.refusal("bo", BuyOut(listing=listing, price=7))[0] == "price_changed"
        assert house.refusal("stranger", PlaceBid(listing=listing, amount=5)) == ("too_new", {"retry_after_ms": 60_000})

    def test_between_nodes_it_is_the_same(self) -> None:
        """The bidder's own store knows its age; the listing's node need not."""
        nodes = Nodes({"al": "n1", "bo": "n2"}, AGED)
        (item,) = nodes.grant("al", items=1)
        nodes.now_ms += 60_000
        made = nodes.ask("al", CreateListing(item=item, start_bid=1, duration_s=HOUR_S))
        nodes.grant("bo", gold=1_000)
        refusal = nodes.run(nodes.bid("bo", made.listing.listing, 10))
        assert refusal == Refusal("too_new", {"retry_after_ms": 60_000})

    def test_claiming_and_cancelling_begin_nothing(self) -> None:
        """What a player has already is not held back."""
        house = House()
        listing = house.create("al", start_bid=1)
        house.catalog = House(AGED).catalog
        house.done(house.ask("al", CancelListing(listing=listing)))
        (delivery,) = house.deliveries("al")
        house.done(house.ask("al", ClaimDelivery(delivery=delivery.delivery)))

    def test_a_store_from_before_the_rule_is_old_enough(self) -> None:
        """Stores that were opened before instants were kept say 0."""
        house, state = House(AGED), PlayerState()
        state.account.put(0, Account("al", store_of("al")))
        assert too_new(state, house.context()) is None
        state.account.put(0, Account.opened("al", store_of("al"), 1, START_MS))
        assert too_new(state, house.context()) == Refusal("too_new", {"retry_after_ms": 60_000})


class TestRelisting:
    """The pause after buying."""

    @pytest.fixture
    def house(self) -> House:
        """Bo has gold, and the rule is on."""
        house = House(SLOW)
        house.grant("bo", gold=10_000)
        return house

    def bought(self, house: House) -> CreateListing:
        """Bo buys an item of al's and claims it; how it would be listed."""
        (item,) = house.grant("al", items=1)
        listing = house.create("al", item=item, buyout=100)
        house.done(house.buy_out("bo", listing, 100))
        house.claim_all("bo")
        return CreateListing(item=item, buyout=200, duration_s=HOUR_S)

    def test_what_was_bought_waits(self, house: House) -> None:
        """To the millisecond from the instant at which it was bought; the wait that is told is the right one."""
        ask = self.bought(house)
        assert house.refusal("bo", ask) == ("relist_cooldown", {"retry_after_ms": 600_000})
        house.now_ms += 599_999
        assert house.refusal("bo", ask) == ("relist_cooldown", {"retry_after_ms": 1})
        house.now_ms += 1
        house.done(house.ask("bo", ask))

    def test_what_was_won_waits(self, house: House) -> None:
        """From the end of the auction on."""
        (item,) = house.grant("al", items=1)
        listing = house.create("al", item=item, start_bid=10)
        house.bid("bo", listing, 50)
        house.run_out(listing)
        house.claim_all("bo")
        ask = CreateListing(item=item, buyout=200, duration_s=HOUR_S)
        assert house.refusal("bo", ask) == ("relist_cooldown", {"retry_after_ms": 600_000})

    def test_what_was_granted_or_came_back_does_not_wait(self, house: House) -> None:
        """Only buying begins the pause."""
        (item,) = house.grant("al", items=1)
        for _ in range(2):
            listing = house.create("al", item=item, buyout=100)
            house.cancel("al", listing)
            house.claim_all("al")

    def test_off_is_off(self, house: House) -> None:
        """By default nothing is written; turned off, what was begun does not count any more."""
        ask = self.bought(house)
        house.catalog = House().catalog
        house.done(house.ask("bo", ask))
        other = House()
        other.grant("bo", gold=1_000)
        self.bought(other)
        assert len(other.state("bo").cooldowns) == 0

    def test_what_is_over_is_forgotten(self, house: House) -> None:
        """The next purchase sweeps; replay sweeps the same."""
        self.bought(house)
        house.now_ms += 1
        self.bought(house)
        assert len(house.state("bo").cooldowns) == 2
        house.now_ms += 600_000 - 1
        self.bought(house)
        assert len(house.state("bo").cooldowns) == 2
        assert rows_of(replayed(house.records)[store_of("bo")]) == rows_of(house.state("bo"))
        assert faults(house.state("bo")) == []
