"""What came and went: a row for everything that changed hands, and none for what did not."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction import ids
from auction.commands import AcceptOffer, BuyCommodity, MakeOffer, OfferSide, SellCommodity, Take
from auction.player_state import PlayerState
from auction.state import Passage
from tests.auction.house import START_MS, House, replayed, rows_of, store_of
from tests.auction.town import PLAYERS, Town
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules."""
    return House()


def history(house: House, player: str) -> list[Passage]:
    """A player's rows, the oldest first."""
    return list(house.state(player).history)


def last(house: House, player: str) -> Passage:
    """The latest of them."""
    return history(house, player)[-1]


def test_a_grant_and_a_take_are_rows(house: House) -> None:
    """What entered and left the house, with every item."""
    items = house.grant("al", gold=10, items=2, commodities={"tin": 3})
    house.now_ms += 7
    house.ask("mint", Take(key="t", player="al", gold=4, items=items[:1], commodities={"tin": 1}), "service")
    came = Passage(1, START_MS, "granted", None, None, 10, 0, tuple(items), (), {"tin": 3})
    went = Passage(2, START_MS + 7, "taken", None, None, 0, 4, (), (items[0],), {}, {"tin": 1})
    assert history(house, "al") == [came, went]


def test_a_sale_is_a_row_on_either_side(house: House) -> None:
    """The seller has the price less the fee and knows the buyer; the buyer paid the price and knows the listing."""
    (item,) = house.grant("al", items=1)
    house.grant("bo", gold=1_000)
    listing = house.create("al", item=item, buyout=100)
    house.buy_out("bo", listing, 100)
    assert last(house, "al") == Passage(2, START_MS, "sold", listing, "bo", gold_in=85, items_out=(item,))
    assert last(house, "bo") == Passage(2, START_MS, "bought", listing, None, gold_out=100, items_in=(item,))


def test_a_won_auction_cost_its_price_and_not_its_maximum(house: House) -> None:
    """Bids leave no rows, neither the winner's nor the loser's; the end leaves one on either side."""
    (item,) = house.grant("al", items=1)
    for player in ("bo", "cy"):
        house.grant(player, gold=1_000)
    listing = house.create("al", item=item, start_bid=10)
    house.bid("cy", listing, 50)
    house.bid("bo", listing, 500)
    assert [len(history(house, player)) for player in ("al", "bo", "cy")] == [1, 1, 1]
    house.run_out(listing)
    house.claim_all("bo")
    price = house.view(listing).price
    assert last(house, "bo") == Passage(2, house.now_ms, "won", listing, None, gold_out=price or 0, items_in=(item,))
    assert [len(history(house, player)) for player in ("al", "bo", "cy")] == [2, 2, 1]


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_what_was_not_sold_came_back(how: str) -> None:
    """The row names the item, which went with the listing and came back, and the deposit, which did not."""
    house = House(Rules(deposit_bp=1_000))
    (item,) = house.grant("al", gold=50, items=1)
    listing = house.create("al", item=item, start_bid=100)
    if how == "cancelled":
        house.cancel("al", listing)
    else:
        house.run_out(listing)
    row = last(house, "al")
    assert (row.what, row.ref, row.gold_out, row.items_in, row.items_out) == ("returned", listing, 10, (item,), (item,))


def test_an_accepted_offer_is_a_row_on_either_side(house: House) -> None:
    """Each knows the other, and what one gave the other got; making and withdrawing leave none."""
    (item,) = house.grant("al", items=1)
    house.grant("bo", gold=500, commodities={"tin": 5})
    want = OfferSide(gold=100, commodities={"tin": 5})
    offer = house.done(house.ask("al", MakeOffer(to="bo", give=OfferSide(items=[item]), want=want))).offer
    assert (len(history(house, "al")), len(history(house, "bo"))) == (1, 1)
    house.done(house.ask("bo", AcceptOffer(offer=offer)))
    gave, got = last(house, "al"), last(house, "bo")
    assert (gave.what, gave.ref, gave.other) == ("traded", offer, "bo")
    assert (got.what, got.ref, got.other) == ("traded", offer, "al")
    assert (gave.gold_in, gave.commodities_in, gave.items_out) == (100, {"tin": 5}, (item,))
    assert (got.gold_out, got.commodities_out, got.items_in) == (100, {"tin": 5}, (item,))


