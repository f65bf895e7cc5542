"""Quotes: held to for a while, by whoever was given them, once, and never filled worse."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auction.commands import BuyCommodity
from auction.market import matching, quotes
from auction.market.quotes import QUOTE_S, QUOTES_USED_MAX, Quote, quote_id, read_quote
from auction.results import Level
from tests.auction.house import CATALOG, MAX, START_MS, House, refused
from tests.auction.ordering import book, buy, quote, resting, sell, take_back, use
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """Al buys with gold; bo sells 5 tin at 4 and 5 at 6, and buys 5 at 2 and 5 at 1."""
    house = House()
    house.grant("al", gold=1_000, commodities={"tin": 100})
    house.grant("bo", gold=1_000, commodities={"tin": 100})
    house.grant("cy", gold=1_000, commodities={"tin": 100})
    for price in (6, 4):
        sell(house, "bo", 5, price)
    for price in (1, 2):
        buy(house, "bo", 5, price)
    return house


class TestAsking:
    """What a quote says."""

    def test_it_says_what_all_pieces_cost_or_bring(self, house: House) -> None:
        """Level by level, the best first; a sale before the fee. It changes nothing."""
        before = book(house)
        bought = quote(house, "al", "buy", 7)
        assert (bought.total, bought.levels) == (32, [Level(4, 5), Level(6, 2)])
        assert (bought.side, bought.commodity, bought.quantity) == ("buy", "tin", 7)
        assert bought.expires_at_ms == START_MS + QUOTE_S * 1_000
        sold = quote(house, "al", "sell", 7)
        assert (sold.total, sold.levels) == (12, [Level(2, 5), Level(1, 2)])
        assert book(house) == before

    def test_the_book_must_offer_as_much(self, house: House) -> None:
        """Otherwise it says how much it does."""
        assert refused(quote(house, "al", "buy", 11)) == ("insufficient_goods", {"available": 10})
        assert quote(house, "al", "buy", 10).total == 50
        assert refused(quote(house, "al", "sell", MAX)) == ("insufficient_goods", {"available": 10})

    def test_it_promises_no_more_than_one_order_can_meet(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is quoted can be had."""
        monkeypatch.setattr(matching, "FILLS_MAX", 1)
        assert refused(quote(house, "al", "buy", 6)) == ("insufficient_goods", {"available": 5})
        assert use(house, "al", quote(house, "al", "buy", 5)).filled == 5


