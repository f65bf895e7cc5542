"""Offers between players of one node: made, accepted, declined, withdrawn, expired; and what they are refused for."""

from typing import Any

import pytest
from msgspec.structs import replace

from auction.commands import (
    ClaimDelivery,
    CreateListing,
    GetPlayer,
    ListInventory,
    ListOffers,
    MakeOffer,
    OfferSide,
)
from auction.events import Noticed
from auction.evolve import evolve
from auction.params import BadParam, bad_param
from auction.results import OfferResult
from auction.state import IDS_A_LIFE, NOTICES_KEPT, Notice
from tests.auction.house import CATALOG, HOUR_S, MAX, START_MS, House, refused, replayed, rows_of, store_of
from tests.auction.offering import accept, decline, expire, made, make, shown, side, withdraw
from worlddata.types import DAY_S, Rules


@pytest.fixture
def house() -> House:
    """al and bo have 1,000 gold each, al 5 tin, bo 7 salt."""
    house = House()
    house.grant("al", gold=1_000, commodities={"tin": 5})
    house.grant("bo", gold=1_000, commodities={"salt": 7})
    return house


def inventory(house: House, player: str) -> tuple[list[str], dict[str, int]]:
    """What the stash holds."""
    held = house.done(house.ask(player, ListInventory()))
    return [item.item for item in held.items], held.commodities


def told(house: House, player: str) -> list[tuple[str, Any]]:
    """What a player was told of offers: type and state."""
    return [(type_, data["state"]) for type_, data in house.notices(player) if type_.startswith("offer.")]


class TestMaking:
    """What is given is held from the first moment on."""

    def test_what_is_given_is_in_escrow(self, house: House) -> None:
        """Gold, items and commodities leave wallet and stash; the gold counts as escrowed."""
        (item,) = house.grant("al", items=1)
        offer = made(house, "al", "bo", side(300, [item], tin=2), side(50))
        assert offer == f"{store_of('al')}.f1"
        assert (house.wallet("al"), house.escrowed("al")) == (700, 300)
        assert inventory(house, "al") == ([], {"tin": 3})
        assert house.refusal("al", CreateListing(item=item, start_bid=1, duration_s=HOUR_S))[0] == "no_such_item"
        assert told(house, "bo") == [("offer.received", "open")]
        assert told(house, "al") == []

    def test_both_players_see_it(self, house: House) -> None:
        """What is given as it is, what is wanted as it was asked for."""
        (item,) = house.grant("al", items=1)
        made(house, "al", "bo", side(300, [item], tin=2), side(items=["whatever"], salt=1), expires_s=60)
        (mine,), (theirs,) = shown(house, "al"), shown(house, "bo")
        assert mine == theirs
        assert (mine.maker, mine.to, mine.state, mine.expires_at_ms) == ("al", "bo", "open", START_MS + 60_000)
        assert (mine.give.gold, mine.give.items[0].item, mine.give.commodities) == (300, item, {"tin": 2})
        assert (mine.want.gold, mine.want.items, mine.want.commodities) == (0, ("whatever",), {"salt": 1})
        assert shown(house, "cy") == []

    def test_a_gift_and_a_request_are_offers(self, house: House) -> None:
        """Either side may be empty; a player who was merely logged in may ask for something, or be given it."""
        house.present.update(("ed", "flo"))
        request = made(house, "ed", "bo", want=side(10))
        assert accept(house, "bo", request) == OfferResult(request, "accepted")
        gift = made(house, "al", "flo", side(20))
        assert accept(house, "flo", gift) == OfferResult(gift, "accepted")
        for player in ("ed", "flo"):
            house.claim_all(player)
        assert [house.wallet(player) for player in ("al", "bo", "ed", "flo")] == [980, 990, 10, 20]
        assert house.deliveries("al") == []

    def test_it_stands_as_long_as_the_rules_say(self, house: House) -> None:
        """For `offer_expires_s` where the maker does not say."""
        made(house, "al", "bo", side(1))
        assert shown(house, "al")[0].expires_at_ms == START_MS + DAY_S * 1000

    @pytest.mark.parametrize(
        ("ask", "path"),
        [
            (MakeOffer(to="al", give=side(1), want=side()), "to"),
            (MakeOffer(to="bo", give=side(), want=side()), "give"),
            (MakeOffer(to="bo", give=side(items=["a", "b", "a"]), want=side()), "give.items[2]"),
            (MakeOffer(to="bo", give=side(1), want=side(items=["a", "a"])), "want.items[1]"),
            (MakeOffer(to="bo", give=side(1), want=side(), expires_s=0), "expires_s"),
            (MakeOffer(to="bo", give=side(1), want=side(), expires_s=7 * DAY_S + 1), "expires_s"),
        ],
    )
    def test_what_makes_no_sense_is_a_bad_param(self, ask: MakeOffer, path: str) -> None:
        """To oneself, of nothing for nothing, the same thing twice, for no time or for too long."""
        bad = bad_param(ask, CATALOG, "al")
        assert isinstance(bad, BadParam) and bad.path == path

    def test_the_longest_time_is_none(self) -> None:
        """The bounds are inclusive, and to whom may be anybody as long as it is not known who asks."""
        for expires_s in (None, 1, 7 * DAY_S):
            assert bad_param(MakeOffer(to="al", give=side(1), want=side(), expires_s=expires_s), CATALOG) is None


