"""What transfers carry: the gold and goods that are in no store while they are under way."""

from auction.events import Goods, Payload, Refund
from auction.market.events import OrderDone, OrderEnded, OrderFilled, OrderIn
from auction.state import Assets

NOTHING = Assets()


def carried(payload: Payload) -> Assets:
    """Gold and goods of a transfer."""
    if isinstance(payload, Refund):
        return Assets(payload.gold)
    if isinstance(payload, Goods):
        return Assets(payload.refund, (payload.item,))
    if isinstance(payload, OrderIn):
        return Assets(payload.gold) if payload.side == "buy" else _pieces(0, payload.commodity, payload.quantity)
    if isinstance(payload, OrderDone):
        gold = payload.received + payload.gold_back
        return _pieces(gold, payload.commodity, payload.pieces + payload.pieces_back)
    if isinstance(payload, OrderFilled):
        return _pieces(payload.gold, payload.commodity, payload.quantity if payload.side == "buy" else 0)
    if isinstance(payload, OrderEnded):
        return _pieces(payload.gold, payload.commodity, payload.pieces)
    return NOTHING


def _pieces(gold: int, commodity: str, pieces: int) -> Assets:
    return Assets(gold, (), {commodity: pieces} if pieces else {})
