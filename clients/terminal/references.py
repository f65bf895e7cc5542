"""Short names: a person types the end of an id, as tables show it, instead of the whole.

Ids are opaque, so nothing is read out of them. An end that fits one thing only is that thing.
"""

from collections.abc import AsyncIterator, Iterable

import click

from auction.results import DeliveryView, ListingView, OfferView, OrderView
from auction.state import Item
from clients.calls import pages
from clients.client import Client
from clients.errors import NotFound

SHOWN_MIN = 8
"""Characters of an id that tables show at least."""
SEARCHED_PAGES_MAX = 10
"""How many pages of the market are searched for the end of a listing's id."""
PAGE = 100


def shortened(ids: Iterable[str]) -> dict[str, str]:
    """Each id with its shortest end, of SHOWN_MIN characters or more, that tells them all apart."""
    ids = list(dict.fromkeys(ids))
    for length in range(SHOWN_MIN, 81):
        ends = {each: each[-length:] for each in ids}
        if len(set(ends.values())) == len(ids):
            return ends
    return {each: each for each in ids}


async def find_listing(client: Client, text: str) -> ListingView:
    """The listing of an id or of an id's end, among our own, those we bid on, and the open ones of the market."""
    try:
        return (await client.listing(text)).listing
    except NotFound:
        found = {listing.listing: listing async for listing in _listings(client) if listing.listing.endswith(text)}
    return found[_only(list(found), text, "listing", "search")]


async def find_item(client: Client, text: str) -> Item:
    """The item of our stash with this id or end."""
    found = {
        item.item: item
        async for page in pages(client.inventory, limit=PAGE)
        for item in page.items
        if item.item.endswith(text)
    }
    return found[_only(list(found), text, "item", "stash")]


async def find_delivery(client: Client, text: str) -> DeliveryView:
    """The waiting delivery with this id or end."""
    found = {each.delivery: each async for each in waiting(client) if each.delivery.endswith(text)}
    return found[_only(list(found), text, "delivery", "deliveries")]


async def find_own(client: Client, text: str) -> ListingView | OrderView:
    """The listing or order of our own with this id or end."""
    found: dict[str, ListingView | OrderView] = {}
    async for listings in pages(client.my_listings, limit=PAGE):
        found |= {each.listing: each for each in listings.listings if each.listing.endswith(text)}
    async for orders in pages(client.my_orders, limit=PAGE):
        found |= {each.order: each for each in orders.orders if each.order.endswith(text)}
    return found[_only(list(found), text, "listing or order of yours", "listings --ids` or `orders")]


async def find_offer(client: Client, text: str) -> OfferView:
    """The open offer with this id or end."""
    found = {
        each.offer: each
        async for page in pages(client.offers, limit=PAGE)
        for each in page.offers
        if each.offer.endswith(text)
    }
    return found[_only(list(found), text, "open offer", "offers")]


async def find_watch(client: Client, text: str) -> str:
    """The watch of ours with this id or end."""
    watches = (await client.watches()).watches
    return _only([each.watch for each in watches if each.watch.endswith(text)], text, "watch", "watches")


async def waiting(client: Client) -> AsyncIterator[DeliveryView]:
    """All deliveries that wait to be claimed."""
    async for page in pages(client.deliveries, limit=PAGE):
        for delivery in page.deliveries:
            yield delivery


async def _listings(client: Client) -> AsyncIterator[ListingView]:
    async for own in pages(client.my_listings, limit=PAGE):
        for listing in own.listings:
            yield listing
    async for bids in pages(client.my_bids, limit=PAGE):
        for bid in bids.bids:
            yield bid.listing
    searched = 0
    async for found in pages(client.search, limit=PAGE):
        for listing in found.listings:
            yield listing
        searched += 1
        if searched == SEARCHED_PAGES_MAX:
            return


def _only(ids: list[str], text: str, what: str, command: str) -> str:
    exact = [each for each in ids if each == text]
    if len(exact or ids) == 1:
        return (exact or ids)[0]
    if not ids:
        raise click.UsageError(
            f"no {what} that ends in '{text}' was found; `{command} --ids` shows whole ids, which always work"
        )
    raise click.UsageError(f"several end in '{text}'; type more of it: {', '.join(sorted(ids)[:5])}")