class TestAccepting:
    """Both sides change hands at once."""

    def test_everything_waits_on_the_other_side(self, house: House) -> None:
        """Gold too; nothing enters wallet or stash by itself, and everything can be claimed."""
        (mine,) = house.grant("al", items=1)
        (theirs,) = house.grant("bo", items=1)
        offer = made(house, "al", "bo", side(300, [mine], tin=2), side(50, [theirs], salt=7))
        assert accept(house, "bo", offer) == OfferResult(offer, "accepted")
        assert [house.wallet(player) for player in ("al", "bo")] == [700, 950]
        for player, gold, item, goods in (("al", 50, theirs, {"salt": 7}), ("bo", 300, mine, {"tin": 2})):
            (waiting,) = house.deliveries(player)
            assert (waiting.kind, waiting.gold, waiting.listing) == ("traded", gold, None)
            assert ([view.item for view in waiting.items], waiting.commodities) == ([item], goods)
            house.claim_all(player)
        assert inventory(house, "al") == ([theirs], {"tin": 3, "salt": 7})
        assert inventory(house, "bo") == ([mine], {"tin": 2})
        assert [house.wallet(player) for player in ("al", "bo")] == [750, 1_250]
        assert (house.escrowed("al"), shown(house, "al"), shown(house, "bo")) == (0, [], [])

    def test_both_are_told(self, house: House) -> None:
        """How it ended, then of the delivery, if there is one."""
        offer = made(house, "al", "bo", side(1))
        accept(house, "bo", offer)
        assert told(house, "al") == [("offer.closed", "accepted")]
        assert told(house, "bo") == [("offer.received", "open"), ("offer.closed", "accepted")]
        assert [type_ for type_, _ in house.notices("bo")][-1] == "delivery.arrived"

    def test_only_who_it_was_made_to_accepts(self, house: House) -> None:
        """Not its maker, nor a third, whether it is open or over; and nobody what is no offer."""
        offer = made(house, "al", "bo", side(1))
        house.grant("cy", gold=10)
        for _ in ("open", "over"):
            for player in ("cy", "ed"):
                for answer in (accept(house, player, offer), decline(house, player, offer)):
                    assert refused(answer) == ("no_such_offer", {})
                assert refused(withdraw(house, player, offer)) == ("no_such_offer", {})
            accept(house, "bo", offer)
        open_one = made(house, "al", "bo", side(1))
        for player, ends in (("al", accept), ("al", decline), ("bo", withdraw)):
            assert refused(ends(house, player, open_one)) == ("no_such_offer", {})
        for ends in (accept, decline, withdraw):
            for nonsense in (f"{open_one}0", "nonsense", house.create("al", start_bid=1)):
                assert refused(ends(house, "bo", nonsense)) == ("no_such_offer", {})

    def test_a_worth_that_is_great_is_audited(self) -> None:
        """By the gold of either side, in the maker's store."""
        house = House(Rules(audit_worth=100))
        for player in ("al", "bo"):
            house.grant(player, gold=1_000)
        before = len(house.state("al").audit)
        for give, want, entries in ((99, 99, 0), (100, 0, 1), (0, 100, 2)):
            accept(house, "bo", made(house, "al", "bo", side(give), side(want)))
            assert len(house.state("al").audit) - before == entries
        entry = list(house.state("al").audit)[-1]
        assert (entry.who, entry.action, entry.worth) == ("bo", "trade", 100)
        assert entry.detail == "al gave nothing for 100 gold"

    def test_what_was_traded_for_cools_down(self) -> None:
        """The rule on listing what was just bought counts what either side got."""
        house = House(Rules(relist_cooldown_s=60))
        (mine,) = house.grant("al", items=1)
        (theirs,) = house.grant("bo", items=1)
        accept(house, "bo", made(house, "al", "bo", side(items=[mine]), side(items=[theirs])))
        for player, item in (("al", theirs), ("bo", mine)):
            house.claim_all(player)
            ask = CreateListing(item=item, start_bid=1, duration_s=HOUR_S)
            assert house.refusal(player, ask) == ("relist_cooldown", {"retry_after_ms": 60_000})

    def test_a_full_wallet_or_stash_only_delays(self) -> None:
        """What does not fit when it is claimed goes on waiting."""
        house = House(Rules(stash_capacity=1))
        (mine,) = house.grant("al", gold=MAX, items=1)
        (theirs,) = house.grant("bo", gold=5, items=1)
        accept(house, "bo", made(house, "al", "bo", side(items=[mine]), side(5)))
        (waiting,) = house.deliveries("al")
        assert house.refusal("al", ClaimDelivery(delivery=waiting.delivery)) == ("wallet_full", {})
        (waiting,) = house.deliveries("bo")
        assert house.refusal("bo", ClaimDelivery(delivery=waiting.delivery)) == ("stash_full", {})
        accept(house, "al", made(house, "bo", "al", side(items=[theirs])))
        house.claim_all("bo")

    def test_the_largest_sums(self) -> None:
        """All the gold that a wallet holds, and all the pieces of a stash, both ways."""
        house = House()
        for player in ("al", "bo"):
            house.grant(player, gold=MAX, commodities={"tin": MAX})
        accept(house, "bo", made(house, "al", "bo", side(MAX, tin=MAX), side(MAX, tin=MAX)))
        for player in ("al", "bo"):
            house.claim_all(player)
            assert (house.wallet(player), inventory(house, player)[1]) == (MAX, {"tin": MAX})


