"""What a player can do: from what the player knows to one request, and from the answer back to what it knows.

Each act is one request, so that a latency is the latency of one thing. Which act comes, on what (`player.which`), and
how much (`player.much`), are chances within 0 … 1 that are drawn from the player's own seed for every request, whatever
was answered before: the same seed gives the same requests in the same order. Where an act finds nothing to act on, the
player looks around instead.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from load_tests.generator import CODEC
from load_tests.harness.ledger import LISTINGS_KEPT, Order
from load_tests.scenario import ActName

if TYPE_CHECKING:
    from load_tests.harness.player import Player

HEADROOM_MAX = 20
"""By how much at most a bid offers more than it must."""
TIMID = 0.125
"""The share of bids that offer the least that was heard of, whatever others offer meanwhile: most of them lose."""
LOT_MAX = 10
"""Pieces of one order at most."""
PRICE_TICKS = 100
"""What a piece costs about, in its commodity's ticks."""
SPREAD_TICKS = 5
"""How far from that orders are priced at most, to either side."""
BOOK_DEPTH = 10
DELIVERIES_SHOWN = 20

Params = dict[str, Any]
NO_RESULT = msgspec.Raw()


class Asked:
    """One request as a player makes it, and then its answer: a result, or a reason with its figures."""

    __slots__ = ("act", "data", "name", "params", "reason", "result")

    def __init__(self, name: ActName, params: Params) -> None:
        self.name = name
        self.act = ACTS[name]
        self.params = params
        self.result = NO_RESULT
        self.reason = ""
        self.data: dict[str, Any] = {}


def _nothing(_player: "Player", _asked: Asked) -> None:
    """There is nothing to remember."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that players do."""

    method: str
    ask: "Callable[[Player], Params | None]"
    """What to ask for; None where there is nothing to act on."""
    done: "Callable[[Player, Asked], None]" = _nothing
    """Take in the result; where nothing is remembered of it, it is left unread."""
    refused: "Callable[[Player, Asked], None]" = _nothing
    unknown: "Callable[[Player, Asked], None]" = _nothing
    """No answer came, and no more will be asked."""
    expected: frozenset[str] = frozenset()
    """Refusals that are part of the game; any other is a failure."""
    keyed: bool = False
    """A mutation: its repeats carry its key."""
    anew: bool = False
    """It is made on a new connection; that this is opened belongs to it."""
    leaves: bool = False
    """The player hangs up when it is answered."""


class Seen(msgspec.Struct, frozen=True):
    """Of a Listing of the protocol, what players here go by."""

    listing: str
    price: int | None
    min_bid: int | None
    buyout: int | None
    state: str


class Told(msgspec.Struct, frozen=True):
    """An event of the protocol."""

    seq: int
    type: str
    data: dict[str, Any]


class Item(msgspec.Struct, frozen=True):
    """Of an Item of the protocol, its id."""

    item: str


class _OneListing(msgspec.Struct, frozen=True):
    listing: Seen


class _Bought(msgspec.Struct, frozen=True):
    item: Item
    paid: int


class _Delivery(msgspec.Struct, frozen=True):
    delivery: str
    items: list[Item]


class _Waiting(msgspec.Struct, frozen=True):
    deliveries: list[_Delivery]


class _Claimed(msgspec.Struct, frozen=True):
    delivery: _Delivery


class _Placed(msgspec.Struct, frozen=True):
    order: str
    filled: int
    resting: int
    paid: int
    received: int


class _Returned(msgspec.Struct, frozen=True):
    gold: int
    quantity: int


class _TakenBack(msgspec.Struct, frozen=True):
    returned: _Returned


class _Missed(msgspec.Struct, frozen=True):
    events: list[Told]
    next_seq: int


def _search(player: "Player") -> Params:
    queries = player.board.queries
    return queries[int(player.which * len(queries))]


def _look(player: "Player") -> Params | None:
    lot = player.board.market.pick(player.which)
    return None if lot is None else {"listing": lot.listing}


def _looked(player: "Player", asked: Asked) -> None:
    player.board.seen(CODEC.result(asked.result, _OneListing).listing)


def _wallet(_player: "Player") -> Params:
    return {}