class TestUsing:
    """What an order by a quote does."""

    def test_it_is_filled_whole(self, house: House) -> None:
        """For what was said; nothing rests."""
        assert use(house, "al", quote(house, "al", "buy", 7)).paid == 32
        answer = use(house, "al", quote(house, "al", "sell", 7))
        assert (answer.filled, answer.resting, answer.received) == (7, 0, (10 - 2) + (2 - 1))
        assert (house.wallet("al"), house.escrowed("al"), resting(house, "al")) == (968, 0, {})

    @pytest.mark.parametrize("side", ["buy", "sell"])
    def test_it_is_filled_better_when_the_market_moved_for_the_player(self, house: House, side: Any) -> None:
        """A buyer has the difference back at once, a seller gets more."""
        quoted = quote(house, "al", side, 5)
        order = sell if side == "buy" else buy
        order(house, "cy", 5, 3)
        answer = use(house, "al", quoted)
        assert answer.fills == [Level(3, 5)]
        assert (answer.paid, answer.received) == ((15, 0) if side == "buy" else (0, 15 - 3))
        assert house.wallet("al") == (985 if side == "buy" else 1_000)

    @pytest.mark.parametrize(("side", "price"), [("buy", 22), ("sell", 9)])
    def test_it_is_never_filled_worse(self, house: House, side: Any, price: int) -> None:
        """Where the book no longer offers that, nothing happens; the refusal says what it would be now."""
        quoted = quote(house, "al", side, 5)
        (buy if side == "buy" else sell)(house, "cy", 1, 4 if side == "buy" else 2)
        before = book(house)
        assert refused(use(house, "al", quoted, key="k")) == ("price_changed", {"price": price})
        assert (house.wallet("al"), book(house)) == (1_000, before)
        (sell if side == "buy" else buy)(house, "cy", 1, 4 if side == "buy" else 2)
        assert use(house, "al", quoted, key="k").filled == 5

    @pytest.mark.parametrize(("side", "second", "total"), [("buy", 21, 41), ("sell", 19, 39)])
    def test_a_single_gold_is_worse(self, side: Any, second: int, total: int) -> None:
        """Two pieces for 40 are not had for 41, nor sold for 39."""
        house = House()
        for player in ("al", "bo"):
            house.grant(player, gold=100, commodities={"tin": 10})
        rest = sell if side == "buy" else buy
        order = rest(house, "bo", 2, 20).order
        quoted = quote(house, "al", side, 2)
        take_back(house, "bo", order)
        rest(house, "bo", 1, 20)
        rest(house, "bo", 1, second)
        assert refused(use(house, "al", quoted)) == ("price_changed", {"price": total})

    def test_the_same_total_is_no_worse(self, house: House) -> None:
        """Other orders, other prices, but the same gold."""
        take_back(house, "bo", next(order for order in resting(house, "bo")))
        quoted = quote(house, "al", "buy", 4)
        assert quoted.total == 16
        buy(house, "cy", 5, 4)
        sell(house, "cy", 2, 3)
        sell(house, "bo", 2, 5)
        assert use(house, "al", quoted).fills == [Level(3, 2), Level(5, 2)]

    def test_a_book_that_offers_less_says_no_price(self, house: House) -> None:
        """There is none for so many pieces any more."""
        quoted = quote(house, "al", "buy", 10)
        buy(house, "cy", 1, 9)
        assert refused(use(house, "al", quoted)) == ("price_changed", {"price": None})

    @pytest.mark.parametrize(("late_ms", "reason"), [(-1, None), (0, "quote_expired"), (1, "quote_expired")])
    def test_it_is_held_for_so_long(self, house: House, late_ms: int, reason: str | None) -> None:
        """To the millisecond that was told."""
        quoted = quote(house, "al", "buy", 5)
        house.now_ms = quoted.expires_at_ms + late_ms
        answer = use(house, "al", quoted)
        assert answer.filled == 5 if reason is None else refused(answer) == (reason, {})

    def test_it_is_used_once(self, house: House) -> None:
        """A second use is refused as long as it would be held, and after; a repeat under its key is no second use."""
        quoted = quote(house, "al", "buy", 1)
        first = use(house, "al", quoted, key="k")
        assert first.filled == 1
        for late_ms in (1, 29_000, 60_000):
            house.now_ms = START_MS + late_ms
            assert refused(use(house, "al", quoted)) == ("quote_expired", {})
        assert house.answer("al", BuyCommodity(quote=quoted.quote, key="k")).encoded is not None

    def test_two_quotes_of_one_instant_are_two(self, house: House) -> None:
        """Each can be used."""
        first, second = quote(house, "al", "buy", 2), quote(house, "al", "buy", 2)
        assert first.quote != second.quote
        assert use(house, "al", first).filled == use(house, "al", second).filled == 2

    def test_it_belongs_to_who_asked(self, house: House) -> None:
        """Another player, or the other side, was never given it."""
        quoted = quote(house, "al", "buy", 5)
        assert refused(use(house, "cy", quoted)) == ("no_such_quote", {})
        assert refused(use(house, "al", replace(quoted, side="sell"))) == ("no_such_quote", {})

    def test_gold_and_goods_come_last(self, house: House) -> None:
        """Who cannot pay hears so, of a quote that is good."""
        house.grant("poor", gold=19)
        assert refused(use(house, "poor", quote(house, "poor", "buy", 5))) == ("insufficient_gold", {"available": 19})
        assert refused(use(house, "poor", quote(house, "poor", "sell", 1)))[0] == "insufficient_goods"

    def test_used_quotes_are_remembered_until_they_would_have_expired(self, house: House) -> None:
        """And no longer: the next that is used sweeps them out."""
        for _ in range(3):
            use(house, "al", quote(house, "al", "buy", 1))
            house.now_ms += 10_000
        assert len(house.state("al").quotes) == 3
        use(house, "al", quote(house, "al", "buy", 1))
        assert len(house.state("al").quotes) == 3

    def test_so_many_are_used_at_most(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond that the player waits for the oldest to expire, as long as is said."""
        monkeypatch.setattr("auction.market.orders.QUOTES_USED_MAX", 2)
        assert QUOTES_USED_MAX == 1_000
        for _ in range(2):
            use(house, "al", quote(house, "al", "buy", 1))
            house.now_ms += 1_000
        quoted = quote(house, "al", "buy", 1)
        assert refused(use(house, "al", quoted)) == ("rate_limited", {"retry_after_ms": 28_000})
        house.now_ms += 28_000
        assert use(house, "al", quoted).filled == 1

    def test_a_new_world_may_have_another_price_range(self, house: House) -> None:
        """A quote is held to all the same: it promises a total, not a limit."""
        quoted = quote(house, "al", "buy", 5)
        house.catalog = replace(house.catalog, rules=Rules(price_max=3))
        assert use(house, "al", quoted).paid == 20


TEXTS = st.text(alphabet=st.characters(codec="ascii"), min_size=1, max_size=80)


class TestIds:
    """What a quote's id is."""

    @given(
        player=st.from_regex(r"[A-Za-z0-9_-]{1,64}\Z"),
        commodity=st.sampled_from(sorted(CATALOG.commodities)),
        side=st.sampled_from(["buy", "sell"]),
        quantity=st.integers(1, MAX),
        total=st.integers(1, MAX),
        expires_at_ms=st.integers(0, MAX),
        salt=st.binary(min_size=4, max_size=4),
    )
    def test_it_says_all_that_was_promised(
        self, player: str, commodity: str, side: Any, quantity: int, total: int, expires_at_ms: int, salt: bytes
    ) -> None:
        """To the house, for the player alone, within the length that ids may have."""
        promised = Quote(commodity, side, quantity, total, expires_at_ms, salt)
        context = House().context()
        text = quote_id(promised, player, context)
        assert len(text) <= 80
        assert read_quote(text, player, context) == promised
        assert read_quote(text, player + "x", context) is None

    @given(text=TEXTS)
    def test_no_other_text_is_one(self, text: str) -> None:
        """Whatever somebody makes up."""
        assert read_quote(text, "al", House().context()) is None

    @given(place=st.integers(0, 59), other=st.sampled_from("ABCXYZabcxyz0189-_=+/ "))
    def test_a_text_that_was_changed_is_none(self, place: int, other: str) -> None:
        """Not one character of it can be another, so no quote has two ids."""
        context = House().context()
        text = quote_id(Quote("tin", "buy", 5, 20, START_MS, b"salt"), "al", context)
        changed = text[:place] + other + text[place + 1 :]
        assert (read_quote(changed, "al", context) is None) == (changed != text)
        assert read_quote(text + other, "al", context) is None
        assert read_quote(text[:place] + other + text[place:], "al", context) is None

    def test_a_commodity_that_is_no_more_has_no_quotes(self, house: House) -> None:
        """A world without it cannot trade it; one with more commodities can."""
        quoted = quote(house, "al", "buy", 5)
        world = house.catalog
        house.catalog = replace(world, commodities={"salt": world.commodities["salt"]})
        assert refused(use(house, "al", quoted)) == ("no_such_quote", {})
        house.catalog = replace(world, commodities={"amber": world.commodities["salt"], **world.commodities})
        assert use(house, "al", quoted).filled == 5

    def test_commodities_with_the_same_mark_are_told_apart(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Should two ever share it, the seal still says which was meant."""
        monkeypatch.setattr(quotes, "_mark", lambda _commodity: b"same")
        sell(house, "bo", 5, 50, commodity="tin")
        assert use(house, "al", quote(house, "al", "buy", 5)).paid == 20

    def test_another_houses_quote_is_none(self, house: House) -> None:
        """It has another key."""
        quoted = quote(house, "al", "buy", 5)
        raw = base64.urlsafe_b64decode(quoted.quote)
        forged = base64.urlsafe_b64encode(raw[:-12] + bytes(12)).decode()
        assert refused(use(house, "al", replace(quoted, quote=forged))) == ("no_such_quote", {})
