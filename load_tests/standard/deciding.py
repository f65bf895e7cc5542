"""Bids and buyouts decided in Python, by the prices and rows of `auction`: what a worker does with rows it has locked.

As in a node, the listing's side decides first and says what the player's side must do (a BidVote, a BuyoutVote). A
refusal is a Trade without a row. Nothing here knows a database: players are changed in place, and written by whoever
called.
"""

from typing import Any, NamedTuple

import msgspec

from auction.amounts import fits
from auction.events import BidTaken, ListingClosed
from auction.evolve import after_bid, after_close
from auction.legs import BidVote, BuyoutVote
from auction.pricing import contest, extended_end_ms, fee, max_bid, min_bid
from auction.state import Listing
from load_tests.standard.rows import Trade


class Player(msgspec.Struct):
    """What a trade changes in a row of `players`."""

    player: str
    gold: int = 0
    escrowed: int = 0
    leads: int = 0
    open_listings: int = 0
    deliveries: int = 0
    seq: int = 0


class Entry(NamedTuple):
    """A row of `ledger`, without its instant and its listing."""

    amount: int
    player: str
    debit: str
    credit: str
    reason: str


class Waiting(NamedTuple):
    """A row of `deliveries` that has no number yet; `goods` come with the listing's item."""

    player: str
    kind: str
    gold: int


class Changes(msgspec.Struct):
    """What a trade does beside the listing."""

    reason: str | None = None
    """`outbid`, of a bid that only moved the price."""
    players: list[Player] = []
    entries: list[Entry] = []
    waiting: dict[str, Waiting] = {}
    """By what a Trade calls their numbers: refund, goods, proceeds."""
    gold: int | None = None
    """The seller's proceeds."""
    told: dict[str, Any] = {}
    """Who led, and the number of each one's latest event, by what a Trade calls them."""


def take_bid(row: Listing, bidder: str, amount: int, now_ms: int) -> BidVote | Trade:
    """Listing's side of a bid, as `auction.listings.take_bid`."""
    refused = _closed_to(row, bidder, now_ms)
    if refused is not None:
        return refused
    if row.start_bid is None:
        return Trade("not_for_bids")
    if amount > max_bid(row):
        return Trade("price_out_of_range", max_bid(row))
    if row.leader == bidder:
        return _raise(row, bidder, amount, now_ms)
    least = min_bid(row)
    if least is None or amount < least:
        return Trade("bid_too_low", least)
    leader, leader_max, price = contest(row, bidder, amount)
    ends_at_ms = extended_end_ms(row, now_ms)
    after = after_bid(row, BidTaken(row.listing, leader, leader_max, price, row.bids + 1, ends_at_ms, now_ms))
    leads = leader == bidder
    return BidVote(after, leads, led=False, covered=amount, held=amount if leads else 0)


def pay_bid(vote: BidVote, row: Listing, bidder: Player, former: Player | None, max_bids: int) -> Changes | Trade:
    """Bidder's side of a bid on a listing that stood as `row`; `former` is given where somebody else led and does no
    more.
    """
    if not vote.led and bidder.leads >= max_bids:
        return Trade("bid_limit")
    if bidder.gold < vote.covered:
        return Trade("insufficient_gold", bidder.gold)
    if not vote.leads:
        return Changes("outbid")
    changes = Changes(players=[bidder])
    bidder.gold -= vote.held
    bidder.escrowed += vote.held
    bidder.leads += not vote.led
    _enter(changes, bidder.player, "bid", (vote.held, "escrow", "wallet"))
    if former is not None:
        _give_back(changes, row, former)
    return changes