def test_a_fill_is_a_row_with_either_player_and_two_in_the_market(house: House) -> None:
    """Players know their orders, the market knows both players; an order that rests is none."""
    house.grant("al", commodities={"tin": 10})
    house.grant("bo", gold=500)
    sold = house.done(house.ask("al", SellCommodity(commodity="tin", quantity=10, limit_price=5))).order
    assert len(history(house, "al")) == 1
    bought = house.done(house.ask("bo", BuyCommodity(commodity="tin", quantity=4, limit_price=6))).order
    seller, buyer = last(house, "al"), last(house, "bo")
    assert (seller.what, seller.ref, seller.gold_in, seller.commodities_out) == ("filled", sold, 17, {"tin": 4})
    assert (buyer.what, buyer.ref, buyer.gold_out, buyer.commodities_in) == ("filled", bought, 20, {"tin": 4})
    rows = {row.ref: row for row in house.market("tin").history}
    assert (rows[sold].other, rows[sold].gold_in, rows[sold].commodities_out) == ("bo", 17, {"tin": 4})
    assert (rows[bought].other, rows[bought].gold_out, rows[bought].commodities_in) == ("al", 20, {"tin": 4})


def test_rows_are_in_memory_until_a_checkpoint_takes_them(house: House) -> None:
    """They are written once and forgotten; their numbers go on."""
    house.grant("al", gold=1)
    state = house.state("al")
    assert set(state.history.take_changes()) == {1}
    assert (list(state.history), state.history.take_changes()) == ([], {})
    house.grant("al", gold=1)
    assert [row.number for row in state.history] == [2]


def owned(state: PlayerState) -> tuple[int, set[str], Counter[str]]:
    """Gold, items and goods that are the player's, wherever they are held."""
    account = state.owner()
    gold = account.gold + account.gold_held + account.gold_waiting
    gold += sum(row.deposit for row in state.listings if row.state == "open")
    gold += sum(bid.refund_due + (bid.amount if bid.winning else 0) for bid in state.bids)
    gold += sum(row.price * row.remaining for row in state.orders if row.side == "buy" and row.price is not None)
    gold += sum(row.give.gold for row in state.offers)
    items = set(state.items.rows)
    items.update(row.item.item for row in state.listings if row.state == "open")
    items.update(item.item for row in state.deliveries for item in row.items)
    items.update(item.item for row in state.offers for item in row.give.items)
    goods = Counter({row.commodity: row.quantity for row in state.commodities})
    for row in state.deliveries:
        goods.update(row.commodities)
    for row in state.offers:
        goods.update(row.give.commodities)
    for order in state.orders:
        if order.side == "sell":
            goods[order.commodity] += order.remaining
    return gold, items, +goods


def added_up(rows: list[Passage]) -> tuple[int, set[str], Counter[str]]:
    """The same by the history alone."""
    gold, items, goods = 0, set[str](), Counter[str]()
    for row in rows:
        gold += row.gold_in - row.gold_out
        items -= set(row.items_out)
        items |= set(row.items_in)
        goods.update(row.commodities_in)
        goods.subtract(row.commodities_out)
    return gold, items, +goods


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_the_history_adds_up_to_what_is_owned(seed: int) -> None:
    """Of every player, after any trades: gold, items and goods, to the piece. And replay writes the same rows."""
    house = Town(seed).live(60)
    again = replayed(house.records)
    for player in PLAYERS:
        assert added_up(history(house, player)) == owned(house.state(player)), player
        assert rows_of(again[store_of(player)]) == rows_of(house.state(player))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_what_one_gave_away_another_got(seed: int) -> None:
    """Whatever left a player for another is, for the same reason, in one row of exactly that other player."""
    house = Town(seed).live(60)
    rows = [(player, row) for player in PLAYERS for row in history(house, player)]
    for player, row in rows:
        if row.what in ("sold", "traded"):
            for item in row.items_out:
                got = [other for other, its in rows if its.ref == row.ref and item in its.items_in and other != player]
                assert got == [row.other]
        for item in set(row.items_in) - set(row.items_out):
            assert row.what != "granted" or ids.minter(item) == store_of(player)
