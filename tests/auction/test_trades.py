"""Trades between nodes, one step at a time, with transfers that are late."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import fields, replace

from auction import trades
from auction.commands import CancelListing, CreateListing, MyBids, PlaceBid, Take
from auction.context import HOUSE, Answer, Caller, Request
from auction.house import execute
from auction.legs import BidVote, decode_vote, encode
from auction.outcomes import Elsewhere, Executed, Held, KeyUsed, Locked, No, Undecided
from auction.refusals import Refusal
from auction.results import BidResult, BuyoutResult
from auction.state import Item, Listing, ListingRules
from tests.auction.house import MAX, refused, rows_of, store_of
from tests.auction.nodes import Nodes, committed, leader, prepared
from worlddata.types import Rules

AL, BO, CY = store_of("al"), store_of("bo"), store_of("cy")


@pytest.fixture
def nodes() -> Nodes:
    """al sells on n1; bo, on n2, and cy, on n3, have 1,000 gold; di, on n1, too."""
    nodes = Nodes({"al": "n1", "bo": "n2", "cy": "n3", "di": "n1"})
    for bidder in ("bo", "cy", "di"):
        nodes.grant(bidder, gold=1_000)
    return nodes


class TestOneTrade:
    """A trade by itself, from the proposal to the answer."""

    def test_a_bid_takes_two_legs(self, nodes: Nodes) -> None:
        """The gold is held while it is open, with the listing when it is over, and the answer is the listing's."""
        listing = nodes.create("al", start_bid=100)
        trade = prepared(nodes, nodes.bid("bo", listing, 300))
        assert nodes.gold("bo") == (700, 300)
        assert nodes.check().open_trades == 1
        assert leader(nodes, listing) == (None, 0)
        nodes.decide(trade)
        nodes.settle(trade, AL)
        assert leader(nodes, listing) == ("bo", 300)
        assert nodes.gold("bo") == (700, 300)
        told = nodes.settle(trade, BO).answer
        assert isinstance(told.body, BidResult) and told.body.winning and told.body.listing.winning
        assert told.encoded is None
        assert nodes.gold("bo") == (700, 300)
        assert nodes.check().open_trades == 0

    def test_an_abort_leaves_nothing(self, nodes: Nodes) -> None:
        """The gold goes back to the wallet, and the listing is free as it was."""
        listing = nodes.create("al", start_bid=100)
        before = nodes.view(listing)
        trade = prepared(nodes, nodes.bid("bo", listing, 300))
        nodes.decide(trade, give_up=True)
        for store in (AL, BO):
            assert nodes.settle(trade, store).answer == Answer(None, refused=False)
        assert nodes.gold("bo") == (1_000, 0)
        assert nodes.view(listing) == before
        assert nodes.run(nodes.bid("bo", listing, 200)).winning

    def test_a_losing_bid_is_a_trade_too(self, nodes: Nodes) -> None:
        """Its gold is held while it is open, released with the outcome `outbid`, and the price has moved."""
        listing = nodes.create("al", start_bid=100)
        nodes.bid("di", listing, 500)
        trade = committed(nodes, nodes.bid("bo", listing, 300))
        nodes.settle(trade, BO)
        assert nodes.gold("bo") == (1_000, 0)
        nodes.settle(trade, AL)
        answer = nodes.trades[trade].answer
        assert answer.refused
        assert refused(answer.body) == ("outbid", {"price": 315, "min_bid": 330})
        assert leader(nodes, listing) == ("di", 500)

    def test_a_raise_needs_only_the_difference(self, nodes: Nodes) -> None:
        """Who leads pays what the larger maximum lacks, and needs no place among its bids."""
        nodes.catalog = Nodes({}, Rules(max_bids=1)).catalog
        listing = nodes.create("al", start_bid=100)
        assert nodes.run(nodes.bid("bo", listing, 900)).winning
        assert nodes.run(nodes.bid("bo", listing, 1_000)).winning
        assert nodes.gold("bo") == (0, 1_000)
        assert refused(nodes.run(nodes.bid("bo", listing, 900))) == ("bid_too_low", {"min_bid": 1_001})

    def test_a_buyout_sends_the_item_after_the_trade(self, nodes: Nodes) -> None:
        """The buyer pays by the trade; the item and the former leader's gold come by transfers."""
        listing = nodes.create("al", start_bid=100, buyout=600)
        nodes.run(nodes.bid("cy", listing, 300))
        trade = committed(nodes, nodes.buy_out("bo", listing, 600))
        nodes.settle(trade, AL)
        assert [sent.to for _sender, sent in nodes.unsent] == [CY, BO]
        assert nodes.carry() == [Locked(BO, listing)]
        told = nodes.settle(trade, BO).answer.body
        assert isinstance(told, BuyoutResult) and told.paid == 600 and told.listing.state == "sold"
        assert nodes.carry() == []
        assert nodes.gold("bo") == (400, 0) and nodes.gold("cy") == (1_000, 0)
        assert [row.kind for row in nodes.state("bo").deliveries] == ["bought"]

    def test_a_leader_buys_out_for_the_difference(self, nodes: Nodes) -> None:
        """The standing maximum is part of the price, and no bid stands once the item is there."""
        listing = nodes.create("al", start_bid=100, buyout=600)
        nodes.run(nodes.bid("bo", listing, 300))
        assert nodes.run(nodes.buy_out("bo", listing, 600)).paid == 600
        assert nodes.carry() == []
        assert nodes.gold("bo") == (400, 0)
        assert len(nodes.state("bo").bids) == 0

    def test_the_answer_is_stored_with_its_effect(self, nodes: Nodes) -> None:
        """A repeat of the key gets the stored answer; the key of another request is refused."""
        listing = nodes.create("al", start_bid=100)
        trade = committed(nodes, nodes.bid("bo", listing, 300, key="k"))
        nodes.settle(trade, AL)
        first = nodes.settle(trade, BO).answer
        again = nodes.bid("bo", listing, 300, key="k")
        assert again == Answer(None, refused=False, encoded=first.encoded)
        assert refused(nodes.bid("bo", listing, 301, key="k")) == ("key_reused", {})

    def test_the_rows_tell_a_loaded_store_everything(self, nodes: Nodes) -> None:
        """Locks, open keys and counts are derived from the rows alone, on both sides."""
        listing = nodes.create("al", start_bid=100)
        prepared(nodes, nodes.bid("bo", listing, 300, key="k"))
        for player in ("al", "bo"):
            state = nodes.state(player)
            before = rows_of(state)
            state.recount()
            assert rows_of(state) == before
            assert state.locked == {listing: "1.n2.1.1"}
        assert nodes.state("bo").open_keys == {"\nk": listing}