class TestEnding:
    """An offer that comes to nothing gives everything back."""

    @pytest.mark.parametrize("how", ["withdrawn", "declined", "expired"])
    def test_everything_comes_back(self, house: House, how: str) -> None:
        """Gold by itself, goods as a delivery, and both players are told, whoever ended it."""
        (item,) = house.grant("al", items=1)
        offer = made(house, "al", "bo", side(300, [item], tin=2), side(50), expires_s=60)
        if how == "withdrawn":
            assert withdraw(house, "al", offer) == OfferResult(offer, "withdrawn")
        elif how == "declined":
            assert decline(house, "bo", offer) == OfferResult(offer, "declined")
        else:
            house.now_ms += 60_000
            expire(house, offer)
        assert (house.wallet("al"), house.escrowed("al"), house.wallet("bo")) == (1_000, 0, 1_000)
        (waiting,) = house.deliveries("al")
        assert (waiting.kind, waiting.gold, [view.item for view in waiting.items]) == ("returned", 0, [item])
        assert told(house, "al") == [("offer.closed", how)]
        assert told(house, "bo") == [("offer.received", "open"), ("offer.closed", how)]
        assert (shown(house, "al"), shown(house, "bo")) == ([], [])
        house.claim_all("al")
        assert inventory(house, "al") == ([item], {"tin": 5})

    def test_gold_without_room_waits_with_the_goods(self, house: House) -> None:
        """A wallet that would pass the largest amount leaves all of it in the delivery."""
        offer = made(house, "al", "bo", side(300, tin=1))
        house.grant("al", gold=MAX - 700)
        withdraw(house, "al", offer)
        (waiting,) = house.deliveries("al")
        assert (waiting.kind, waiting.gold, waiting.commodities, house.wallet("al")) == (
            "returned",
            300,
            {"tin": 1},
            MAX,
        )

    def test_gold_alone_needs_no_delivery(self, house: House) -> None:
        """It is in the wallet again."""
        withdraw(house, "al", made(house, "al", "bo", side(300)))
        assert (house.deliveries("al"), house.wallet("al")) == ([], 1_000)

    @pytest.mark.parametrize("how", ["accepted", "withdrawn", "declined", "expired"])
    def test_it_ends_once(self, house: House, how: str) -> None:
        """Whatever ends it, everything after that is `offer_closed`, and its timer does nothing."""
        offer = made(house, "al", "bo", side(300, tin=2), expires_s=60)
        if how == "expired":
            house.now_ms += 60_000
            expire(house, offer)
        else:
            ends = {"accepted": accept, "withdrawn": withdraw, "declined": decline}
            ends[how](house, "al" if how == "withdrawn" else "bo", offer)
        for answer in (accept(house, "bo", offer), decline(house, "bo", offer), withdraw(house, "al", offer)):
            assert refused(answer) == ("offer_closed", {})
        house.now_ms += 60_000
        assert expire(house, offer).record == {}

    def test_it_is_over_when_its_time_has_come(self, house: House) -> None:
        """Before its timer fires, and not a millisecond earlier."""
        offer = made(house, "al", "bo", side(300), expires_s=60)
        assert expire(house, offer).record == {}
        house.now_ms += 59_999
        assert house.state("al").due_offers(house.now_ms) == []
        house.now_ms += 1
        assert house.state("al").due_offers(house.now_ms) == [offer]
        for answer in (accept(house, "bo", offer), decline(house, "bo", offer), withdraw(house, "al", offer)):
            assert refused(answer) == ("offer_closed", {})
        assert (shown(house, "al"), shown(house, "bo")) == ([], [])
        expire(house, offer)
        assert house.wallet("al") == 1_000

    def test_a_store_wakes_for_what_is_due_first(self, house: House) -> None:
        """Offers and listings alike."""
        state = house.state("al")
        listing = house.create("al", start_bid=1)
        assert state.wake_at_ms() == START_MS + HOUR_S * 1000
        made(house, "al", "bo", side(1), expires_s=DAY_S)
        assert state.wake_at_ms() == START_MS + HOUR_S * 1000
        late = made(house, "al", "bo", side(1), expires_s=70)
        made(house, "al", "bo", side(1), expires_s=60)
        assert state.wake_at_ms() == START_MS + 60_000
        house.now_ms += 80_000
        assert [ids.rpartition(".")[2] for ids in state.due_offers(house.now_ms)] == ["f3", "f2"]
        withdraw(house, "al", late)
        house.cancel("al", listing)

    def test_its_end_is_known_as_long_as_the_notice_is(self, house: House) -> None:
        """Of a very old offer nobody knows any more that it was; of the others everybody does, after a restart too."""
        first = made(house, "al", "bo", side(1))
        decline(house, "bo", first)
        second = made(house, "al", "bo", side(1))
        withdraw(house, "al", second)
        for player in ("al", "bo"):
            state = house.state(player)
            assert state.offers_over == {first, second}
            state.recount()
            assert state.offers_over == {first, second}
        state = house.state("al")
        before = state.owner().notices_made
        for seq in range(before + 1, before + NOTICES_KEPT):
            evolve(state, Noticed(Notice(seq, "delivery.arrived", START_MS, {})))
        assert refused(withdraw(house, "al", second)) == ("offer_closed", {})
        evolve(state, Noticed(Notice(before + NOTICES_KEPT, "delivery.arrived", START_MS, {})))
        assert refused(withdraw(house, "al", second)) == ("no_such_offer", {})


