"""Deliveries: taking in what other stores sent, and claiming what waits."""

from collections.abc import Iterable

from auction import cooldowns, ids, notices, stash
from auction.commands import ClaimDelivery
from auction.context import Context
from auction.events import DeliveryClaimed, DeliveryMade, Event, Goods, Refund, TransferSent, TransferTaken
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import DeliveryResult
from auction.state import Account, Delivery, DeliveryKind, Item, StoreId
from auction.views import delivery_view
from auction.wallet import has_room


def delivery_of(
    account: Account,
    kind: DeliveryKind,
    listing: str | None,
    now_ms: int,
    *,
    gold: int = 0,
    items: tuple[Item, ...] = (),
    commodities: dict[str, int] | None = None,
    after: int = 0,
) -> DeliveryMade:
    """The account's next delivery, `after` others of the same decision."""
    delivery = ids.mint(account.store, "d", account.deliveries_made + 1 + after)
    return DeliveryMade(delivery, kind, gold, items, commodities or {}, listing, now_ms)


def take_in(state: PlayerState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> list[Event]:
    """What a transfer does where it arrives; it cannot be refused. `life` is the sender's.

    Gold enters the wallet by itself; all of it waits as a delivery if the wallet would pass MAX_AMOUNT. Goods wait.
    """
    account = state.owner()
    payload, now_ms = sent.payload, context.now_ms
    assert isinstance(payload, Refund | Goods) and payload.listing not in state.locked, sent
    gold = payload.gold if isinstance(payload, Refund) else payload.refund
    to_wallet = gold if has_room(account, gold) else 0
    made: list[DeliveryMade] = []
    told: list[notices.Told] = []
    cooling: list[Event] = []
    if isinstance(payload, Goods):
        cooling.extend(cooldowns.begun((payload.item,), context))
        goods = delivery_of(account, payload.kind, payload.listing, now_ms, items=(payload.item,))
        made.append(goods)
        if payload.kind == "won":
            told.append(notices.won(payload.listing, payload.price, goods.delivery))
    else:
        told.append(notices.outbid(payload.listing, payload.price, payload.min_bid))
    if gold > to_wallet:
        made.append(delivery_of(account, "refund", payload.listing, now_ms, gold=gold, after=len(made)))
    told.extend(notices.arrived(delivery.delivery, delivery.kind) for delivery in made)
    return [
        TransferTaken(sender, sent.number, payload, to_wallet, now_ms, life),
        *made,
        *cooling,
        *notices.notices(account, now_ms, *told),
    ]


def claim(state: PlayerState, ask: ClaimDelivery, context: Context) -> tuple[list[Event], DeliveryResult] | Refusal:
    """Move a delivery into wallet and stash, whole or not at all."""
    row = _waiting(state, ask.delivery, context)
    if isinstance(row, Refusal):
        return row
    no_room = _no_room(state, row, context)
    if no_room is not None:
        return no_room
    return [DeliveryClaimed(row.delivery, context.now_ms)], DeliveryResult(delivery_view(row))


def _waiting(state: PlayerState, delivery: str, context: Context) -> Delivery | Refusal:
    """The delivery that waits here under this id, where nothing of it is frozen."""
    row = state.deliveries.get(delivery)
    if row is None and not _was_made_here(state, delivery):
        return Refusal("no_such_delivery")
    frozen = _frozen(state, row, context)
    if frozen is not None:
        return frozen
    return Refusal("delivery_claimed") if row is None else row


def _was_made_here(state: PlayerState, delivery: str) -> bool:
    account, named = state.account.get(0), ids.parse(delivery, "d")
    if account is None or named is None:
        return False
    store, number = named
    return store == account.store and number <= account.deliveries_made


def _frozen(state: PlayerState, row: Delivery | None, context: Context) -> Refusal | None:
    """Why nothing, or nothing of this kind, can be claimed now; of a delivery that is gone the kind is not known."""
    items = () if row is None else row.items
    commodities: Iterable[str] = () if row is None else row.commodities
    known = context.catalog.commodities
    categories = [item.category for item in items]
    categories.extend(known[commodity].category for commodity in commodities if commodity in known)
    players = (state.owner().player,)
    return context.freezes.against(players=players, categories=categories, commodities=commodities, claim=True)


def _no_room(state: PlayerState, row: Delivery, context: Context) -> Refusal | None:
    full = stash.no_room(state, len(row.items), row.commodities, context.catalog.rules.stash_capacity)
    if full is not None:
        return full
    return None if has_room(state.owner(), row.gold) else Refusal("wallet_full")
