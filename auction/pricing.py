"""The arithmetic of prices: increments, proxy bidding, fees and deposits. Whole gold in, whole gold out."""

from auction.amounts import checked, share_rounded_up
from auction.state import Listing, ListingRules
from worlddata.types import BASIS_POINTS, Rules


def increment(price: int, rules: ListingRules) -> int:
    """Least raise over a price: its share, rounded down, but at least `increment_min`."""
    return max(rules.increment_min, price * rules.increment_bp // BASIS_POINTS)


def max_bid(row: Listing) -> int:
    """The largest maximum that a listing takes: one below its buyout, and never more than the house's `price_max`."""
    return row.rules.price_max if row.buyout is None else min(row.buyout - 1, row.rules.price_max)


def min_bid(row: Listing) -> int | None:
    """The least a new bidder may offer; None where no bid can be taken."""
    if row.state != "open" or row.start_bid is None:
        return None
    least = row.start_bid if row.price is None else row.price + increment(row.price, row.rules)
    return least if least <= max_bid(row) else None


def contest(row: Listing, bidder: str, amount: int) -> tuple[str, int, int]:
    """Leader, its maximum and the visible price after a new bidder's maximum (proxy bidding, second price).

    The price is `start_bid` with one bidder, else the second maximum plus the increment, but never more than the
    leader's maximum. At equal maxima the earlier leads.
    """
    if row.leader is None:
        assert row.start_bid is not None
        return bidder, amount, row.start_bid
    if amount > row.leader_max:
        return bidder, amount, min(amount, row.leader_max + increment(row.leader_max, row.rules))
    return row.leader, row.leader_max, min(row.leader_max, amount + increment(amount, row.rules))


def fee(price: int, rules: ListingRules) -> int:
    """The house's share of a sale, rounded up once: the seller's proceeds are rounded down."""
    return checked(share_rounded_up(price, rules.fee_bp))


def deposit(start_bid: int | None, buyout: int | None, rules: Rules) -> int:
    """What a seller leaves at creation: a share of `start_bid`, or of `buyout` without one, rounded up."""
    price = start_bid if start_bid is not None else buyout
    assert price is not None
    return checked(share_rounded_up(price, rules.deposit_bp))


def extended_end_ms(row: Listing, now_ms: int) -> int:
    """When a listing ends after a new bidder's bid (soft close).

    A bid within `snipe_window_s` of the end leaves at least `snipe_extension_s`; all extensions together move the first
    end by `snipe_max_s` at most.
    """
    rules = row.rules
    if row.ends_at_ms - now_ms > rules.snipe_window_s * 1000:
        return row.ends_at_ms
    latest_ms = row.first_ends_at_ms + rules.snipe_max_s * 1000
    return max(row.ends_at_ms, min(now_ms + rules.snipe_extension_s * 1000, latest_ms))
