"""The offers that a player has made and was made, while they are open."""

from itertools import islice

from auction.commands import ListOffers
from auction.context import Context
from auction.cursors import cursor, text_after
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import OffersResult, OfferView
from auction.state import Offer, ReceivedOffer

Place = tuple[int, int, str]
"""Made (0) or received (1), its number or instant, its id."""


def list_offers(ask: ListOffers, viewer: str, home: PlayerState, context: Context) -> OffersResult | Refusal:
    """A page of offers: those that the player made, then those made to the player, the oldest first of each."""
    text = text_after(ask)
    if isinstance(text, Refusal):
        return text
    after = None if text is None else _place(text)
    if text is not None and after is None:
        return Refusal("cursor_mismatch")
    rows: dict[Place, Offer | ReceivedOffer] = {(0, row.number, row.offer): row for row in home.offers}
    rows.update({(1, row.made_at_ms, row.offer): row for row in home.inbox})
    still_open = (place for place in sorted(rows) if context.now_ms < rows[place].expires_at_ms)
    places = (place for place in still_open if after is None or place > after)
    found = list(islice(places, ask.limit + 1))
    page = found[: ask.limit]
    more = cursor(ask, ".".join(map(str, page[-1]))) if len(found) > ask.limit else None
    return OffersResult([_view(rows[place], viewer) for place in page], more)


def _place(text: str) -> Place | None:
    """What a cursor names; None for anything else."""
    which, _, rest = text.partition(".")
    number, _, offer = rest.partition(".")
    is_sound = which in ("0", "1") and number.isascii() and number.isdecimal() and len(number) <= 16
    return (int(which), int(number), offer) if is_sound else None


def _view(row: Offer | ReceivedOffer, viewer: str) -> OfferView:
    maker, to = (viewer, row.to) if isinstance(row, Offer) else (row.maker, viewer)
    return OfferView(row.offer, maker, to, row.give, row.want, "open", row.expires_at_ms)