class TestRefusals:
    """What the caller hears of a trade that is not to be."""

    def test_the_listings_refusal_comes_before_the_wallets(self, nodes: Nodes) -> None:
        """A bid that is neither high enough nor covered is too low; one that is high enough is not covered."""
        listing = nodes.create("al", start_bid=2_000)
        assert refused(nodes.run(nodes.bid("bo", listing, 1_500))) == ("bid_too_low", {"min_bid": 2_000})
        assert refused(nodes.run(nodes.bid("bo", listing, 2_500))) == ("insufficient_gold", {"available": 1_000})
        assert refused(nodes.run(nodes.buy_out("bo", listing, 2_500))) == ("no_buyout", {})

    def test_who_cannot_pay_holds_nothing(self, nodes: Nodes) -> None:
        """Only the listing is asked, and nothing is prepared anywhere."""
        trade = nodes.bid("bo", nodes.create("al", start_bid=1), 2_000)
        assert set(nodes.trades[trade].proposal.legs) == {AL}
        assert isinstance(nodes.prepare(trade, AL), No)
        assert nodes.check().open_trades == 0

    def test_a_listing_that_is_nowhere_is_not_there(self, nodes: Nodes) -> None:
        """A listing id of a store that was never written to, or that is none."""
        assert refused(nodes.run(nodes.bid("bo", f"{AL}.l9", 100))) == ("no_such_listing", {})
        assert refused(nodes.bid("bo", "nonsense", 100)) == ("no_such_listing", {})

    def test_a_limit_counts_what_may_yet_lead(self, nodes: Nodes) -> None:
        """An open bid takes a place among the standing ones, as much as one that leads."""
        nodes.catalog = Nodes({}, Rules(max_bids=2)).catalog
        first, second, third = (nodes.create("al", start_bid=10) for _ in range(3))
        nodes.run(nodes.bid("bo", first, 10))
        trade = prepared(nodes, nodes.bid("bo", second, 10))
        assert refused(nodes.run(nodes.bid("bo", third, 10))) == ("bid_limit", {})
        nodes.decide(trade, give_up=True)
        nodes.settle(trade, BO)
        assert nodes.run(nodes.bid("bo", third, 10)).winning

    def test_a_lead_that_is_over_takes_no_second_place(self, nodes: Nodes) -> None:
        """Who leads as many as allowed, and one of them no more without knowing it, may bid there anew."""
        nodes.catalog = Nodes({}, Rules(max_bids=1)).catalog
        listing = nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", listing, 100))
        nodes.bid("di", listing, 200)
        assert nodes.run(nodes.bid("bo", listing, 300)).winning

    def test_the_limit_comes_before_gold(self, nodes: Nodes) -> None:
        """As in a house of one node."""
        nodes.catalog = Nodes({}, Rules(max_bids=1)).catalog
        nodes.run(nodes.bid("bo", nodes.create("al", start_bid=10), 10))
        assert refused(nodes.run(nodes.bid("bo", nodes.create("al", start_bid=10), 5_000))) == ("bid_limit", {})

    def test_a_trade_that_nobody_refused_is_unavailable(self, nodes: Nodes) -> None:
        """An abort for a deadline, or a NO without a word, tells nothing of the rules."""
        trade = nodes.bid("bo", nodes.create("al", start_bid=10), 10)
        proposal = nodes.trades[trade].proposal
        assert trades.refused(proposal, {}) == Undecided()
        assert trades.refused(proposal, {AL: b""}) == Undecided()


