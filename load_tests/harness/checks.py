"""After the load: what was acknowledged, held against what the server says now.

A player's orders are taken back first, so that nothing moves any more for this player but what others do; then wallet,
stash, deliveries and listings are read. Gold and goods on their way between stores arrive within moments, and strangers
may trade with our players meanwhile, so what does not fit is looked at again for a while. What then does
not fit is lost (or came from nowhere).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from clients.codec import Message
from load_tests.generator import CODEC, messages
from load_tests.harness.acts import Asked, Item, Seen
from load_tests.harness.ledger import BidCount, Ledger
from load_tests.harness.load import NOT_NOW
from load_tests.harness.messages import Checked, Seat
from load_tests.harness.player import Player
from load_tests.results import LOST_SHOWN_MAX
from load_tests.websocket import Connection

LOOK_AGAIN_S = 0.2
ASKED_AGAIN_MAX = 20
PAGE = 100
STASH = "inventory.list"
"""A server may lack it: then only items that wait in deliveries are looked for."""


class Unreadable(Exception):
    """The server refuses what a check must ask."""


class _Gold(msgspec.Struct, frozen=True):
    available: int
    escrowed: int


class _Wallet(msgspec.Struct, frozen=True):
    gold: _Gold


class _Stash(msgspec.Struct, frozen=True):
    items: list[Item]
    commodities: dict[str, int]
    next: str | None


class _Delivery(msgspec.Struct, frozen=True):
    gold: int
    items: list[Item]
    commodities: dict[str, int]


class _Deliveries(msgspec.Struct, frozen=True):
    deliveries: list[_Delivery]
    next: str | None


class _Listing(Seen, frozen=True):
    bids: int
    item: Item


class _OneListing(msgspec.Struct, frozen=True):
    listing: _Listing


class Holdings(msgspec.Struct, frozen=True):
    """All that a player has."""

    gold: int
    items: set[str]
    pieces: Mapping[str, int]
    listings: Mapping[str, _Listing | None]
    """Those of the player's own that it knows of; None where the house does not."""


class Asker:
    """What is asked on one connection, one thing after the other; `methods` are those there are, None for all."""

    def __init__(self, connection: Connection, methods: Collection[str] | None, wait: Callable[[float], None]) -> None:
        self._connection = connection
        self._methods = methods
        self._wait = wait

    def ask(self, method: str, **params: Any) -> Message:
        """The answer, whatever it is; a server that says when to come again is asked again, for a while."""
        answer = self._ask(method, params)
        for _ in range(ASKED_AGAIN_MAX):
            data = {} if answer.error is None else answer.error.data or {}
            if data.get("reason") not in NOT_NOW:
                break
            self._wait(data.get("retry_after_ms", 0) / 1000)
            answer = self._ask(method, params)
        return answer

    def _ask(self, method: str, params: dict[str, Any]) -> Message:
        self._connection.send(CODEC.request(0, method, params))
        while True:
            for message in messages(self._connection):
                if message.id == 0:
                    return message

    def result(self, method: str, kind: type[Any], **params: Any) -> Any:
        """The result. Raises Unreadable."""
        message = self.ask(method, **params)
        if message.error is not None:
            raise Unreadable(f"{method} was refused: {message.error.message}")
        return CODEC.result(message.result, kind)

    def listing(self, listing: str) -> _Listing | None:
        """A listing, None where the house does not know it. Raises Unreadable."""
        message = self.ask("listing.get", listing=listing)
        if message.error is None:
            return CODEC.result(message.result, _OneListing).listing
        if (message.error.data or {}).get("reason") == "no_such_listing":
            return None
        raise Unreadable(f"listing.get was refused: {message.error.message}")

    def holdings(self, ledger: Ledger) -> Holdings:
        """What the player of this connection has."""
        items: set[str] = set()
        pieces: dict[str, int] = {}
        gold = 0
        for page in self._pages("delivery.list", _Deliveries):
            for delivery in page.deliveries:
                gold += delivery.gold
                items.update(each.item for each in delivery.items)
                for commodity, quantity in delivery.commodities.items():
                    pieces[commodity] = pieces.get(commodity, 0) + quantity
        if self._methods is not None and STASH not in self._methods:
            items |= ledger.stash
        else:
            held: dict[str, int] = {}
            for stash in self._pages(STASH, _Stash):
                items.update(each.item for each in stash.items)
                held = stash.commodities
            for commodity, quantity in held.items():
                pieces[commodity] = pieces.get(commodity, 0) + quantity
        wallet = self.result("player.get", _Wallet).gold
        listings = {listing: self.listing(listing) for listing in ledger.listings}
        return Holdings(gold + wallet.available + wallet.escrowed, items, pieces, listings)

    def _pages(self, method: str, kind: type[Any]) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            params = {"limit": PAGE} if cursor is None else {"limit": PAGE, "cursor": cursor}
            page = self.result(method, kind, **params)
            yield page
            cursor = page.next
            if cursor is None:
                return


