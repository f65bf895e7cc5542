"""How often one player may ask: a token bucket for each class of methods, where the rules name a rate.

A bucket holds tokens up to `burst` and gains `per_s` of them a second; a request takes one, or is refused and told how
long to wait for the next. Whole numbers alone: thousandths of a token, of which `per_s` come in a millisecond.
"""

import msgspec

from auction import commands
from auction.commands import Ask
from auction.refusals import Refusal
from worlddata.types import Rate, RateClass

CLASSES: dict[type[Ask], RateClass] = {
    commands.DescribeWorld: "read",
    commands.ListBases: "read",
    commands.ListCommodities: "read",
    commands.ListInventory: "read",
    commands.GetListing: "read",
    commands.MyListings: "read",
    commands.MyBids: "read",
    commands.ListDeliveries: "read",
    commands.QuoteCommodity: "read",
    commands.GetBook: "read",
    commands.GetCandles: "read",
    commands.MyOrders: "read",
    commands.ListOffers: "read",
    commands.ListWatches: "read",
    commands.SearchListings: "search",
    commands.CreateListing: "trade",
    commands.PlaceBid: "trade",
    commands.BuyOut: "trade",
    commands.CancelListing: "trade",
    commands.BuyCommodity: "order",
    commands.SellCommodity: "order",
    commands.CancelOrder: "order",
    commands.MakeOffer: "offer",
    commands.AcceptOffer: "offer",
    commands.DeclineOffer: "offer",
    commands.WithdrawOffer: "offer",
    commands.ClaimDelivery: "other",
    commands.CreateWatch: "other",
    commands.DeleteWatch: "other",
}
"""Question → its class. What stands not here has no rate: what a client needs to come back after it was cut off
(`GetPlayer`, `EventsSince`), and what no player may ask.
"""

TOKEN = 1_000
"""Thousandths of a token."""


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """What is left, as of an instant of a clock that never goes back."""

    level: int
    at_ms: int


def spend(bucket: Bucket | None, rate: Rate, now_ms: int) -> Bucket | Refusal:
    """The bucket after one more request; or `rate_limited`, and the bucket stays as it is. None is a full one.

    Who is refused, and asks nothing else of the class in the meantime, is served after `retry_after_ms`.
    """
    full = rate.burst * TOKEN
    level = full if bucket is None else min(full, bucket.level + (now_ms - bucket.at_ms) * rate.per_s)
    if level < TOKEN:
        return Refusal("rate_limited", {"retry_after_ms": -((level - TOKEN) // rate.per_s)})
    return Bucket(level - TOKEN, now_ms)
