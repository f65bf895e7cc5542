"""Making an offer: what is given goes into escrow with it, and the other player hears of it.

Two stores have a say: the maker's, in what is given and how many offers it may have open, and the other player's, which
keeps so many, and so many of one maker, and no more.
"""

from auction import ids, notices, stash
from auction.commands import MakeOffer
from auction.context import Context
from auction.events import Event
from auction.offers import terms
from auction.offers.events import OfferMade, OfferReceived
from auction.opening import opened
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal, first_of
from auction.results import OfferResult
from auction.standing import too_new
from auction.state import Account, Assets, Offer, ReceivedOffer, Wanted
from auction.wallet import cannot_pay


def make(
    maker: PlayerState, other: PlayerState, player: str, ask: MakeOffer, context: Context
) -> tuple[list[Event], list[Event], OfferResult] | Refusal | Undecided:
    """An offer between two stores of one node: what happens in each, and what the maker hears. `player` makes it."""
    give, want = terms.named(ask.give), terms.named(ask.want)
    account, opening = opened(maker, player, context)
    offer = next_offer(account)
    own = cannot_make(maker, player, ask.to, give, want, context)
    if isinstance(own, Undecided):
        return own
    refusal = first_of(filter(None, (own, cannot_receive(other, ask.to, offer, context))))
    if refusal is not None:
        return refusal
    expires_at_ms = expiry_ms(ask, context)
    row = offer_of(offer, ask.to, given(maker, give), want, context.now_ms, expires_at_ms)
    received = ReceivedOffer(offer, player, row.give, want, row.made_at_ms, expires_at_ms)
    result = OfferResult(offer, "open")
    return [*opening, OfferMade(row)], receive(other, ask.to, received, context), result


def next_offer(account: Account) -> str:
    """The id of the account's next offer."""
    return ids.mint(account.store, "f", account.offers_made + 1)


def expiry_ms(ask: MakeOffer, context: Context) -> int:
    """When an offer that is made now expires; `ask` has passed `auction.params.bad_param`."""
    lasts_s = context.catalog.rules.offer_expires_s if ask.expires_s is None else ask.expires_s
    return context.now_ms + lasts_s * 1000


def offer_of(offer: str, to: str, give: Assets, want: Wanted, made_at_ms: int, expires_at_ms: int) -> Offer:
    """The offer as its maker's store keeps it."""
    parsed = ids.parse(offer, "f")
    assert parsed is not None, offer
    return Offer(offer, parsed[1], to, give, want, made_at_ms, expires_at_ms)


def given(state: PlayerState, give: Wanted) -> Assets:
    """What is given, with the items as they are; those that are not in the stash are left out."""
    items = (state.items.get(item) for item in give.items)
    return Assets(give.gold, tuple(item for item in items if item is not None), give.commodities)


def cannot_make(
    state: PlayerState, maker: str, to: str, give: Wanted, want: Wanted, context: Context
) -> Refusal | Undecided | None:
    """What the maker's own store has against an offer."""
    assert maker != to, "nobody makes an offer to oneself: a bad param"
    items = stash.find(state, give.items)
    if not isinstance(items, tuple):
        return items
    commodities = {**give.commodities, **want.commodities}
    if not commodities.keys() <= context.catalog.commodities.keys():
        return Refusal("no_such_commodity")
    return (
        terms.frozen(context, (maker, to), items, commodities)
        or stash.bound(items)
        or too_new(state, context)
        or _no_offer_left(state, context)
        or cannot_pay(state, give.gold)
        or stash.cannot_give_all(state, give.commodities)
    )


def _no_offer_left(state: PlayerState, context: Context) -> Refusal | None:
    """Offers that a trade is about to make count, as those that are open do."""
    under_way = sum(row.kind == "offer" and row.side == "buyer" for row in state.trades)
    is_full = len(state.offers) + under_way >= context.catalog.rules.max_offers
    return Refusal("offer_limit") if is_full else None


def cannot_receive(state: PlayerState, player: str, offer: str, context: Context) -> Refusal | None:
    """What the other player's store has against one more offer. Those that a trade is about to bring count; what has
    expired does not, though the news of it may still be under way.
    """
    if state.account.get(0) is None and not context.is_present(player):
        return Refusal("no_such_player")
    waiting = [row.offer for row in state.inbox if context.now_ms < row.expires_at_ms]
    waiting.extend(row.listing for row in state.trades if row.kind == "offer" and row.side == "seller")
    maker, rules = ids.minter(offer), context.catalog.rules
    from_maker = sum(ids.minter(other) == maker for other in waiting)
    is_full = len(waiting) >= rules.offers_inbox_max or from_maker >= rules.offers_from_one_max
    return Refusal("inbox_full") if is_full else None


def receive(state: PlayerState, player: str, offer: ReceivedOffer, context: Context) -> list[Event]:
    """The offer is in the inbox, and its player is told."""
    account, opening = opened(state, player, context)
    told = notices.notices(account, context.now_ms, notices.offer_received(offer.offer))
    return [*opening, OfferReceived(offer), *told]
