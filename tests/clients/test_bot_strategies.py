"""What bots want, read as transcripts: view in, intention out."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.state import Item
from clients.bots.habits import BIDS_A_VISIT, PURSE_SHARE_MAX, SALES_A_VISIT
from clients.bots.intentions import (
    Adventure,
    AnswerOffer,
    Bid,
    BuyOut,
    Claim,
    MakeOffer,
    Order,
    Sell,
    TakeQuote,
    Unwatch,
    Watch,
)
from clients.bots.population import (
    FRIENDS_OF_A_GUEST,
    GATHER_EVERY_MS,
    PLAYERS_MAX,
    SHARES,
    friends,
    harvest,
    loot,
    population,
    specialities,
    starting_gift,
)
from clients.bots.strategies import STRATEGIES, WATCHES_KEPT
from clients.errors import Frozen, Outbid, Refused
from shardnode.wire.events import ListingsMatched
from tests.clients.bot_world import AMONG_FRIENDS, TRADE, WARES, World, kinds, life_of, wanted
from tests.clients.fake_client import NOW_MS
from tests.clients.fake_house import ITEM, listing_of

OUTBID = Outbid(-32003, "outbid", "no", {"price": 130, "min_bid": 137})


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_wants_the_same(name: str) -> None:
    """Two lives of one seed, in the same world, are the same for many visits; another seed differs."""
    worlds = [World(items=7, buyout=400, ends_at_ms=NOW_MS + 1_000) for _ in range(3)]
    for world in worlds:
        world.pieces = {"iron_ore": 500, "silver": 80}
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
            case Order(side="buy", quantity=quantity, limit_price=limit_price):
                assert quantity * limit_price <= gold * PURSE_SHARE_MAX
            case Order(side="sell"):
                raise AssertionError("there are no pieces")


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


def test_an_undercutter_asks_less_than_the_cheapest_rival() -> None:
    """By a little, or less than what such things sold for; nobody else's price means the worth, and half of it is the
    least.
    """
    world = World(items=1, buyout=700)
    assert [each.buyout for each in wanted(world.visit(life_of("undercutter")), Sell)] == [670]
    world.market = {"median_price": 600, "sold_24h": 3}
    assert [each.buyout for each in wanted(world.visit(life_of("undercutter")), Sell)] == [580]
    (least,) = wanted(World(items=1, buyout=1).visit(life_of("undercutter")), Sell)
    (worth,) = wanted(World(items=1, buyout=300, mine=True).visit(life_of("undercutter")), Sell)
    assert (least.start_bid, worth.start_bid) == (None, None)
    assert least.buyout is not None and worth.buyout is not None
    assert worth.buyout * 0.4 < least.buyout < worth.buyout * 0.6


def test_a_bargain_hunter_keeps_a_few_watches() -> None:
    """Searches are saved up to a number, and one is changed now and then."""
    world = World()
    assert len(wanted(world.visit(life_of("bargain_hunter")), Watch)) == 1
    kept = {"query": {}, "listing": None, "commodity": None, "at_ms": 1}
    world.watches = [{**kept, "watch": f"ann.w{number}"} for number in range(WATCHES_KEPT)]
    life = life_of("bargain_hunter")
    visits = [world.visit(life) for _ in range(50)]
    assert not [each for visit in visits for each in wanted(visit, Watch)]
    assert {each.watch for visit in visits for each in wanted(visit, Unwatch)} == {"ann.w0"}


def test_a_bargain_hunter_snaps_up_what_watches_tell() -> None:
    """What was told of while the hunter was here is bought like what was found."""
    world = World()
    world.found = []
    told = {"watch": "w", "at_ms": 1, "data": {"listings": [listing_of("told.l1", buyout=20)], "missed": 0}}
    world.told = [msgspec.convert(told, ListingsMatched)]
    assert wanted(world.visit(life_of("bargain_hunter")), BuyOut) == [BuyOut("told.l1", 20)]


def test_friends_are_offered_things_for_a_little_less() -> None:
    """Some items go to friends, for gold or for pieces, for no more than they are worth."""
    world, life = World(items=5), life_of("seller", trade=AMONG_FRIENDS)
    made = [offer for _ in range(40) for offer in wanted(world.visit(life), MakeOffer)]
    assert {offer.to for offer in made} == set(AMONG_FRIENDS.friends)
    assert {frozenset(offer.want) for offer in made} == {frozenset({"gold"}), frozenset({"commodities"})}
    assert all(set(offer.give) == {"items"} for offer in made)


@pytest.mark.parametrize(
    ("give", "want", "answer"),
    [
        ({"gold": 100}, {"gold": 0, "commodities": {"iron_ore": 1}}, "accept"),
        ({"gold": 1}, {"gold": 100}, "decline"),
        ({"gold": 10}, {"items": ["ann.i1"]}, "decline"),
        ({"items": [ITEM]}, {"gold": 5_000}, "decline"),
    ],
)
def test_offers_are_judged_by_their_worth(give: Any, want: Any, answer: str) -> None:
    """What is worth what it costs, and can be paid, is accepted; items of one's own are not parted with so."""
    world = World()
    world.offers = [_offer(give, want)]
    life = life_of("seller", trade=AMONG_FRIENDS)
    answers = {each.answer for _ in range(10) for each in wanted(world.visit(life), AnswerOffer)}
    assert answers == {answer}


