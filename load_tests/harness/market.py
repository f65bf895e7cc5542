"""The market of a run, made before its first request: who sells what, what players hold, and where each connects."""

import secrets
from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Any, Literal

import msgspec

from load_tests.generator import CODEC
from load_tests.harness.acts import Params, Seen
from load_tests.harness.ledger import Terms
from load_tests.harness.messages import MarketSeen, Seat
from load_tests.harness.player import Lot, Ware
from load_tests.harness.target import Target
from load_tests.house import call_all
from load_tests.scenario import Scenario, ScenarioFault

QUERIES = 200
"""Searches that players choose from."""
PAGE = 20
"""Listings that a search shows."""
ITEMS_A_GRANT_MAX = 200
BASES_MAX = 100
MARGIN_S = 600
"""Listings last as much longer than the load at least, so that none ends meanwhile."""
RARES = 2
"""How many of the rarest rarities a search for rare things names."""

Connect = Literal["any", "home"]
"""Players connect to the nodes in turn, or each to the node that is its home."""


class _Rules(msgspec.Struct, frozen=True):
    fee_bp: int
    deposit_bp: int
    max_listings: int
    durations_s: list[int]


class _Category(msgspec.Struct, frozen=True):
    category: str


class _Rarity(msgspec.Struct, frozen=True):
    rarity: str


class _World(msgspec.Struct, frozen=True):
    rules: _Rules
    categories: list[_Category]
    rarities: list[_Rarity]


class _Base(msgspec.Struct, frozen=True):
    base: str
    name: str


class _Bases(msgspec.Struct, frozen=True):
    bases: list[_Base]


class _Commodities(msgspec.Struct, frozen=True):
    commodities: list[Ware]


class _Item(msgspec.Struct, frozen=True):
    item: str


class _Granted(msgspec.Struct, frozen=True):
    items: list[_Item]


class _Created(msgspec.Struct, frozen=True):
    listing: Seen


class _Home(msgspec.Struct, frozen=True):
    node: str