def _reconnect(player: "Player") -> Params:
    return {"seq": player.seq}


def _reconnected(player: "Player", asked: Asked) -> None:
    missed = CODEC.result(asked.result, _Missed)
    for event in missed.events:
        player.told(event)
    player.seq = max(player.seq, missed.next_seq)


def _bid(player: "Player") -> Params | None:
    lot = player.board.auctions.pick(player.which)
    if lot is None:
        return None
    amount = max(lot.min_bid, player.leads.get(lot.listing, 0) + 1)
    if player.much > TIMID:
        amount = lot.offered = max(amount, lot.offered + 1) + int(player.much * HEADROOM_MAX)
    return {"listing": lot.listing, "amount": amount}


def _bid_leads(player: "Player", asked: Asked) -> None:
    listing = CODEC.result(asked.result, _OneListing).listing
    player.ledger.bid(listing.listing, raised=listing.listing in player.leads, price=listing.price or 0)
    player.leads[listing.listing] = asked.params["amount"]
    player.board.seen(listing)


def _bid_refused(player: "Player", asked: Asked) -> None:
    listing = asked.params["listing"]
    if asked.reason == "outbid":
        player.leads.pop(listing, None)
        player.ledger.bid(listing, raised=False, price=asked.data["price"])
    elif asked.reason == "listing_closed":
        player.board.gone(listing)
    player.board.heard(listing, asked.data.get("min_bid"))


def _bid_unknown(player: "Player", asked: Asked) -> None:
    player.leads[asked.params["listing"]] = asked.params["amount"]
    player.ledger.bid_unknown(asked.params["listing"])


def _buyout(player: "Player") -> Params | None:
    lot = player.board.bargains.pick(player.which, player.name)
    return None if lot is None else {"listing": lot.listing, "price": lot.buyout}


def _bought(player: "Player", asked: Asked) -> None:
    bought = CODEC.result(asked.result, _Bought)
    player.ledger.bought(bought.item.item, bought.paid)
    player.leads.pop(asked.params["listing"], None)
    player.board.gone(asked.params["listing"])


def _buyout_refused(player: "Player", asked: Asked) -> None:
    if asked.reason in ("listing_closed", "price_changed"):
        player.board.gone(asked.params["listing"])


def _buyout_unknown(player: "Player", asked: Asked) -> None:
    player.ledger.gold.maybe(-asked.params["price"])
    player.board.gone(asked.params["listing"])


def _sell(player: "Player") -> Params | None:
    if not player.stash or len(player.ledger.listings) >= LISTINGS_KEPT:
        return None
    return {"item": player.stash.popleft(), **player.board.prices, "duration_s": player.board.duration_s}


def _put_up(player: "Player", asked: Asked) -> None:
    listing = CODEC.result(asked.result, _OneListing).listing
    player.ledger.listed(listing.listing, asked.params["item"], max(player.board.prices.values()))
    player.board.put_up(listing, player.name)


def _sell_refused(player: "Player", asked: Asked) -> None:
    player.stash.append(asked.params["item"])


def _sell_unknown(player: "Player", asked: Asked) -> None:
    player.ledger.listing_unknown(asked.params["item"])


def _deliveries(_player: "Player") -> Params:
    return {"limit": DELIVERIES_SHOWN}


def _deliveries_seen(player: "Player", asked: Asked) -> None:
    for waiting in CODEC.result(asked.result, _Waiting).deliveries:
        player.waiting[waiting.delivery] = None


def _claim(player: "Player") -> Params | None:
    return {"delivery": player.waiting.popitem()[0]} if player.waiting else None


def _claimed(player: "Player", asked: Asked) -> None:
    claimed = CODEC.result(asked.result, _Claimed).delivery
    player.stash.extend(player.ledger.claimed([each.item for each in claimed.items]))


def _claim_unknown(player: "Player", _asked: Asked) -> None:
    player.ledger.claim_unknown()


def _book(player: "Player") -> Params:
    return {"commodity": player.board.ware(player.which).commodity, "depth": BOOK_DEPTH}