class TestListing:
    """`offer.list`."""

    def test_pages_follow_one_another(self, house: House) -> None:
        """Those made by the player first, each kind oldest first; what ends in between repeats and hides none."""
        house.grant("cy", gold=100)
        expected = [made(house, "bo", "al", side(1)) for _ in range(3)]
        for maker in ("cy", "al", "al"):
            house.now_ms += 1
            expected.append(made(house, maker, "bo", side(1)))
        seen: list[str] = []
        cursor = None
        while True:
            page = house.done(house.ask("bo", ListOffers(limit=2, cursor=cursor)))
            seen.extend(offer.offer for offer in page.offers)
            if len(seen) == 2:
                withdraw(house, "bo", expected[1])
            cursor = page.next
            if cursor is None:
                break
        assert seen == expected

    def test_a_cursor_belongs_to_its_query(self, house: House) -> None:
        """Anything else is refused."""
        for _ in range(2):
            made(house, "al", "bo", side(1))
        cursor = house.done(house.ask("al", ListOffers(limit=1))).next
        mark = cursor.partition(".")[0]
        for wrong in ("x", f"{mark}.", f"{mark}.2.1.x", f"{mark}.0.x.x", f"{mark}.0", f"{mark}.0.{'9' * 17}.x"):
            assert house.refusal("al", ListOffers(cursor=wrong)) == ("cursor_mismatch", {})
        assert len(house.done(house.ask("al", ListOffers(limit=1, cursor=cursor))).offers) == 1