class TestWaiting:
    """What waits for a trade, and what does not."""

    def test_commands_on_a_held_listing_wait_at_its_home(self, nodes: Nodes) -> None:
        """Bids, buyouts, the cancellation and the end, of anybody; to be looked at it is as it was."""
        listing = nodes.create("al", start_bid=100, buyout=600, duration_s=3_600)
        trade = prepared(nodes, nodes.bid("bo", listing, 300))
        held = Locked(AL, listing)
        assert nodes.bid("di", listing, 400) == held
        assert nodes.buy_out("di", listing, 600) == held
        assert nodes.cancel("al", listing) == held
        assert nodes.cancel("di", listing) == held
        nodes.now_ms += 3_600_000
        assert nodes.end(listing) == held
        assert nodes.prepare(nodes.bid("cy", listing, 400), AL) == held
        view = nodes.view(listing)
        assert view is not None and view.bids == 0
        nodes.decide(trade)
        nodes.settle(trade, AL)
        assert isinstance(nodes.end(listing), Executed)

    def test_a_second_request_of_the_same_player_waits_at_home(self, nodes: Nodes) -> None:
        """Also a repeat of the key, and another request under it, whichever listing that is about."""
        listing, other = nodes.create("al", start_bid=100), nodes.create("al", start_bid=100)
        trade = prepared(nodes, nodes.bid("bo", listing, 300, key="k"))
        assert nodes.bid("bo", listing, 400) == Locked(BO, listing)
        assert nodes.bid("bo", listing, 300, key="k") == Locked(BO, listing, trade)
        assert nodes.bid("bo", other, 300, key="k") == Locked(BO, listing, trade)
        assert nodes.ask("bo", CancelListing(listing=other, key="k")) == Locked(BO, listing, trade)
        assert isinstance(nodes.bid("bo", other, 300, key="l"), str)

    def test_a_key_used_meanwhile_is_found_at_the_prepare(self, nodes: Nodes) -> None:
        """The second of two trades under one key holds nothing; executed again it has the first one's answer."""
        listing = nodes.create("al", start_bid=100)
        first, second, third = (nodes.bid("bo", listing, 300, key="k") for _ in range(3))
        nodes.prepare(first, BO)
        for other, meanwhile in ((second, False), (third, True)):
            if meanwhile:
                nodes.run(first)
            assert isinstance(nodes.prepare(other, BO), No)
            nodes.decide(other)
            assert nodes.trades[other].answer == KeyUsed()
        assert leader(nodes, listing) == ("bo", 300)
        assert nodes.gold("bo") == (700, 300)

    def test_no_trade_waits_in_the_buyers_store(self, nodes: Nodes) -> None:
        """Two trades of one player on one listing, opened at once: the second is sent back, so neither waits for the
        other in another order.
        """
        listing = nodes.create("al", start_bid=100)
        first, second = nodes.bid("bo", listing, 300), nodes.bid("bo", listing, 400)
        assert isinstance(nodes.prepare(second, AL), Held)
        assert isinstance(nodes.prepare(first, BO), Held)
        assert isinstance(nodes.prepare(second, BO), No)
        assert nodes.prepare(first, AL) == Locked(AL, listing)
        nodes.decide(second)
        nodes.settle(second, AL)
        assert nodes.trades[second].answer == Undecided()
        assert nodes.run(first).winning

    def test_what_a_listing_sends_waits_for_the_trade_on_it(self, nodes: Nodes) -> None:
        """Outbid before its own bid is settled at home: the refund comes after the bid, however early it arrives."""
        listing = nodes.create("al", start_bid=100)
        trade = committed(nodes, nodes.bid("bo", listing, 300))
        nodes.settle(trade, AL)
        nodes.bid("di", listing, 500)
        assert nodes.carry() == [Locked(BO, listing)]
        nodes.settle(trade, BO)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (1_000, 0)
        (bid,) = nodes.state("bo").bids
        assert (bid.amount, bid.winning, bid.refund_due) == (300, False, 0)


