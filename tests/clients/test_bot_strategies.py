"""What bots want, read as transcripts: view in, intention out."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.results import (
    DeliveriesResult,
    InventoryResult,
    PlayerResult,
    SearchResult,
    WorldResult,
)
from auction.state import Item
from clients.bots.intentions import (
    Adventure,
    Bid,
    BuyOut,
    Claim,
    Intention,
    Leave,
    Look,
    SeeDeliveries,
    SeeStash,
    SeeWallet,
    Sell,
)
from clients.bots.population import PLAYERS_MAX, SHARES, loot, population, starting_gift
from clients.bots.strategies import BIDS_A_VISIT, PURSE_SHARE_MAX, SALES_A_VISIT, STRATEGIES, Life, Trade
from clients.bots.worth import Appraiser
from clients.errors import Outbid, Refused
from tests.clients.fake_client import NOW_MS, PURSE, WORLD
from tests.clients.fake_house import ITEM, listing_of

RULES = msgspec.convert(WORLD, WorldResult)
TRADE = Trade(
    appraiser=Appraiser(RULES.rarities),
    categories=["swords", "bows"],
    durations_s=(3_600, 43_200),
    listings_max=10,
    price_max=2**53 - 1,
)
OUTBID = Outbid(-32003, "outbid", "no", {"price": 130, "min_bid": 137})


class World:
    """What a bot meets: every intention gets a plausible outcome out of these lists."""

    def __init__(self, *, gold: int = 5_000, deliveries: int = 0, items: int = 0, **listing: Any) -> None:
        self.purse = {**PURSE, "gold": {"available": gold, "escrowed": 0}, "deliveries": deliveries, "listings": 0}
        self.items = [{**ITEM, "item": f"ann.i{number}"} for number in range(items)]
        self.found = [listing_of(f"s{number}.l1", **listing) for number in range(10)]
        self.refuse: dict[type, Exception] = {}

    def outcome(self, intention: Intention) -> Any:
        """What comes back."""
        if type(intention) in self.refuse:
            return self.refuse[type(intention)]
        match intention:
            case SeeWallet():
                return msgspec.convert(self.purse, PlayerResult)
            case SeeDeliveries():
                waiting = [
                    {"delivery": f"ann.d{n}", "kind": "won", "gold": 0, "items": [], "commodities": {}, "listing": None}
                    for n in range(self.purse["deliveries"])
                ]
                return msgspec.convert(
                    {"deliveries": [{**each, "at_ms": 1} for each in waiting], "next": None}, DeliveriesResult
                )
            case SeeStash():
                return msgspec.convert({"items": self.items, "commodities": {}, "next": None}, InventoryResult)
            case Look():
                return msgspec.convert({"listings": self.found, "next": None, "as_of_ms": NOW_MS}, SearchResult)
            case _:
                return None

    def visit(self, life: Life) -> list[Intention]:
        """One visit from arriving to leaving."""
        intentions = [life.send(None)]
        while not isinstance(intentions[-1], Leave):
            assert len(intentions) < 50
            intentions.append(life.send(self.outcome(intentions[-1])))
        return intentions


def life_of(name: str, seed: int = 1) -> Life:
    """A life of a strategy."""
    return STRATEGIES[name](TRADE, Random(seed), lambda: NOW_MS)


def kinds(intentions: list[Intention]) -> list[str]:
    """Their names."""
    return [type(intention).__name__ for intention in intentions]


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_wants_the_same(name: str) -> None:
    """Two lives of one seed, in the same world, are the same for many visits; another seed differs."""
    worlds = [World(items=7, buyout=400, ends_at_ms=NOW_MS + 1_000) for _ in range(3)]
    lives = [life_of(name, seed) for seed in (1, 1, 2)]
    first, same, other = ([world.visit(life) for _ in range(5)] for world, life in zip(worlds, lives, strict=True))
    assert first == same
    assert first != other


@pytest.mark.parametrize("name", STRATEGIES)
@given(
    gold=st.integers(0, 2**53 - 1),
    items=st.integers(0, 20),
    deliveries=st.integers(0, 30),
    price=st.integers(1, 2**53 - 3),
    taken=st.booleans(),
    seed=st.integers(0, 100),
)
def test_no_bot_wants_what_it_cannot_have(
    name: str, gold: int, items: int, deliveries: int, price: int, taken: bool, seed: int
) -> None:
    """Whatever the market, bids are at least min_bid, below the buyout and within the purse; prices are in bounds."""
    world = World(
        gold=gold,
        items=items,
        deliveries=deliveries,
        price=price,
        min_bid=None if taken else price + 1,
        buyout=price + 2,
        ends_at_ms=NOW_MS + 1_000,
    )
    world.refuse[Bid] = OUTBID
    life = life_of(name, seed)
    for intention in [*world.visit(life), *world.visit(life)]:
        match intention:
            case Bid(amount=amount):
                assert not taken
                assert price + 1 <= amount < price + 2
                assert amount <= gold * PURSE_SHARE_MAX
            case BuyOut(price=paid):
                assert paid == price + 2 <= gold * PURSE_SHARE_MAX
            case Sell():
                offered = [p for p in (intention.start_bid, intention.buyout) if p is not None]
                assert offered and all(1 <= p < 2**53 for p in offered)
                assert offered == sorted(offered)
                assert intention.duration_s in TRADE.durations_s


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_visit_begins_with_claiming(name: str) -> None:
    """Whoever comes in counts the gold and claims what waits."""
    visit = World(deliveries=2, items=1).visit(life_of(name))
    assert kinds(visit)[:5] == ["SeeWallet", "SeeDeliveries", "Claim", "Claim", "SeeWallet"]
    assert [intention.delivery for intention in visit if isinstance(intention, Claim)] == ["ann.d0", "ann.d1"]


def test_a_seller_lists_a_few_items_a_visit() -> None:
    """A seller fills the house by and by, and leaves."""
    visit = World(items=9).visit(life_of("seller"))
    assert kinds(visit) == ["SeeWallet", "SeeStash", *["Sell"] * SALES_A_VISIT, "Leave"]


def test_what_comes_back_unsold_gets_cheaper() -> None:
    """Over many visits, the same item is asked for less and less."""
    world, life = World(items=1), life_of("seller")
    prices = []
    for _ in range(30):
        (offer,) = [intention for intention in world.visit(life) if isinstance(intention, Sell)]
        prices.append(offer.buyout or offer.start_bid)
    assert sum(prices[20:]) < sum(prices[:10]) / 3


def test_a_seller_stops_when_the_house_says_enough() -> None:
    """After a refusal nothing more is offered in that visit."""
    world = World(items=9)
    world.refuse[Sell] = Refused(-32003, "listing_limit", "no", {})
    assert kinds(world.visit(life_of("seller"))) == ["SeeWallet", "SeeStash", "Sell", "Leave"]


def test_who_has_nothing_goes_on_an_adventure() -> None:
    """An empty stash is filled outside the house."""
    assert kinds(World().visit(life_of("seller"))) == ["SeeWallet", "SeeStash", "Adventure", "Leave"]
    assert Adventure() not in World(items=3).visit(life_of("seller"))


def test_a_bargain_hunter_buys_what_is_cheap() -> None:
    """A buyout far below worth is taken; at many times the worth nothing is wanted at all."""
    cheap = World(buyout=20, price=10, min_bid=11).visit(life_of("bargain_hunter"))
    assert [intention for intention in cheap if isinstance(intention, BuyOut)]
    dear = World(buyout=90_000, price=80_000, min_bid=84_000).visit(life_of("bargain_hunter"))
    assert not [intention for intention in dear if isinstance(intention, Bid | BuyOut)]


def test_a_sniper_waits_for_the_end() -> None:
    """A sniper bids on what ends within minutes and on nothing else."""
    late = World(ends_at_ms=NOW_MS + 60_000).visit(life_of("sniper"))
    assert kinds(late).count("Bid") == BIDS_A_VISIT
    early = World(ends_at_ms=NOW_MS + 3_600_000).visit(life_of("sniper"))
    assert "Bid" not in kinds(early)


def test_a_collector_comes_back_once_when_outbid() -> None:
    """A collector has a second, higher limit for what it loves, and respects it."""
    world = World(price=130, min_bid=137, buyout=None)
    world.refuse[Bid] = OUTBID
    bids = [intention for intention in world.visit(life_of("collector", seed=4)) if isinstance(intention, Bid)]
    assert len(bids) == 2 * BIDS_A_VISIT
    assert all(again.amount >= first.amount for first, again in zip(bids[::2], bids[1::2], strict=True))


def test_a_collector_keeps_treasures_of_its_shelves() -> None:
    """Rare items of loved shelves are not sold; with two shelves in the house, all are loved."""
    visit = World(items=3).visit(life_of("collector"))
    assert "Sell" not in kinds(visit)


def test_own_listings_and_leads_are_left_alone() -> None:
    """No bot bids on its own listing or against itself."""
    for changed in ({"mine": True}, {"winning": True, "buyout": None}):
        visit = World(ends_at_ms=NOW_MS + 1_000, **changed).visit(life_of("sniper"))
        assert "Bid" not in kinds(visit)


def test_worth_grows_with_level_and_rarity() -> None:
    """An appraiser agrees with the packaged world's guidance within a factor of two, and orders items sensibly."""
    item = msgspec.convert({**ITEM, "rarity": "common", "stats": {"damage": 1}}, Item)
    worth = TRADE.appraiser.worth
    at = {level: worth(msgspec.structs.replace(item, level=level)) for level in (1, 7, 24, 44, 66, 89)}
    assert list(at.values()) == sorted(at.values())
    for level, guidance in {7: 33, 24: 210, 44: 550, 66: 1_300, 89: 2_000}.items():
        assert guidance / 2 < at[level] < guidance * 2
    assert worth(msgspec.structs.replace(item, rarity="rare")) == pytest.approx(9 * at[7] * (12 / 7) ** 1.54, rel=0.1)


def test_a_population_is_made_of_its_seed() -> None:
    """Same seed, same bots; more players begin with the fewer; names are players' names and differ."""
    few, many = population(5, 10), population(5, PLAYERS_MAX)
    assert few == many[:10]
    assert population(6, 10) != few
    assert len({bot.player for bot in many}) == PLAYERS_MAX
    assert all(bot.player.replace("-", "").isalnum() and len(bot.player) <= 64 for bot in many)
    assert {bot.strategy for bot in many} == SHARES.keys() == STRATEGIES.keys()


def test_gifts_have_keys_of_their_own() -> None:
    """Starting gifts and each hour's loot are the same however often asked for, and differ by bot and hour."""
    one, two = population(1, 2)
    bases = ["a", "b", "c"]
    assert starting_gift(one, bases) == starting_gift(one, bases)
    hour = 3_600_000
    keys = {loot(bot, bases, at).key for bot in (one, two) for at in (0, hour - 1, hour, 2 * hour)}
    assert len(keys) == 6
    assert starting_gift(one, bases).key != starting_gift(two, bases).key
    assert all(len(key) <= 64 for key in keys)