class TestKeys:
    """Every mutation of offers is executed once a key."""

    def test_a_repeat_gets_the_first_answer(self, house: House) -> None:
        """Nothing happens twice, and the key of one request is no other's."""
        first = made(house, "al", "bo", side(1), key="k")
        again = house.answer("al", MakeOffer(to="bo", give=side(1), want=OfferSide(), key="k"))
        assert (again.refused, len(house.state("al").offers)) == (False, 1)
        assert refused(make(house, "al", "bo", side(2), key="k")) == ("key_reused", {})
        done = accept(house, "bo", first, key="k")
        records = len(house.records)
        assert accept(house, "bo", first, key="k") is None
        assert (done.state, len(house.records)) == ("accepted", records)

    def test_a_refusal_leaves_the_key_free(self, house: House) -> None:
        """The same request may do better later."""
        offer = made(house, "al", "bo", side(1), side(2_000))
        assert refused(accept(house, "bo", offer, key="k"))[0] == "insufficient_gold"
        house.grant("bo", gold=1_000)
        assert accept(house, "bo", offer, key="k").state == "accepted"


def test_a_life_can_be_told_again(house: House) -> None:
    """The records alone make the same stores, and the rows alone everything that is derived."""
    (item,) = house.grant("al", items=1)
    first = made(house, "al", "bo", side(300, [item], tin=2), side(salt=1))
    made(house, "bo", "al", side(5), expires_s=10)
    accept(house, "bo", first)
    decline(house, "bo", made(house, "al", "bo", side(1)))
    again = replayed(house.records)
    for store, state in house.states.items():
        if state.head() is not None:
            assert rows_of(again[store]) == rows_of(state)
            before = rows_of(state)
            state.recount()
            assert rows_of(state) == before


def test_ids_of_another_life_begin_elsewhere(house: House) -> None:
    """An offer's number counts on from where no earlier life of the store came to."""
    context = replace(house.context(), life_of=lambda _: 2)
    house.context = lambda: context  # type: ignore[method-assign]  # a store that was lost
    house.grant("ed", gold=10)
    assert made(house, "ed", "bo", side(1)).endswith(f".f{IDS_A_LIFE + 1}")


def test_what_a_player_gives_is_counted_as_escrowed(house: House) -> None:
    """With standing bids, and the stash has room again for what left it."""
    listing = house.create("bo", start_bid=10)
    house.bid("al", listing, 100)
    (item,) = house.grant("al", items=1)
    made(house, "al", "bo", side(200, [item]))
    player = house.done(house.ask("al", GetPlayer()))
    assert (player.gold.available, player.gold.escrowed, player.stash.used) == (700, 300, 0)
