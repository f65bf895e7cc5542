"""Players: repeatable, and never surer of what they know than they may be."""

from load_tests.harness.acts import ACTS, Asked
from load_tests.harness.ledger import LISTINGS_KEPT
from load_tests.harness.player import Lot, Shelf
from tests.load_tests.harness.making import event, listing, player, refusal, result


def _bid(amount: int) -> Asked:
    return Asked("bid", {"listing": "l1", "amount": amount, "key": "1"})


def test_the_same_seed_gives_the_same_requests() -> None:
    """Acts and what they are about follow from the seed, whatever the server answers; another seed gives others."""
    quiet, answered, other = player(), player(), player(seed=2)
    wanted = [(asked.name, asked.params) for asked in (quiet.next() for _ in range(200))]
    same = []
    for _ in range(200):
        asked = answered.next()
        same.append((asked.name, asked.params))
        answered.take(asked, refusal("unavailable"))
    assert same == wanted
    assert [(asked.name, asked.params) for asked in (other.next() for _ in range(200))] != wanted
    assert {name for name, _ in wanted} == {"search", "look", "bid", "buyout", "buy_pieces"}


def test_acts_come_by_their_weights() -> None:
    """A weight twice as large is met about twice as often."""
    bidder = player({"bid": 1, "look": 2})
    names = [bidder.next().name for _ in range(3_000)]
    assert 900 < names.count("bid") < 1_100


def test_a_player_with_nothing_to_act_on_looks_around() -> None:
    """Nothing to sell, to claim or to take back: it searches, and counts as that."""
    idle = player({"sell": 1, "claim": 1, "cancel_order": 1})
    assert {idle.next().name for _ in range(50)} == {"search"}


def test_every_mutation_has_a_key_of_its_own_and_no_query_has_one() -> None:
    """A key names one request of a player, so that its repeat is known as one."""
    busy = player(stash=["i1", "i2"])
    keys = []
    for _ in range(300):
        asked = busy.next()
        assert ("key" in asked.params) == ACTS[asked.name].keyed
        if "key" in asked.params:
            keys.append(asked.params["key"])
    assert len(set(keys)) == len(keys) > 50


def test_bids_go_beyond_what_is_on_its_way() -> None:
    """A bid that is not timid offers more than any that a player here has offered, answered or not."""
    bidder = player({"bid": 1})
    offered = [asked.params["amount"] for asked in (bidder.next() for _ in range(100)) if bidder.much > 0.125]
    by_lot = {lot.listing: lot.offered for lot in (bidder.board.auctions.pick(at / 5) for at in range(5)) if lot}
    assert max(offered) == max(by_lot.values()) > 100


def test_a_lead_is_lost_by_what_beats_it_and_not_by_an_older_push() -> None:
    """A push about an earlier lead that comes after a new bid takes nothing away; one above the new maximum does."""
    bidder = player()
    bidder.take(_bid(150), result(listing=listing("l1", 110), winning=True))
    bidder.take(_bid(300), result(listing=listing("l1", 200), winning=True))
    bidder.hear(event("listing.outbid", listing="l1", price=151, min_bid=152))
    assert bidder.leads == {"l1": 300}
    bidder.hear(event("listing.outbid", 2, listing="l1", price=301, min_bid=302))
    assert bidder.leads == {}
    assert bidder.seq == 2


def test_a_raise_is_not_counted_as_a_bid_that_must_show() -> None:
    """Listings do not count raises of the leader, so only the first bid is certain to be among theirs."""
    bidder = player()
    bidder.take(_bid(150), result(listing=listing("l1", 110), winning=True))
    bidder.take(_bid(160), result(listing=listing("l1", 110), winning=True))
    bidder.take(_bid(170), refusal("outbid", price=171, min_bid=172))
    count = bidder.ledger.bids["l1"]
    assert (count.certain, count.possible, count.price) == (2, 3, 171)


def test_an_outbid_by_a_buyout_names_no_next_bid() -> None:
    """A push without a least bid takes the lead away and changes no offer."""
    bidder = player()
    bidder.take(_bid(150), result(listing=listing("l1", 110), winning=True))
    bidder.hear(event("listing.outbid", listing="l1", price=5_000, min_bid=None))
    assert bidder.leads == {}


def test_what_is_claimed_can_be_sold_once() -> None:
    """A bought item waits, is claimed, is put up, and is gone from what must be in the stash."""
    trader = player({"sell": 1})
    trader.take(
        Asked("buyout", {"listing": "l1", "price": 5_000}),
        result(item={"item": "i9"}, paid=5_000, listing=listing("l1", state="sold")),
    )
    trader.hear(event("delivery.arrived", delivery="d1", kind="bought"))
    assert list(trader.waiting) == ["d1"]
    trader.take(Asked("claim", {"delivery": "d1"}), result(delivery={"delivery": "d1", "items": [{"item": "i9"}]}))
    asked = trader.next()
    assert (asked.name, asked.params["item"]) == ("sell", "i9")
    trader.take(asked, result(listing=listing("l77")))
    assert trader.ledger.items == set()
    assert trader.ledger.listings == {"l77": "i9"}
    assert trader.next().name == "search"


def test_a_refused_sale_keeps_the_item() -> None:
    """Whatever the reason, the item can be put up again."""
    seller = player({"sell": 1}, stash=["i1"])
    seller.take(seller.next(), refusal("listing_limit"))
    assert seller.next().params["item"] == "i1"
    assert seller.ledger.items == {"i1"}


def test_a_ledger_has_an_end() -> None:
    """A player stops selling while every listing that it made can still be looked up."""
    seller = player({"sell": 1}, stash=["i1"])
    seller.ledger.listings.update({f"l{number}": "i" for number in range(LISTINGS_KEPT)})
    assert seller.next().name == "search"


def test_a_shelf_has_no_gaps_and_offers_nobody_its_own() -> None:
    """Whatever goes, all others can still be picked; a player's own listing is passed over."""
    shelf = Shelf([Lot("a", 1, seller="ann"), Lot("b", 1), Lot("c", 1)])
    assert [lot.listing for lot in (shelf.pick(at) for at in (0.0, 0.4, 0.9)) if lot] == ["a", "b", "c"]
    own = shelf.pick(0.0, seller_not="ann")
    assert own is not None and own.listing == "c"
    shelf.discard("b")
    shelf.discard("b")
    assert {lot.listing for lot in (shelf.pick(0.0), shelf.pick(0.9)) if lot} == {"a", "c"}
    shelf.discard("c")
    assert shelf.pick(0.5, seller_not="ann") is None
