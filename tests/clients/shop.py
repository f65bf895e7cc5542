"""A house in memory with a few things in it, and `auction client` typed in it."""

from typing import Any

from click.testing import CliRunner, Result

from clients.surroundings import Surroundings
from clients.terminal import client
from tests.clients.fake_client import PURSE, WORLD, surroundings_of
from tests.clients.fake_house import ITEM, FakeHouse, Json, Refuse, listing_of

HOME = "abcdefghijklmnopqrstuvwx"
FAR = "zyxwvutsrqponmlkjihgfexx"

BOOK = {
    "bids": [{"price": 18, "quantity": 60, "orders": 3}, {"price": 15, "quantity": 1_200, "orders": 1}],
    "asks": [{"price": 20, "quantity": 40, "orders": 1}, {"price": 22, "quantity": 120, "orders": 2}],
    "last": {"price": 19, "at_ms": 880_000},
}
ORDER = {
    "order": f"{HOME}.o3",
    "commodity": "iron_ore",
    "side": "sell",
    "price": 22,
    "quantity": 100,
    "remaining": 60,
    "at_ms": 940_000,
}
OFFER = {
    "offer": f"{FAR}.f1",
    "from": "ben",
    "to": "ann",
    "give": {"gold": 0, "items": [ITEM], "commodities": {"iron_ore": 20}},
    "want": {"gold": 500, "items": [f"{HOME}.i1"], "commodities": {}},
    "state": "open",
    "expires_at_ms": 4_600_000,
}


def order_of(params: Json) -> Json:
    """Of a hundred pieces forty are traded and sixty rest, where there is a limit; by a quote all are traded."""
    resting = 60 if "limit_price" in params else 0
    fills = [{"price": 20, "quantity": 100 - resting}]
    return {"order": f"{HOME}.o4", "filled": 100 - resting, "resting": resting, "fills": fills}


EXCHANGE: dict[str, Any] = {
    "world.commodities": lambda _player, _params: {
        "commodities": [{"commodity": "iron_ore", "name": "Iron Ore", "category": "ores", "tick": 1}]
    },
    "commodity.quote": lambda _player, params: {
        **params,
        "quote": "q.1",
        "total": 2_100,
        "levels": [{"price": 20, "quantity": 40}, {"price": 22, "quantity": 60}],
        "expires_at_ms": 1_030_000,
    },
    "commodity.buy": lambda _player, params: {**order_of(params), "paid": 800, "received": 0},
    "commodity.sell": lambda _player, params: {**order_of(params), "paid": 0, "received": 680},
    "commodity.cancel": lambda _player, params: {"order": params["order"], "returned": {"gold": 0, "quantity": 60}},
    "commodity.orders": lambda _player, _params: {"orders": [ORDER], "next": None},
    "commodity.book": lambda _player, _params: BOOK,
    "commodity.history": lambda _player, _params: {
        "candles": [
            {"at_ms": 0, "open": 20, "high": 24, "low": 18, "close": 22, "volume": 10},
            {"at_ms": 60_000, "open": 22, "high": 22, "low": 10, "close": 10, "volume": 80},
        ]
    },
}
OFFERS: dict[str, Any] = {
    "offer.make": lambda _player, _params: {"offer": f"{HOME}.f2", "state": "open"},
    "offer.accept": lambda _player, params: {"offer": params["offer"], "state": "accepted"},
    "offer.decline": lambda _player, params: {"offer": params["offer"], "state": "declined"},
    "offer.withdraw": lambda _player, params: {"offer": params["offer"], "state": "withdrawn"},
    "offer.list": lambda _player, _params: {
        "offers": [{**OFFER, "offer": f"{HOME}.f1", "from": "ann", "to": "ben"}, OFFER],
        "next": None,
    },
}
WATCHES: dict[str, Any] = {
    "watch.create": lambda _player, _params: {"watch": f"{HOME}.w1"},
    "watch.delete": lambda _player, _params: {},
    "watch.list": lambda _player, _params: {
        "watches": [
            {
                "watch": f"{HOME}.w1",
                "query": {"category": "swords", "text": None, "buyout_only": False},
                "listing": None,
                "commodity": None,
                "at_ms": 940_000,
            },
            {"watch": f"{HOME}.w2", "query": None, "listing": None, "commodity": "iron_ore", "at_ms": 940_000},
        ]
    },
}


