"""What a person reads when the house says no: one sentence of what happened, and what to do next."""

from collections import defaultdict

from clients.errors import REPEATED, AuctionError, BadParams, Forbidden, InDoubt, Unauthenticated
from clients.terminal.tables import lasting

ADVICE = {
    "insufficient_gold": "You have {available} gold to spend; offer less, or sell something first.",
    "insufficient_goods": "There are not that many: see `stash` for what you have, `book` for what is offered.",
    "not_owner": "That listing is another player's; see `listings` for yours.",
    "own_listing": "That listing is your own; you can `cancel` it, but not buy it.",
    "bound_item": "That item is bound to you and cannot be sold.",
    "listing_limit": "You have as many open listings as the house allows; wait for one to end, or `cancel` one.",
    "bid_limit": "You lead as many listings as the house allows; wait for one to end.",
    "stash_full": "Your stash is full; sell something, then `claim` again.",
    "wallet_full": "Your wallet cannot hold that much more gold; spend some, then `claim` again.",
    "bid_too_low": "The least you can bid now is {min_bid}.",
    "outbid": "Another player's maximum is as high or higher. The price is {price} now; bid {min_bid} or more.",
    "not_for_bids": "That listing takes no bids; use `buyout`.",
    "no_buyout": "That listing has no buyout price; use `bid`.",
    "listing_closed": "That listing has ended; see `search` for others.",
    "price_changed": "The price is {price} now; look again and decide anew.",
    "price_out_of_range": "That price is not allowed here ({figures}); choose another.",
    "duration_not_offered": "The house offers these durations, in seconds: {durations_s}.",
    "cancel_window_over": "It is too late to cancel that listing; it runs to its end.",
    "has_bids": "That listing has bids and cannot be cancelled any more.",
    "frozen": "An operator has stopped trading there ({what}); try again later, your goods are safe.",
    "quote_expired": "That quote is too old or was used; ask for another with `quote`.",
    "order_closed": "Nothing of that order is left in the book; see `deliveries`.",
    "order_limit": "As many orders rest as the house allows; `cancel` one, or wait until one is filled.",
    "buy_limit": "You may order {left} more of it for now; order fewer, or wait {wait}.",
    "offer_closed": "That offer is no longer open; see `offers`.",
    "offer_limit": "You have as many open offers as the house allows; `withdraw` one, or wait for an answer.",
    "inbox_full": "That player takes no further offers now; try again when some were answered.",
    "watch_limit": "You have as many watches as the house allows; `unwatch` one.",
    "freeze_limit": "As many things are frozen as can be at once; `auction thaw` one.",
    "relist_cooldown": "You bought that item too lately to sell it; wait {wait}.",
    "too_new": "You are too new here to trade; wait {wait}.",
    "delivery_claimed": "That delivery was claimed before; see `wallet` and `stash`.",
    "key_reused": "That key was used for another request; give a new one.",
    "cursor_mismatch": "The list changed its filters on the way; ask for it again.",
    "cursor_expired": "The list is too old to go on with; ask for it again.",
    "no_such_listing": "There is no such listing (any more); see `search`.",
    "no_such_item": "You have no such item; see `stash`.",
    "no_such_base": "The world has no such base; `auction world show` lists them.",
    "no_such_commodity": "The world has no such commodity; `commodities` lists them.",
    "no_such_category": "The world has no such shelf; `auction world show` lists them.",
    "no_such_order": "You have no such order; see `orders`.",
    "no_such_quote": "You were given no such quote; ask for one with `quote`.",
    "no_such_offer": "There is no such offer for you; see `offers`.",
    "no_such_watch": "You have no such watch; see `watches`.",
    "no_such_delivery": "You have no such delivery; see `deliveries`.",
    "no_such_player": "There is no such player.",
    "unauthenticated": "Log in: give --token, or --data and --as.",
    "token_expired": "Your token has expired; get a new one with `auction token`.",
    "token_invalid": "Your token is not one of this house; get one with `auction token`.",
    "forbidden": "Your token's role may not do that.",
    "rate_limited": "Too many requests; try again in a moment.",
    "in_doubt": "It may have been done and the house could not say so; look at `bids`, `listings`, `orders`, `offers` "
    "and `wallet` before you repeat it.",
}
"""Reason → what to do next; names in braces are the error's figures, {figures} is all of them, {wait} how long."""

EXIT_REFUSED = 1
EXIT_MISTYPED = 2
"""As click's own usage errors."""
EXIT_UNREACHABLE = 3
EXIT_NOT_ADMITTED = 4
EXIT_IN_DOUBT = 5


def advice(error: AuctionError) -> str:
    """A sentence for a person; the house's own where there is nothing better."""
    text = ADVICE.get(error.reason)
    if text is None:
        return error.message
    figures = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in error.data.items()}
    bounds = ", ".join(f"{name} {value}" for name, value in figures.items() if name != "reason")
    wait = lasting(error.retry_after_ms + 999)
    return text.format_map(defaultdict(lambda: "?", {**figures, "figures": bounds, "wait": wait}))


def exit_code(error: AuctionError) -> int:
    """What the command ends with."""
    if isinstance(error, Unauthenticated | Forbidden):
        return EXIT_NOT_ADMITTED
    if isinstance(error, InDoubt):
        return EXIT_IN_DOUBT
    if isinstance(error, BadParams):
        return EXIT_MISTYPED
    return EXIT_UNREACHABLE if isinstance(error, REPEATED) else EXIT_REFUSED