def take_back_orders(asker: Asker, player: Player) -> None:
    """End every order of a player that still rests."""
    for order in list(player.ledger.orders):
        asked = Asked("cancel_order", {"order": order, "key": f"end-{order}"})
        answer = asker.ask(asked.act.method, **asked.params)
        outcome = player.take(asked, answer)
        if outcome != "ok" and outcome not in asked.act.expected:
            raise Unreadable(f"an order could not be taken back: {outcome}")


def complaints(name: str, ledger: Ledger, has: Holdings) -> list[str]:
    """What does not fit, in words."""
    found = [f"{name}: the listing {listing} is not there" for listing, row in has.listings.items() if row is None]
    listed = {row.listing: row for row in has.listings.values() if row is not None}
    for row in listed.values():
        if row.item.item != ledger.listings[row.listing]:
            found.append(f"{name}: the listing {row.listing} holds another item than was put up")
    sales = [row.price for row in listed.values() if row.state == "sold" and row.price is not None]
    gold = ledger.with_sales(sales)
    if not gold.holds(has.gold):
        found.append(f"{name}: has {has.gold} gold where {gold} was left by what was acknowledged")
    back = {row.item.item for row in listed.values() if row.state in ("expired", "cancelled")}
    missing = (ledger.items | back) - has.items
    found += [f"{name}: the item {item} is not in the stash, nor does it wait" for item in sorted(missing)]
    for commodity, pieces in ledger.pieces.items():
        there = has.pieces.get(commodity, 0)
        if not pieces.holds(there):
            found.append(f"{name}: has {there} of {commodity} where {pieces} was left by what was acknowledged")
    return found


def bid_complaints(counts: Mapping[str, BidCount], asker: Asker, *, ours_alone: bool) -> list[str]:
    """Listings that show fewer bids, or a lower price, than were acknowledged; or more bids than anybody made."""
    found = []
    for listing, count in counts.items():
        row = asker.listing(listing)
        if row is None:
            found.append(f"the listing {listing} is not there, and had bids")
            continue
        if row.bids < count.certain:
            found.append(f"the listing {listing} shows {row.bids} bids, {count.certain} were acknowledged")
        if ours_alone and row.bids > count.possible:
            found.append(f"the listing {listing} shows {row.bids} bids, at most {count.possible} were made")
        if (row.price or 0) < count.price:
            found.append(f"the listing {listing} stands at {row.price}, {count.price} was acknowledged")
    return found


def check_players(
    players: Sequence[tuple[Seat, Player]],
    methods: Collection[str] | None,
    connect: Callable[[Seat], Connection],
    patience_s: float,
    clock_s: Callable[[], float],
    wait: Callable[[float], None],
) -> Checked:
    """Hold every ledger against the server, player by player; what does not fit when `patience_s` are over is lost.

    Raises Unreadable, ConnectionLost and OSError.
    """
    latest_s = clock_s() + patience_s
    lost: list[str] = []
    lost_count = 0
    for seat, player in players:
        connection = connect(seat)
        asker = Asker(connection, methods, wait)
        take_back_orders(asker, player)
        found = complaints(player.name, player.ledger, asker.holdings(player.ledger))
        while found and clock_s() < latest_s:
            wait(LOOK_AGAIN_S)
            found = complaints(player.name, player.ledger, asker.holdings(player.ledger))
        connection.close()
        lost_count += len(found)
        lost += found[: LOST_SHOWN_MAX - len(lost)]
    return Checked(sum(player.ledger.acknowledged for _, player in players), lost, lost_count)