class Shop(FakeHouse):
    """A house with a few things in it; `asked` keeps every request."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Json]] = []
        self.market = [
            listing_of(f"{FAR}.l1"),
            listing_of(f"{FAR}.l12", buyout=None, winning=True),
            listing_of(f"{HOME}.l7", mine=True, price=None, min_bid=100, bids=0),
        ]
        self.waiting = [self._delivery(number) for number in (1, 2)]
        self.handlers = {
            "world.describe": lambda _player, _params: WORLD,
            "player.get": lambda _player, _params: {**PURSE, "deliveries": len(self.waiting)},
            "inventory.list": lambda _player, _params: {
                "items": [{**ITEM, "item": f"{HOME}.i1"}, {**ITEM, "item": f"{HOME}.i2", "bound": True}],
                "commodities": {"iron_ore": 1_200},
                "next": None,
            },
            "listing.get": self._get,
            "listing.search": lambda _player, _params: {"listings": self.market, "next": None, "as_of_ms": 1_000_000},
            "listing.mine": lambda _player, _params: {"listings": self.market[2:], "next": None},
            "bids.mine": lambda _player, _params: {
                "bids": [{"listing": self.market[1], "amount": 300, "winning": True}],
                "next": None,
            },
            "listing.create": lambda _player, params: {
                "listing": listing_of(f"{HOME}.l8", mine=True, start_bid=params.get("start_bid"))
            },
            "listing.bid": lambda _player, params: {"listing": listing_of(params["listing"]), "winning": True},
            "listing.buyout": lambda _player, params: {
                "listing": listing_of(params["listing"], state="sold"),
                "item": ITEM,
                "paid": params["price"],
            },
            "listing.cancel": lambda _player, params: {"listing": listing_of(params["listing"], state="cancelled")},
            "delivery.list": lambda _player, _params: {"deliveries": self.waiting, "next": None},
            "delivery.claim": self._claim,
            **EXCHANGE,
            **OFFERS,
            **WATCHES,
        }

    def answer(self, player: str, method: str, params: Json) -> Json:
        """As any house, and remember it."""
        self.asked.append((method, params))
        return super().answer(player, method, params)

    def asked_for(self, method: str) -> list[Json]:
        """Params of all requests of a method, without their keys."""
        return [
            {name: value for name, value in params.items() if name != "key"}
            for asked, params in self.asked
            if asked == method
        ]

    def _get(self, _player: str, params: Json) -> Json:
        for listing in self.market:
            if listing["listing"] == params["listing"]:
                return {"listing": listing}
        raise Refuse(-32004, "no_such_listing")

    def _claim(self, _player: str, params: Json) -> Json:
        for delivery in self.waiting:
            if delivery["delivery"] == params["delivery"]:
                self.waiting.remove(delivery)
                return {"delivery": delivery}
        raise Refuse(-32004, "no_such_delivery")

    def _delivery(self, number: int) -> Json:
        return {
            "delivery": f"{HOME}.d{number}",
            "kind": "proceeds",
            "gold": 1_500,
            "items": [],
            "commodities": {},
            "listing": None,
            "at_ms": 400_000,
        }


def type_in(shop: Shop, *words: str, around: Surroundings | None = None, keys: str | None = None) -> Result:
    """What a person sees after typing this."""
    words = ("--token", "token-ann", *words)
    return CliRunner().invoke(client, words, obj=around or surroundings_of(shop), input=keys, env={"COLUMNS": "130"})


def ok(result: Result) -> str:
    """The output of a command that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout
