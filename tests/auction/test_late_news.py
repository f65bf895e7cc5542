"""News between nodes comes late, in its order, once; or not at all where a store was lost with its node's disk."""

import pytest
from msgspec.structs import replace

from auction import trades
from auction.legs import decode_vote, encode
from auction.outcomes import Executed, Gap, Proposal, Undecided
from auction.player_state import PlayerState
from tests.auction.house import refused, rows_of, store_of
from tests.auction.nodes import Nodes, leader, prepared

AL, BO = store_of("al"), store_of("bo")


@pytest.fixture
def nodes() -> Nodes:
    """al sells on n1; bo, on n2, and cy, on n3, have 1,000 gold; di, on n1, too."""
    nodes = Nodes({"al": "n1", "bo": "n2", "cy": "n3", "di": "n1"})
    for bidder in ("bo", "cy", "di"):
        nodes.grant(bidder, gold=1_000)
    return nodes


class TestLateNews:
    """A refund that is under way while its receiver goes on."""

    def outbid(self, nodes: Nodes, listing: str) -> None:
        """bo led with 100, and does not know that di leads with 200."""
        nodes.run(nodes.bid("bo", listing, 100))
        nodes.bid("di", listing, 200)
        assert nodes.state("bo").leads(listing)

    def test_a_raise_by_who_leads_no_more_is_proposed_again(self, nodes: Nodes) -> None:
        """The listing names the whole maximum: the trade aborts, and the second holds the right sum."""
        listing = nodes.create("al", start_bid=50)
        self.outbid(nodes, listing)
        trade = prepared(nodes, nodes.bid("bo", listing, 300))
        assert nodes.trades[trade].proposal.hold == 200
        nodes.decide(trade)
        again = nodes.trades[trade].again
        assert again is not None and (again.hold, again.corrected) == (300, True)
        assert nodes.run(trade).winning
        assert leader(nodes, listing) == ("bo", 300)

    def test_it_is_proposed_again_only_once(self, nodes: Nodes) -> None:
        """A sum that is wrong a second time gives the caller `unavailable`."""
        listing = nodes.create("al", start_bid=50)
        self.outbid(nodes, listing)
        trade = prepared(nodes, nodes.bid("bo", listing, 300))
        it = nodes.trades[trade]
        again = trades.judge(it.proposal, it.votes)
        assert isinstance(again, Proposal)
        nodes.decide(trade, give_up=True)
        for store in (AL, BO):
            nodes.settle(trade, store)
        nodes.now_ms += 1
        second = prepared(nodes, nodes.open(it.request, again))
        wrong = {AL: encode(replace(decode_vote(it.votes[AL]), covered=301))}
        assert trades.judge(nodes.trades[second].proposal, wrong) == Undecided()

    def test_a_new_lead_and_the_old_refund_commute(self, nodes: Nodes) -> None:
        """bo leads anew before the refund of the former lead is there: every sum is right before and after."""
        listing = nodes.create("al", start_bid=50)
        self.outbid(nodes, listing)
        nodes.run(nodes.bid("bo", listing, 300))
        state = nodes.state("bo")
        (bid,) = state.bids
        assert (bid.amount, bid.winning, bid.refund_due) == (300, True, 100)
        assert (state.standing_bids, state.bids_escrowed) == (1, 300)
        assert nodes.gold("bo") == (600, 300)
        assert nodes.carry() == []
        (bid,) = state.bids
        assert (bid.amount, bid.winning, bid.refund_due) == (300, True, 0)
        assert nodes.gold("bo") == (700, 300)

    def test_refunds_of_several_leads_come_in_their_order(self, nodes: Nodes) -> None:
        """Led three times, outbid three times, and no news: the last refund alone ends the last lead."""
        nodes.grant("bo", gold=10_000)
        nodes.grant("di", gold=10_000)
        listing = nodes.create("al", start_bid=50)
        for amount in (100, 400, 900):
            nodes.run(nodes.bid("bo", listing, amount))
            nodes.bid("di", listing, 2 * amount)
        (bid,) = nodes.state("bo").bids
        assert (bid.amount, bid.winning, bid.refund_due) == (900, True, 500)
        first, second, third = nodes.unsent
        assert isinstance(nodes.carry_one(*second), Gap)
        for sent, due, winning in ((first, 400, True), (second, 0, True), (third, 0, False)):
            nodes.carry_one(*sent)
            (bid,) = nodes.state("bo").bids
            assert (bid.refund_due, bid.winning) == (due, winning)
        assert nodes.gold("bo") == (11_000, 0)

    def test_a_losing_bid_tells_that_the_lead_is_over(self, nodes: Nodes) -> None:
        """Its answer comes before the refund of the lead, which is then still owed."""
        listing = nodes.create("al", start_bid=50)
        self.outbid(nodes, listing)
        nodes.bid("di", listing, 900)
        assert refused(nodes.run(nodes.bid("bo", listing, 500)))[0] == "outbid"
        state = nodes.state("bo")
        (bid,) = state.bids
        assert (bid.amount, bid.winning, bid.refund_due) == (500, False, 100)
        assert (state.standing_bids, state.bids_escrowed) == (0, 0)
        nodes.carry()
        (bid,) = state.bids
        assert (bid.amount, bid.winning, bid.refund_due) == (500, False, 0)
        assert nodes.gold("bo") == (1_000, 0)

    def test_gold_on_its_way_back_is_not_missing(self, nodes: Nodes) -> None:
        """Who would be short only until the refund comes is asked to try again, and can bid once it is there."""
        listing = nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", listing, 800))
        nodes.grant("di", gold=10_000)
        nodes.bid("di", listing, 900)
        assert nodes.run(nodes.bid("bo", listing, 1_000)) == Undecided()
        assert nodes.gold("bo") == (200, 800)
        nodes.carry()
        assert nodes.run(nodes.bid("bo", listing, 1_000)).winning

    def test_who_leads_no_more_buys_out_for_the_whole_price(self, nodes: Nodes) -> None:
        """The old maximum comes back by itself, before the item."""
        listing = nodes.create("al", start_bid=50, buyout=700)
        self.outbid(nodes, listing)
        trade = nodes.buy_out("bo", listing, 700)
        assert nodes.trades[trade].proposal.hold == 600
        assert nodes.run(trade).paid == 700
        assert nodes.carry() == []
        assert nodes.gold("bo") == (300, 0)
        assert len(nodes.state("bo").bids) == 0
        assert nodes.gold("di") == (1_000, 0)

    def test_a_bid_that_is_owed_gold_is_never_forgotten(self, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lost bids are cut back, but not while their refund is under way."""
        monkeypatch.setattr("auction.evolve.LOST_BIDS_KEPT", 1)
        listings = [nodes.create("al", start_bid=50) for _ in range(4)]
        nodes.grant("di", gold=10_000)
        for listing in listings:
            self.outbid(nodes, listing)
            nodes.bid("di", listing, 900)
            assert refused(nodes.run(nodes.bid("bo", listing, 500)))[0] == "outbid"
        assert {bid.listing: bid.refund_due for bid in nodes.state("bo").bids} == dict.fromkeys(listings, 100)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (1_000, 0)

    def test_a_transfer_is_taken_once(self, nodes: Nodes) -> None:
        """Sent again because its acknowledgement was lost, it does nothing."""
        self.outbid(nodes, nodes.create("al", start_bid=50))
        nodes.carry(duplicate=True)
        before = rows_of(nodes.state("bo"))
        (again,) = nodes.unsent
        outcome = nodes.carry_one(*again)
        assert isinstance(outcome, Executed) and outcome.record == {}
        assert rows_of(nodes.state("bo")) == before


class TestAnotherLife:
    """A store whose node lost its disk begins anew under its old name."""

    def lost(self, nodes: Nodes, player: str) -> None:
        """The player's store is lost, and lives again."""
        store = store_of(player)
        nodes.states[store] = PlayerState()
        nodes.lives[store] = 2

    def test_no_id_is_given_twice(self, nodes: Nodes) -> None:
        """Items and listings of another life never bear a name of the former one."""
        before = nodes.grant("bo", items=1)
        self.lost(nodes, "bo")
        nodes.check = lambda: None  # type: ignore[method-assign, assignment, return-value]  # what was lost is missing
        (item,) = nodes.grant("bo", items=1)
        listing = nodes.create("bo", start_bid=10)
        assert item not in before
        assert (item, listing) == (f"{BO}.i1000000000001", f"{BO}.l1000000000001")

    def test_transfers_begin_anew(self, nodes: Nodes) -> None:
        """What was sent to the former life is not taken by the new one; what is sent to the new one counts from 1."""
        listing = nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", listing, 100))
        nodes.bid("di", listing, 200)
        self.lost(nodes, "bo")
        nodes.check = lambda: None  # type: ignore[method-assign, assignment, return-value]  # what was lost is missing
        nodes.grant("bo", gold=1_000)
        assert nodes.carry() == [Gap()]
        nodes.unsent.clear()
        nodes.run(nodes.bid("bo", listing, 300))
        nodes.bid("di", listing, 400)
        ((_sender, sent),) = nodes.unsent
        assert (sent.number, sent.life) == (1, 2)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (1_000, 0)

    def test_what_a_former_life_bid_still_counts(self, nodes: Nodes) -> None:
        """Its lead may be raised, and its refund is taken, though the new life does not remember it."""
        listing = nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", listing, 100))
        self.lost(nodes, "bo")
        nodes.check = lambda: None  # type: ignore[method-assign, assignment, return-value]  # what was lost is missing
        nodes.grant("bo", gold=1_000)
        assert nodes.run(nodes.bid("bo", listing, 300)).winning
        assert nodes.gold("bo") == (800, 300)
        nodes.bid("di", listing, 400)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (1_100, 0)

    def test_nothing_is_taken_before_the_store_is_opened(self, nodes: Nodes) -> None:
        """A store without an owner cannot take a refund yet."""
        listing = nodes.create("al", start_bid=50)
        nodes.run(nodes.bid("bo", listing, 100))
        self.lost(nodes, "bo")
        nodes.check = lambda: None  # type: ignore[method-assign, assignment, return-value]  # what was lost is missing
        nodes.bid("di", listing, 400)
        assert nodes.carry() == [Gap()]
        nodes.grant("bo", gold=1)
        assert nodes.carry() == []
        assert nodes.gold("bo") == (101, 0)