class TestHeldGold:
    """Gold that a trade holds is neither spent nor free."""

    def test_what_is_short_only_of_held_gold_is_not_refused(self, nodes: Nodes) -> None:
        """Bids and buyouts here and elsewhere, deposits and takes: not now; beyond it they are refused."""
        nodes.catalog = Nodes({}, Rules(deposit_bp=5_000, durations_s=(60,))).catalog
        nodes.homes[store_of("ed")] = "n2"
        nodes.grant("ed", gold=1_000)
        here = nodes.create("ed", start_bid=10, buyout=800, duration_s=60)
        (item,) = nodes.grant("bo", items=1)
        prepared(nodes, nodes.bid("bo", self.free(nodes), 700))
        elsewhere = self.free(nodes)

        def take(gold: int) -> Any:
            return nodes.ask("mint", Take(key=f"t{gold}", player="bo", gold=gold), "service")

        def deposit(start_bid: int) -> Any:
            return nodes.ask("bo", CreateListing(item=item, start_bid=start_bid, duration_s=60))

        for undecided in (
            nodes.bid("bo", here, 500),
            nodes.buy_out("bo", here, 800),
            nodes.bid("bo", elsewhere, 500),
            nodes.buy_out("bo", elsewhere, 900),
            take(301),
            deposit(800),
        ):
            assert undecided == Undecided()
        short = ("insufficient_gold", {"available": 300})
        assert refused(take(1_001)) == short
        assert refused(deposit(2_002)) == short
        assert refused(nodes.run(nodes.bid("bo", elsewhere, 1_001)))[0] == "price_out_of_range"
        assert nodes.bid("bo", here, 300).winning

    def free(self, nodes: Nodes) -> str:
        """A listing that nobody holds."""
        nodes.grant("al", gold=1_000)
        return nodes.create("al", start_bid=10, buyout=900, duration_s=60)

    def test_a_wallet_keeps_room_for_what_is_held(self, nodes: Nodes) -> None:
        """Grants and claims are refused, and refunds wait, where the gold held would find no room."""
        listing = nodes.create("al", start_bid=50)
        trade = prepared(nodes, nodes.bid("bo", listing, 600))
        nodes.grant("bo", gold=MAX - 1_000)
        with pytest.raises(AttributeError):
            nodes.grant("bo", gold=1)
        nodes.decide(trade, give_up=True)
        nodes.settle(trade, BO)
        assert nodes.gold("bo") == (MAX, 0)

    def test_a_refund_that_would_take_held_golds_room_waits(self, nodes: Nodes) -> None:
        """It becomes a delivery, to be claimed once there is room."""
        first, second = nodes.create("al", start_bid=50), nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", first, 100))
        nodes.bid("di", first, 200)
        prepared(nodes, nodes.bid("bo", second, 600))
        nodes.grant("bo", gold=MAX - 900)
        assert nodes.carry() == []
        assert [(row.kind, row.gold) for row in nodes.state("bo").deliveries] == [("refund", 100)]


