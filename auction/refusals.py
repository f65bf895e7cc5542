"""The "no" of the rules: values with a stable reason and figures, never exceptions.

`REASONS` is the whole list with the text a player's developer reads; `docs/protocol.md` repeats it, and a test holds
the two together. Whether a reason is a state of the world (`no_such_listing`) or of the rules (`outbid`) decides its
JSON-RPC code, which is the wire's business (`shardnode.wire.errors`).
"""

from collections.abc import Iterable

import msgspec

REASONS: dict[str, str] = {
    "insufficient_gold": "The wallet does not hold enough gold; data.available says what it holds.",
    "insufficient_goods": "The stash, or for a quote the book, does not hold enough of a commodity.",
    "not_owner": "The listing belongs to another player.",
    "own_listing": "A player cannot bid on or buy the own listing.",
    "bound_item": "The item is bound to its owner and cannot be traded.",
    "listing_limit": "The player has as many open listings as the rules allow; wait for one to end or cancel one.",
    "bid_limit": "The player leads as many listings as the rules allow.",
    "stash_full": "The stash has no room for this; sell or take out items first.",
    "wallet_full": "The wallet cannot hold that much more gold; spend some first.",
    "bid_too_low": "The bid is below data.min_bid.",
    "outbid": "Another's maximum is as high or higher; data.price and data.min_bid say where the listing stands now.",
    "not_for_bids": "The listing has no start_bid; it can only be bought out.",
    "no_buyout": "The listing has no buyout price; it can only be bid on.",
    "listing_closed": "The listing has ended.",
    "price_changed": "The price is not the one given; data.price is the current one, of a quote the total.",
    "price_out_of_range": "The price is outside what the rules or the listing allow; data says the bounds (min, max).",
    "duration_not_offered": "The duration is not one of data.durations_s.",
    "cancel_window_over": "The listing can no longer be cancelled.",
    "has_bids": "A listing with bids cannot be cancelled.",
    "delivery_claimed": "The delivery was claimed before.",
    "rate_limited": "The player asks too often, or used too many keys; try again after data.retry_after_ms.",
    "key_reused": "The key was used for another request; choose a new key for a new request.",
    "cursor_mismatch": "The cursor belongs to another query; start again without a cursor.",
    "cursor_expired": "The cursor is too old; start again without a cursor.",
    "frozen": "An operator has stopped trading in this; data.what says in what. It goes on when that is lifted.",
    "quote_expired": "The quote is too old or was used; ask for a new one.",
    "order_closed": "Nothing of the order is left in the book.",
    "order_limit": "As many orders rest as the rules allow; wait for one to be filled or cancel one.",
    "buy_limit": "The player ordered as much of it as the rules allow for now; data.left may still be ordered, "
    "more after data.retry_after_ms.",
    "offer_closed": "The offer is no longer open.",
    "offer_limit": "The player has as many open offers as the rules allow; wait for an answer or withdraw one.",
    "inbox_full": "The other player takes no further offers now; try again when some were answered.",
    "watch_limit": "The player has as many watches as the rules allow; delete one.",
    "freeze_limit": "As many things are frozen as can be at once; thaw one.",
    "relist_cooldown": "The item was bought too lately to be listed; try again after data.retry_after_ms.",
    "too_new": "The player is too new to trade; try again after data.retry_after_ms.",
    "no_such_order": "The player never placed such an order.",
    "no_such_quote": "The player was never given such a quote.",
    "no_such_offer": "There is no such offer for this player.",
    "no_such_watch": "The player has no such watch.",
    "no_such_category": "The catalog has no such category.",
    "no_such_listing": "There is no such listing.",
    "no_such_item": "The player's stash holds no such item.",
    "no_such_base": "The catalog has no such base.",
    "no_such_commodity": "The catalog has no such commodity.",
    "no_such_delivery": "The player never had such a delivery.",
    "no_such_player": "No player of this name was ever named by a token or a grant.",
}

ORDER: tuple[str, ...] = (
    "no_such_listing",
    "no_such_offer",
    "no_such_player",
    "no_such_item",
    "no_such_commodity",
    "own_listing",
    "frozen",
    "listing_closed",
    "offer_closed",
    "bound_item",
    "not_for_bids",
    "no_buyout",
    "price_changed",
    "price_out_of_range",
    "bid_too_low",
    "too_new",
    "bid_limit",
    "offer_limit",
    "inbox_full",
    "insufficient_gold",
    "insufficient_goods",
)
"""What a trade may be refused for, in the order in which the house checks it, whichever store has it to say: existence,
ownership, frozen, state, price, limits, gold and goods."""


class Refusal(msgspec.Struct, frozen=True):
    """A "no" with its stable reason and figures. It changed nothing, except that `outbid` moved a price."""

    reason: str
    data: dict[str, int | str | list[int] | None] = {}

    def __post_init__(self) -> None:
        """Hold the reason to the list."""
        assert self.reason in REASONS, self.reason


def first_of(refusals: Iterable[Refusal]) -> Refusal | None:
    """Of what several stores have against a trade, the refusal that is told; None for none."""
    return min(refusals, key=lambda refusal: ORDER.index(refusal.reason), default=None)
