"""Rows of a store as the protocol's objects, as one viewer sees them."""

from auction.pricing import min_bid
from auction.results import DeliveryView, ListingView
from auction.state import Delivery, Listing


def listing_view(row: Listing, viewer: str) -> ListingView:
    """A Listing of the protocol; the seller and the leader's maximum stay hidden."""
    return ListingView(
        listing=row.listing,
        item=row.item,
        state=row.state,
        start_bid=row.start_bid,
        buyout=row.buyout,
        price=row.price,
        min_bid=min_bid(row),
        bids=row.bids,
        created_at_ms=row.created_at_ms,
        ends_at_ms=row.ends_at_ms,
        mine=row.seller == viewer,
        winning=row.leader == viewer,
    )


def delivery_view(row: Delivery) -> DeliveryView:
    """A Delivery of the protocol."""
    return DeliveryView(
        delivery=row.delivery,
        kind=row.kind,
        gold=row.gold,
        items=list(row.items),
        commodities=row.commodities,
        listing=row.listing,
        at_ms=row.at_ms,
    )