class MarketMaker:
    """Makes the market of one run on a server, as somebody with the role `service`."""

    def __init__(self, target: Target, scenario: Scenario, seed: int, names: str, connect: Connect) -> None:
        """`names` is what the names of all players of the run begin with."""
        self._target = target
        self._scenario = scenario
        self._connect = connect
        self._names = names
        self._chances = Random(f"{seed} market")  # noqa: S311 - a market is repeated by its seed
        self._service = target.connect(next(iter(target.urls)), "load-test", "service")

    def close(self) -> None:
        """Hang up."""
        self._service.close()

    def make(self) -> tuple[list[Seat], MarketSeen]:
        """Everything; who plays, and what they find. Raises ScenarioFault, and Refused where the server refuses it."""
        scenario, market = self._scenario, self._scenario.market
        world: _World = self._one("world.describe", _World)
        bases = self._one("world.bases", _Bases, limit=BASES_MAX).bases
        wares: list[Ware] = []
        if market.commodities:
            wares = self._one("world.commodities", _Commodities).commodities[: market.commodities]
        if len(wares) < market.commodities:
            raise ScenarioFault(f"this world has {len(wares)} commodities: set market.commodities to that, or fewer")
        duration_s = max(world.rules.durations_s)
        if duration_s < scenario.seconds + scenario.warm_up_s + MARGIN_S:
            raise ScenarioFault(
                f"listings of this house last {duration_s} s at most, and would end while the load is checked: set a "
                f"longer duration in its rule durations_s, {MARGIN_S} s more than the load takes"
            )
        prices = {"start_bid": market.start_bid, "buyout": market.buyout}
        terms = {name: price for name, price in prices.items() if price is not None}
        lots = self._listings(world.rules, bases, {**terms, "duration_s": duration_s})
        seats = self._seats(bases, wares)
        queries = list(self._queries(world, bases))
        fees = Terms(world.rules.fee_bp, world.rules.deposit_bp)
        return seats, MarketSeen(lots, wares, queries, terms, duration_s, fees)

    def _listings(self, rules: _Rules, bases: Sequence[_Base], terms: Params) -> list[Lot]:
        """Put up what the market's own sellers sell."""
        left = self._scenario.market.listings
        each = min(self._scenario.market.listings_a_seller, rules.max_listings, ITEMS_A_GRANT_MAX)
        counts = [min(each, left - first) for first in range(0, left, each)]
        sellers = [f"{self._names}seller-{number}" for number in range(len(counts))]
        goods = (self._items(bases, count) for count in counts)
        granted = self._grant({"player": seller, "items": items} for seller, items in zip(sellers, goods, strict=True))
        urls = self._urls(sellers)
        lots = []
        for seller, url, items in zip(sellers, urls, granted, strict=True):
            connection = self._target.signer.connect(url, seller)
            made = call_all(connection, (("listing.create", {"item": item, **terms}) for item in items))
            connection.close()
            for listing in (CODEC.result(raw, _Created).listing for raw in made):
                lots.append(Lot(listing.listing, listing.min_bid or 0, listing.buyout))
        return lots

    def _seats(self, bases: Sequence[_Base], wares: Sequence[Ware]) -> list[Seat]:
        """Give the players what they begin with, and a token each."""
        market = self._scenario.market
        names = [f"{self._names}player-{number}" for number in range(self._scenario.players)]
        pieces = {ware.commodity: market.pieces for ware in wares} if market.pieces else {}
        goods: Params = {"gold": market.gold, **({"commodities": pieces} if pieces else {})}
        granted = self._grant({"player": name, "items": self._items(bases, market.items), **goods} for name in names)
        return [
            Seat(number, name, url, self._target.signer.token(name), items)
            for number, (name, url, items) in enumerate(zip(names, self._urls(names), granted, strict=True))
        ]

    def _grant(self, grants: Iterator[Params]) -> list[list[str]]:
        """The items of each."""
        requests = (("admin.grant", {**each, "key": secrets.token_hex(8)}) for each in grants)
        return [[item.item for item in CODEC.result(raw, _Granted).items] for raw in call_all(self._service, requests)]

    def _items(self, bases: Sequence[_Base], count: int) -> list[Params]:
        return [{"base": self._chances.choice(bases).base} for _ in range(count)]

    def _urls(self, names: Sequence[str]) -> list[str]:
        """Where each of these connects."""
        urls = self._target.urls
        if self._connect == "any" or len(urls) == 1:
            return [url for _, url in zip(names, cycle(urls.values()), strict=False)]
        asked = call_all(self._service, (("admin.player", {"player": name}) for name in names))
        homes = [CODEC.result(raw, _Home).node for raw in asked]
        unknown = sorted(set(homes) - urls.keys())
        if unknown:
            raise ScenarioFault(f"players live on {', '.join(unknown)}: give the URL of every node, or --connect any")
        return [urls[home] for home in homes]

    def _queries(self, world: _World, bases: Sequence[_Base]) -> Iterator[Params]:
        """What players search for: a category, a base, a word, what is rare, what can be bought at once."""
        choice = self._chances.choice
        rare = [each.rarity for each in world.rarities[-RARES:]]
        kinds: Sequence[Any] = (
            lambda: {"category": choice(world.categories).category, "sort": "price"},
            lambda: {"base": choice(bases).base, "sort": "price"},
            lambda: {"text": choice(choice(bases).name.split()), "sort": "ends_at"},
            lambda: {"category": choice(world.categories).category, "rarity": rare, "sort": "level", "order": "desc"},
            lambda: {"buyout_only": True, "category": choice(world.categories).category, "sort": "buyout"},
        )
        for number in range(QUERIES):
            yield {**kinds[number % len(kinds)](), "limit": PAGE}

    def _one(self, method: str, kind: type[Any], **params: Any) -> Any:
        (raw,) = call_all(self._service, [(method, params)])
        return CODEC.result(raw, kind)