def _order(player: "Player") -> Params:
    """At about the usual price; how much is told by the finer part of the chance that chose the commodity."""
    ware = player.board.ware(player.which)
    ticks = PRICE_TICKS - SPREAD_TICKS + int(player.much * (2 * SPREAD_TICKS + 1))
    quantity = 1 + int(player.which * 1_000 % 1 * LOT_MAX)
    return {"commodity": ware.commodity, "quantity": quantity, "limit_price": ticks * ware.tick}


def _ordered(player: "Player", asked: Asked) -> None:
    placed = CODEC.result(asked.result, _Placed)
    terms = Order(asked.params["commodity"], asked.name == "buy_pieces", asked.params["limit_price"], placed.resting)
    player.ledger.ordered(placed.order, terms, placed.filled, placed.paid, placed.received)


def _order_unknown(player: "Player", asked: Asked) -> None:
    terms = Order(
        *(asked.params["commodity"], asked.name == "buy_pieces"),
        *(asked.params["limit_price"], asked.params["quantity"]),
    )
    player.ledger.order_unknown(terms)


def _take_back(player: "Player") -> Params | None:
    order = next(iter(player.ledger.orders), None)
    return None if order is None else {"order": order}


def _taken_back(player: "Player", asked: Asked) -> None:
    returned = CODEC.result(asked.result, _TakenBack).returned
    player.ledger.order_ended(asked.params["order"], returned.gold, returned.quantity)


def _not_taken_back(player: "Player", asked: Asked) -> None:
    if asked.reason in ORDER_OVER:
        player.ledger.order_ended(asked.params["order"])


def _take_back_unknown(player: "Player", asked: Asked) -> None:
    player.ledger.order_maybe_ended(asked.params["order"])


ORDER_OVER = frozenset(("order_closed", "no_such_order"))
"""An order that is asked back was filled by then."""
_BID_LOST = frozenset(("outbid", "bid_too_low", "listing_closed", "price_out_of_range", "bid_limit", "own_listing"))
_TOO_LATE = frozenset(("listing_closed", "price_changed", "own_listing", "insufficient_gold"))
_NO_ROOM = frozenset(("delivery_claimed", "stash_full", "wallet_full"))
_NO_ORDER = frozenset(("order_limit", "buy_limit", "insufficient_goods", "insufficient_gold"))

ACTS: dict[ActName, Act] = {
    "search": Act(method="listing.search", ask=_search),
    "look": Act(method="listing.get", ask=_look, done=_looked),
    "wallet": Act(method="player.get", ask=_wallet),
    "bid": Act(
        method="listing.bid",
        ask=_bid,
        done=_bid_leads,
        refused=_bid_refused,
        unknown=_bid_unknown,
        expected=_BID_LOST,
        keyed=True,
    ),
    "buyout": Act(
        method="listing.buyout",
        ask=_buyout,
        done=_bought,
        refused=_buyout_refused,
        unknown=_buyout_unknown,
        expected=_TOO_LATE,
        keyed=True,
    ),
    "sell": Act(
        method="listing.create",
        ask=_sell,
        done=_put_up,
        refused=_sell_refused,
        unknown=_sell_unknown,
        expected=frozenset(("listing_limit",)),
        keyed=True,
    ),
    "deliveries": Act(method="delivery.list", ask=_deliveries, done=_deliveries_seen),
    "claim": Act(
        method="delivery.claim", ask=_claim, done=_claimed, unknown=_claim_unknown, expected=_NO_ROOM, keyed=True
    ),
    "book": Act(method="commodity.book", ask=_book),
    "buy_pieces": Act(
        method="commodity.buy", ask=_order, done=_ordered, unknown=_order_unknown, expected=_NO_ORDER, keyed=True
    ),
    "sell_pieces": Act(
        method="commodity.sell", ask=_order, done=_ordered, unknown=_order_unknown, expected=_NO_ORDER, keyed=True
    ),
    "cancel_order": Act(
        method="commodity.cancel",
        ask=_take_back,
        done=_taken_back,
        refused=_not_taken_back,
        unknown=_take_back_unknown,
        expected=ORDER_OVER,
        keyed=True,
    ),
    "login": Act(method="player.get", ask=_wallet, anew=True, leaves=True),
    "reconnect": Act(method="events.since", ask=_reconnect, done=_reconnected, anew=True),
}
