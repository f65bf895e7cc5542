"""Idempotency keys: repeated, reused, expired, and made up by the node."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction import keys
from auction.commands import BuyOut, CancelListing, ClaimDelivery, CreateListing, Grant, GrantedItem, PlaceBid, Take
from auction.context import Answer, Caller, Request
from auction.events import KeysForgotten
from auction.evolve import evolve
from auction.refusals import Refusal
from auction.results import BidResult, GrantResult
from auction.state import KEYS_KEPT_S, KEYS_SWEPT_S, UNTOLD_KEYS_KEPT
from tests.auction.house import HOUR_S, House, rows_of, store_of

decode = msgspec.msgpack.decode


@pytest.fixture
def house() -> House:
    """A house with the default rules and two bidders of means."""
    house = House()
    for bidder in ("bo", "cy"):
        house.grant(bidder, gold=10_000)
    return house


def test_a_repeat_gives_the_first_answer_and_has_no_second_effect(house: House) -> None:
    """The same key, method and params give the stored result, though the listing has moved on."""
    listing = house.create("al", start_bid=100)
    ask = PlaceBid(listing=listing, amount=500, key="once")
    first = house.answer("bo", ask)
    assert isinstance(first.body, BidResult)
    house.bid("cy", listing, 1_000)
    before = {store: rows_of(state) for store, state in house.states.items()}
    again = house.answer("bo", ask)
    assert (again.body, again.refused, again.encoded) == (None, False, first.encoded)
    assert {store: rows_of(state) for store, state in house.states.items()} == before
    assert again.encoded is not None
    assert msgspec.msgpack.decode(again.encoded, type=BidResult) == first.body


def test_the_refusal_outbid_is_stored(house: House) -> None:
    """A repeat of a bid that was outbid is answered `outbid` with the first figures, and moves nothing."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    ask = PlaceBid(listing=listing, amount=400, key="once")
    first = house.answer("cy", ask)
    house.bid("cy", listing, 600)
    again = house.answer("cy", ask)
    assert (again.refused, again.encoded) == (True, first.encoded)
    assert again.encoded is not None
    assert (
        msgspec.msgpack.decode(again.encoded, type=Refusal)
        == first.body
        == Refusal("outbid", {"price": 420, "min_bid": 441})
    )
    assert house.view(listing).price == 630


def test_another_refusal_leaves_the_key_free(house: House) -> None:
    """What was refused otherwise is decided anew under the same key."""
    listing = house.create("al", start_bid=100, buyout=20_000)
    ask = BuyOut(listing=listing, price=20_000, key="once")
    assert house.refusal("bo", ask)[0] == "insufficient_gold"
    house.grant("bo", gold=10_000)
    assert house.ask("bo", ask).paid == 20_000


def test_a_key_with_another_request_is_reused(house: House) -> None:
    """Another method, or other params, under a used key are refused, and come before everything else."""
    listing = house.create("al", start_bid=100)
    house.ask("bo", PlaceBid(listing=listing, amount=500, key="once"))
    for other in (
        PlaceBid(listing=listing, amount=501, key="once"),
        PlaceBid(listing="nonsense", amount=500, key="once"),
        BuyOut(listing=listing, price=500, key="once"),
        CancelListing(listing=listing, key="once"),
        ClaimDelivery(delivery=listing, key="once"),
    ):
        assert house.refusal("bo", other) == ("key_reused", {})


def test_a_key_belongs_to_its_player(house: House) -> None:
    """Two players may choose the same key."""
    listing = house.create("al", start_bid=100)
    for bidder, amount in (("bo", 500), ("cy", 1_000)):
        assert house.ask(bidder, PlaceBid(listing=listing, amount=amount, key="once")).winning


def test_params_are_compared_not_their_order(house: House) -> None:
    """The same quantities in another order are the same params."""
    for commodities in ({"tin": 1, "salt": 2}, {"salt": 2, "tin": 1}):
        answer = house.answer("mint", Grant(key="k", player="al", commodities=commodities), "service")
        assert not answer.refused
    assert {row.commodity: row.quantity for row in house.state("al").commodities} == {"tin": 1, "salt": 2}


class TestAdminKeys:
    """Keys of `admin.*` belong to the caller and the target player."""

    def test_a_repeat_is_executed_once(self, house: House) -> None:
        """A repeated grant gives the first answer, with the items that were rolled then."""
        ask = Grant(key="k", player="al", gold=5, items=[GrantedItem(base="tide_oar")])
        first, again = (house.answer("mint", ask, "service") for _ in range(2))
        assert first.encoded == again.encoded
        assert house.wallet("al") == 5

    def test_it_lives_in_the_targets_store(self, house: House) -> None:
        """The row stands in the store of the player who was granted, under the caller's name."""
        house.ask("mint", Grant(key="k", player="al"), "service")
        assert list(house.state("al").keys.rows) == ["admin:mint\nk"]

    def test_each_target_and_each_caller_has_its_own(self, house: House) -> None:
        """The same key serves for another player, for another service, and for the player itself."""
        (item,) = house.ask("mint", Grant(key="k", player="al", items=[GrantedItem(base="tide_oar")]), "service").items
        assert house.ask("mint", Grant(key="k", player="di", gold=1), "service").gold == 1
        assert house.ask("forge", Grant(key="k", player="al", gold=2), "service").gold == 2
        assert house.ask("al", CreateListing(item=item.item, start_bid=1, duration_s=HOUR_S, key="k")).listing.mine

    def test_another_admin_request_is_reused(self, house: House) -> None:
        """A take under the key of a grant, or another grant, is refused."""
        house.ask("mint", Grant(key="k", player="al", gold=5), "service")
        assert house.refusal("mint", Take(key="k", player="al", gold=5), "service") == ("key_reused", {})
        assert house.refusal("mint", Grant(key="k", player="al", gold=6), "service") == ("key_reused", {})


