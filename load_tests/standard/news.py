"""What players are told of a trade, numbered in each player's own sequence: by the texts of `auction.notices`."""

from auction import notices
from auction.state import Notice
from load_tests.standard.rows import ListingRow, Trade, name

News = list[tuple[str, Notice]]
"""Player and what the player is told, each player's in order."""


def of_bid(trade: Trade, now_ms: int) -> News:
    """Who led hears that somebody else does."""
    assert trade.row is not None and trade.row.price is not None, trade
    return _former(trade, trade.row, trade.row.price, trade.row.min_bid, now_ms)


def of_end(trade: Trade, now_ms: int) -> News:
    """A listing was bought out or has ended: buyer, seller, and who led without buying it hear of it."""
    row = trade.row
    assert row is not None, trade
    listing = name("l", row.listing)
    if row.state == "expired":
        assert trade.goods is not None, trade
        returned = name("d", trade.goods)
        told = [notices.expired(listing, returned), notices.arrived(returned, "returned")]
        return _numbered(row.seller, trade.seller_seq, told, now_ms)
    assert row.leader is not None and row.price is not None and trade.goods is not None and trade.gold is not None, row
    goods = name("d", trade.goods)
    is_won = now_ms >= row.ends_at_ms
    to_buyer = [notices.won(listing, row.price, goods)] if is_won else []
    to_buyer.append(notices.arrived(goods, "won" if is_won else "bought"))
    to_seller = [notices.sold(listing, row.price, trade.gold)]
    if trade.proceeds is not None:
        to_seller.append(notices.arrived(name("d", trade.proceeds), "proceeds"))
    return [
        *_former(trade, row, row.price, None, now_ms),
        *_numbered(row.leader, trade.buyer_seq, to_buyer, now_ms),
        *_numbered(row.seller, trade.seller_seq, to_seller, now_ms),
    ]


def _former(trade: Trade, row: ListingRow, price: int, min_bid: int | None, now_ms: int) -> News:
    if trade.former is None:
        return []
    told = [notices.outbid(name("l", row.listing), price, min_bid)]
    if trade.refund is not None:
        told.append(notices.arrived(name("d", trade.refund), "refund"))
    return _numbered(trade.former, trade.former_seq, told, now_ms)


def _numbered(player: str, latest_seq: int | None, told: list[notices.Told], now_ms: int) -> News:
    """`latest_seq` is the number of the last of them; None where all of it was told before."""
    if latest_seq is None:
        return []
    first = latest_seq - len(told) + 1
    return [(player, Notice(first + count, type_, now_ms, data)) for count, (type_, data) in enumerate(told)]