class TestTheInstant:
    """A bid's instant is when the listing's home prepared it."""

    def test_a_bid_prepared_in_time_counts(self, nodes: Nodes) -> None:
        """Committed after the end, it is good, and the listing closes softly from the bid's instant on."""
        listing = nodes.create("al", start_bid=50, duration_s=3_600)
        nodes.now_ms += 3_600_000 - 1
        trade = committed(nodes, nodes.bid("bo", listing, 100))
        instant = nodes.now_ms
        nodes.now_ms += 5_000
        nodes.settle(trade, BO)
        nodes.settle(trade, AL)
        row = nodes.state("al").listings.rows[listing]
        assert (row.state, row.leader, row.ends_at_ms) == ("open", "bo", instant + 30_000)

    def test_a_bid_prepared_at_the_end_is_too_late(self, nodes: Nodes) -> None:
        """Whenever it was asked."""
        listing = nodes.create("al", start_bid=50, duration_s=3_600)
        trade = nodes.bid("bo", listing, 100)
        nodes.now_ms += 3_600_000
        assert refused(nodes.run(trade)) == ("listing_closed", {})

    def test_a_seller_does_what_it_voted(self, nodes: Nodes) -> None:
        """A payload other than the vote is a broken agreement and stops the node."""
        listing = nodes.create("al", start_bid=50)
        trade = committed(nodes, nodes.bid("bo", listing, 100))
        with pytest.raises(AssertionError, match="voted for"):
            trades.settle(trade, AL, True, b"else", nodes.store, nodes.context(AL))

    @pytest.mark.parametrize("kind", ["bid", "buyout"])
    def test_a_vote_of_version_2_is_kept(self, nodes: Nodes, kind: str) -> None:
        """Its listing says nothing of when it ended; a node that was brought forward settles what it had prepared."""
        listing = nodes.create("al", start_bid=100, buyout=500)
        trade = prepared(nodes, nodes.bid("bo", listing, 300) if kind == "bid" else nodes.buy_out("bo", listing, 500))
        row = nodes.state("al").trades.rows[trade]
        said = msgspec.msgpack.decode(row.vote)
        del said[1]["ended_at_ms"]
        vote = msgspec.msgpack.encode(said)
        nodes.state("al").trades.put(trade, replace(row, vote=vote))
        nodes.trades[trade].votes[AL] = vote
        nodes.decide(trade)
        nodes.settle(trade, AL)
        nodes.settle(trade, BO)
        assert nodes.carry() == []
        shown = nodes.view(listing)
        assert shown is not None and shown.state == ("open" if kind == "bid" else "sold")