def take_buyout(row: Listing, buyer: str, price: int, now_ms: int) -> BuyoutVote | Trade:
    """Listing's side of a buyout, as `auction.listings.take_buyout`."""
    refused = _closed_to(row, buyer, now_ms)
    if refused is not None:
        return refused
    if row.buyout is None:
        return Trade("no_buyout")
    if price != row.buyout:
        return Trade("price_changed", row.buyout)
    due = price - row.leader_max if row.leader == buyer else price
    closed = ListingClosed(row.listing, "sold", price, buyer, due, fee(price, row.rules), 0, now_ms)
    return BuyoutVote(after_close(row, closed), due)


def pay_buyout(vote: BuyoutVote, row: Listing, buyer: Player, seller: Player, former: Player | None) -> Changes | Trade:
    """Buyer's side of a buyout, and what comes of it for all the others."""
    price = row.buyout
    assert price is not None, row
    if buyer.gold < vote.due:
        return Trade("insufficient_gold", buyer.gold)
    held = price - vote.due
    buyer.gold -= vote.due
    buyer.escrowed -= held
    buyer.leads -= held > 0
    changes = Changes(players=[buyer, seller])
    _enter(changes, buyer.player, "buyout", (vote.due, "elsewhere", "wallet"), (held, "elsewhere", "escrow"))
    if former is not None:
        _give_back(changes, row, former)
    _leave_waiting(changes, "goods", buyer, Waiting(buyer.player, "bought", 0))
    changes.told["buyer_seq"] = buyer.seq
    _pay_seller(changes, row, seller, price)
    return changes


def _closed_to(row: Listing, player: str, now_ms: int) -> Trade | None:
    if row.seller == player:
        return Trade("own_listing")
    return Trade("listing_closed") if row.state != "open" or now_ms >= row.ends_at_ms else None


def _raise(row: Listing, leader: str, amount: int, now_ms: int) -> BidVote | Trade:
    """The leader raises its own maximum; price, count and end stay."""
    if amount <= row.leader_max:
        least = row.leader_max + 1
        return Trade("bid_too_low", least if least <= max_bid(row) else None)
    assert row.price is not None, row
    after = after_bid(row, BidTaken(row.listing, leader, amount, row.price, row.bids, row.ends_at_ms, now_ms))
    added = amount - row.leader_max
    return BidVote(after, leads=True, led=True, covered=added, held=added)


def _give_back(changes: Changes, row: Listing, former: Player) -> None:
    """The whole maximum goes back into the wallet, or waits as a delivery where the wallet would pass its bound."""
    former.escrowed -= row.leader_max
    former.leads -= 1
    former.seq += 1
    to = "wallet"
    if fits(former.gold + row.leader_max):
        former.gold += row.leader_max
    else:
        to = "waiting"
        _leave_waiting(changes, "refund", former, Waiting(former.player, "refund", row.leader_max))
    _enter(changes, former.player, "refund", (row.leader_max, to, "escrow"))
    changes.players.append(former)
    changes.told |= {"former": former.player, "former_seq": former.seq}


def _pay_seller(changes: Changes, row: Listing, seller: Player, price: int) -> None:
    """The price less the fee waits for the seller, together with the deposit."""
    kept = fee(price, row.rules)
    changes.gold = price - kept + row.deposit
    seller.open_listings -= 1
    seller.seq += 1
    if changes.gold:
        _leave_waiting(changes, "proceeds", seller, Waiting(seller.player, "proceeds", changes.gold))
    changes.told["seller_seq"] = seller.seq
    moved = ((price - kept, "waiting", "elsewhere"), (kept, "burned", "elsewhere"), (row.deposit, "waiting", "deposit"))
    _enter(changes, seller.player, "sale", *moved)


def _leave_waiting(changes: Changes, role: str, player: Player, waiting: Waiting) -> None:
    """A delivery, of which its player is told."""
    changes.waiting[role] = waiting
    player.deliveries += 1
    player.seq += 1


def _enter(changes: Changes, player: str, reason: str, *moved: tuple[int, str, str]) -> None:
    changes.entries += [Entry(amount, player, debit, credit, reason) for amount, debit, credit in moved if amount]