def test_what_cannot_be_accepted_is_declined() -> None:
    """A refusal on accepting leaves no offer open for ever."""
    world = World()
    world.offers = [_offer({"gold": 100}, {"commodities": {"iron_ore": 1}})]
    world.refuse[AnswerOffer] = Refused(-32003, "insufficient_goods", "no", {})
    life = life_of("seller", trade=AMONG_FRIENDS)
    answers = [each.answer for _ in range(10) for each in wanted(world.visit(life), AnswerOffer)]
    assert answers[::2] == ["accept"] * (len(answers) // 2) and answers[1::2] == ["decline"] * (len(answers) // 2)


def test_own_offers_are_taken_back_now_and_then() -> None:
    """And never accepted."""
    world = World()
    world.offers = [_offer({"gold": 100}, {}, maker="ann", to="ben")]
    life = life_of("seller", trade=AMONG_FRIENDS)
    assert {each.answer for _ in range(40) for each in wanted(world.visit(life), AnswerOffer)} == {"withdraw"}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_frozen_house_is_outlived(name: str) -> None:
    """Where every change is refused `frozen`, visits go on to their end, again and again."""
    world = World(items=5, deliveries=2, buyout=20, price=10, min_bid=11, ends_at_ms=NOW_MS + 1_000)
    world.pieces = {"iron_ore": 500}
    world.offers = [_offer({"gold": 100}, {})]
    frozen = Frozen(-32003, "frozen", "no", {"what": "house"})
    changes = (Claim, Sell, Bid, BuyOut, Order, TakeQuote, MakeOffer, AnswerOffer, Watch, Unwatch)
    world.refuse = dict.fromkeys(changes, frozen)
    life = life_of(name, trade=AMONG_FRIENDS)
    assert all(kinds(world.visit(life))[-1] == "Leave" for _ in range(10))


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


def test_even_a_small_population_has_one_of_each() -> None:
    """Every strategy is there as soon as there are as many players."""
    assert [bot.strategy for bot in population(7, len(SHARES))] == list(SHARES)


def test_friendship_is_mutual() -> None:
    """Everybody has friends among the others, nobody is its own."""
    for players in (1, 2, 3, 10):
        bots = population(5, players)
        circle = dict(zip((bot.player for bot in bots), friends(bots), strict=True))
        assert all(player not in near for player, near in circle.items())
        assert all(player in circle[friend] for player, near in circle.items() for friend in near)
        assert all(len(near) == min(2, players - 1) for near in circle.values())
    invited = friends(population(5, 10), "guest")
    assert [place for place, near in enumerate(invited) if "guest" in near] == list(range(FRIENDS_OF_A_GUEST))


def test_pieces_come_from_the_start_and_from_gathering() -> None:
    """Everybody starts with its specialities and gathers no other; a harvest is the same however often asked for."""
    bot = population(1, 1)[0]
    known = specialities(bot, WARES, 60)
    assert starting_gift(bot, ["a"], known).commodities.keys() == {ware.commodity for ware in known}
    for at_ms in range(0, 10 * GATHER_EVERY_MS, GATHER_EVERY_MS):
        gift = harvest(bot, known, at_ms)
        assert gift == harvest(bot, known, at_ms + GATHER_EVERY_MS - 1)
        assert gift.key != harvest(bot, known, at_ms + GATHER_EVERY_MS).key
        ((commodity, quantity),) = gift.commodities.items()
        assert commodity in {ware.commodity for ware in known} and quantity >= 1


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


def _offer(give: Any, want: Any, *, maker: str = "ben", to: str = "ann") -> Any:
    """An open offer."""
    return {
        "offer": "o.f1",
        "from": maker,
        "to": to,
        "give": give,
        "want": want,
        "state": "open",
        "expires_at_ms": NOW_MS + 1_000,
    }