class TestListingsElsewhere:
    """What a player asks about listings of other nodes."""

    def test_bids_are_shown_as_their_listings_stand(self, nodes: Nodes) -> None:
        """The homes are asked once for all that are not here; who wins is for them to say."""
        here, there, gone = nodes.create("bo", start_bid=50), nodes.create("al", start_bid=50), f"{AL}.l9"
        nodes.homes[store_of("ed")] = "n2"
        nodes.grant("ed", gold=1_000)
        nodes.bid("ed", here, 60)
        nodes.now_ms += 1
        nodes.run(nodes.bid("ed", there, 70))
        nodes.bid("di", there, 80)
        request = Request(Caller("ed", "player"), MyBids())
        asked = execute(request, nodes.store, nodes.context(store_of("ed")))
        assert asked == Elsewhere((there,))
        bids = nodes.ask("ed", MyBids()).bids
        assert [(bid.listing.listing, bid.amount, bid.winning) for bid in bids] == [
            (there, 70, False),
            (here, 60, True),
        ]
        known = execute(request, nodes.store, nodes.context(store_of("ed")), {there: None, gone: None})
        assert isinstance(known, Executed)
        assert [bid.listing.listing for bid in known.answer.body.bids] == [here]  # type: ignore[union-attr]  # a result

    def test_anothers_listing_is_not_cancelled(self, nodes: Nodes) -> None:
        """Its home says whether it exists; the key is checked before."""
        listing = nodes.create("al", start_bid=50)
        assert refused(nodes.cancel("bo", listing)) == ("not_owner", {})
        assert refused(nodes.cancel("bo", f"{AL}.l9")) == ("no_such_listing", {})
        nodes.run(nodes.bid("bo", listing, 60, key="k"))
        assert refused(nodes.ask("bo", CancelListing(listing=listing, key="k"))) == ("key_reused", {})

    def test_the_winner_on_another_node_gets_the_item(self, nodes: Nodes) -> None:
        """An end is one record of the seller's; what goes to the winner is carried."""
        listing = nodes.create("al", start_bid=50, duration_s=3_600)
        nodes.run(nodes.bid("bo", listing, 100))
        nodes.now_ms += 3_600_000
        ended = nodes.end(listing)
        assert set(ended.record) == {AL}
        assert nodes.gold("bo") == (900, 100)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (950, 0)
        assert [row.kind for row in nodes.state("bo").deliveries] == ["won"]


def test_a_stopped_trade_needs_its_store(nodes: Nodes) -> None:
    """A store that is asleep is asked for before anything is changed, whichever step it is."""
    listing = nodes.create("al", start_bid=50)
    nodes.bid("di", listing, 80)
    trade = committed(nodes, nodes.bid("bo", listing, 100))
    it, asleep = nodes.trades[trade], store_of("di")
    before = rows_of(nodes.state("al"))

    def without(*stores: str) -> Any:
        return lambda store: None if store in stores else nodes.store(store)

    for store, missing in ((AL, AL), (BO, BO), (AL, asleep)):
        outcome = trades.settle(trade, store, True, it.payload, without(missing), nodes.context(store))
        assert outcome.stores == (missing,)  # type: ignore[union-attr]  # it is Asleep
    leg = it.proposal.legs[AL]
    assert trades.prepare("x", AL, leg, without(AL), nodes.context(AL)).stores == (AL,)  # type: ignore[union-attr]  # as above
    assert rows_of(nodes.state("al")) == before


def test_the_house_itself_ends_listings_only() -> None:
    """No trade ever has the house for its caller."""
    with pytest.raises(AssertionError):
        execute(Request(HOUSE, PlaceBid(listing=f"{AL}.l1", amount=1)), Nodes({}).store, Nodes({}).context(AL))


def test_a_refusal_is_told_as_it_was_made(nodes: Nodes) -> None:
    """The figures of a listing's refusal cross the nodes as they are."""
    listing = nodes.create("al", start_bid=50, buyout=100)
    assert nodes.run(nodes.buy_out("bo", listing, 90)) == Refusal("price_changed", {"price": 100})


def test_the_largest_vote_fits_a_decision() -> None:
    """A listing whose every text and number is as long as the world allows stays within the 8 KiB of a payload."""
    widest, word = "\U0001f5dd" * 64, "w" * 48
    stats = {f"{word[:46]}{number:02}": 10**6 for number in range(64)}
    item = Item(f"{AL}.i{10**16 - 1}", word, widest, word, word, 100, stats, bound=False)
    rules = ListingRules(**dict.fromkeys(ListingRules.__struct_fields__, MAX))
    numbers = {field.name: MAX for field in fields(Listing) if field.type in (int, int | None)}
    row = Listing(
        listing=f"{AL}.l{10**16 - 1}", seller=word, item=item, state="cancelled", leader=word, rules=rules, **numbers
    )
    vote = encode(BidVote(row, leads=True, led=True, covered=MAX, held=MAX))
    assert decode_vote(vote).listing == row
    assert 4_000 < len(vote) <= 8_192