class TestForgetting:
    """Keys are kept for a day at least, and not for ever."""

    def claimed(self, house: House, key: str) -> Answer:
        """The answer to a grant under a key."""
        return house.answer("mint", Grant(key=key, player="al", gold=1), "service")

    def test_a_key_is_remembered_for_a_day(self, house: House) -> None:
        """24 h after it was used, a key still gives the first answer, whatever was asked in between."""
        first = self.claimed(house, "old")
        house.now_ms += KEYS_KEPT_S * 1000
        self.claimed(house, "new")
        assert self.claimed(house, "old").encoded == first.encoded
        assert house.wallet("al") == 2

    def test_expired_keys_are_forgotten_many_at_a_time(self, house: House) -> None:
        """Once the oldest is an hour past its day, the next key used forgets all that are past theirs."""
        self.claimed(house, "first")
        house.now_ms += KEYS_SWEPT_S * 1000
        self.claimed(house, "second")
        house.now_ms += 1
        self.claimed(house, "just a day old")
        house.now_ms += KEYS_KEPT_S * 1000 - 1
        self.claimed(house, "third")
        assert len(house.state("al").keys) == 4
        house.now_ms += 1
        self.claimed(house, "fourth")
        left = ["just a day old", "third", "fourth"]
        assert list(house.state("al").keys.rows) == [f"admin:mint\n{key}" for key in left]
        assert KeysForgotten(house.now_ms - KEYS_KEPT_S * 1000) in house.records[-1][store_of("al")]

    def test_a_forgotten_key_is_free(self, house: House) -> None:
        """After that the key may be used for anything."""
        self.claimed(house, "old")
        house.now_ms += (KEYS_KEPT_S + KEYS_SWEPT_S) * 1000 + 1
        self.claimed(house, "new")
        assert house.ask("mint", Grant(key="old", player="al", gold=7), "service").gold == 7

    def test_a_store_out_of_keys_refuses_rather_than_forgets(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With as many keys as a store may remember, a new one must wait until the oldest is a day old."""
        monkeypatch.setattr(keys, "KEYS_MAX", 2)
        first = self.claimed(house, "first")
        house.now_ms += 1_000
        self.claimed(house, "second")
        assert self.claimed(house, "third").body == Refusal(
            "rate_limited", {"retry_after_ms": KEYS_KEPT_S * 1000 - 999}
        )
        assert self.claimed(house, "first").encoded == first.encoded
        house.now_ms += KEYS_KEPT_S * 1000 - 1_000
        assert self.claimed(house, "third").body == Refusal("rate_limited", {"retry_after_ms": 1})
        house.now_ms += 1
        assert isinstance(self.claimed(house, "third").body, GrantResult)
        assert list(house.state("al").keys.rows) == ["admin:mint\nsecond", "admin:mint\nthird"]


class TestKeysOfTheNode:
    """A mutation without a key is executed under one that the node made up."""

    def bid(self, house: House, listing: str, amount: int, own_key: str) -> Answer:
        """A bid without a key of the client's."""
        return house.answer("bo", PlaceBid(listing=listing, amount=amount), own_key=own_key)

    def test_it_can_be_repeated_like_a_clients(self, house: House) -> None:
        """A client that was told the key gets the stored answer for it."""
        listing = house.create("al", start_bid=100)
        first = self.bid(house, listing, 500, "n1.1")
        again = house.answer("bo", PlaceBid(listing=listing, amount=500, key="n1.1"))
        assert again.encoded == first.encoded
        assert house.escrowed("bo") == 500

    def test_only_the_latest_untold_ones_are_kept(self, house: House) -> None:
        """Beyond twice the number kept, the oldest that nobody was told are dropped; a client's own stay."""
        listing = house.create("al", start_bid=1)
        house.ask("bo", PlaceBid(listing=listing, amount=1, key="mine"))
        for count in range(2 * UNTOLD_KEYS_KEPT):
            house.now_ms += 1
            self.bid(house, listing, 10 + count, f"n1.{count}")
        kept = [row.key for row in house.state("bo").keys]
        last = range(UNTOLD_KEYS_KEPT, 2 * UNTOLD_KEYS_KEPT)
        assert kept[-UNTOLD_KEYS_KEPT:] == [keys.own(f"n1.{count}") for count in last]
        assert keys.own("mine") in kept
        assert len(house.state("bo").untold_keys) == UNTOLD_KEYS_KEPT

    def test_a_told_one_is_pinned(self, house: House) -> None:
        """Once its key was told to the client, an answer is kept as long as any."""
        listing = house.create("al", start_bid=1)
        state = house.state("bo")
        first = self.bid(house, listing, 10, "n1.0")
        for event in keys.tell(state, keys.own("n1.0"), house.now_ms):
            evolve(state, event)
        for count in range(1, 3 * UNTOLD_KEYS_KEPT):
            self.bid(house, listing, 10 + count, f"n1.{count}")
        again = house.answer("bo", PlaceBid(listing=listing, amount=10, key="n1.0"))
        assert again.encoded == first.encoded

    def test_telling_is_needed_once(self, house: House) -> None:
        """A key that is told already, is a client's, or is not known needs no event."""
        listing = house.create("al", start_bid=1)
        state = house.state("bo")
        self.bid(house, listing, 10, "n1.0")
        house.ask("bo", PlaceBid(listing=listing, amount=11, key="mine"))
        (told,) = keys.tell(state, keys.own("n1.0"), house.now_ms)
        evolve(state, told)
        for key in ("n1.0", "mine", "unknown"):
            assert keys.tell(state, keys.own(key), house.now_ms) == []

    def test_the_houses_own_commands_leave_no_key(self, house: House) -> None:
        """The end of a listing is remembered by the listing alone."""
        listing = house.create("al", start_bid=1)
        before = len(house.state("al").keys)
        house.run_out(listing)
        assert len(house.state("al").keys) == before


def test_the_answer_is_encoded_once_for_all(house: House) -> None:
    """A new answer carries the very bytes that a repeat will give, and they are the result's own."""
    listing = house.create("al", start_bid=100)
    executed = house.execute(Request(Caller("bo", "player"), PlaceBid(listing=listing, amount=200, key="k")))
    answer = executed.answer
    assert answer.encoded is not None
    assert decode(answer.encoded) == msgspec.to_builtins(answer.body)


@given(st.text(max_size=6), st.text(max_size=6))
def test_keys_are_stored_without_nul_and_stay_apart(one: str, other: str) -> None:
    """Whatever characters clients choose, no stored key holds a NUL, and different keys are stored differently."""
    assert "\0" not in keys.own(one)
    assert (keys.own(one) == keys.own(other)) == (one == other)


def test_an_escaped_nul_is_not_a_nul() -> None:
    """The key with a NUL and the key with what a NUL is stored as are two keys."""
    assert keys.own("\0") != keys.own("\\0")
