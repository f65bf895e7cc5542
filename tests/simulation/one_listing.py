"""One listing as an object on its own: what each request may be answered, by the pure rules, and how it then stands.

A client does not know at which instant its request was decided, so the rules are asked at every instant that makes a
difference: while the listing takes bids, after its cancel window, and after its end. When exactly it ends the books
check (`tests.simulation.books`); here only the order counts.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from auction import listings
from auction.commands import BuyOut, CancelListing, GetListing, PlaceBid
from auction.context import Context
from auction.events import ListingClosed
from auction.evolve import after_close
from auction.player_state import PlayerState
from auction.pricing import min_bid
from auction.refusals import Refusal
from auction.results import BidResult, BuyoutResult, ListingResult, ListingView, Result
from auction.state import Account, Listing, ListingState
from auction.views import listing_view
from tests.auction.house import HOUSE_STORE, market_of, seal, store_of
from tests.simulation.house import WORLD

OF_THE_CALLER = ("insufficient_gold", "bid_limit")
"""Refusals that come from the caller's own store, after the listing had nothing against the request."""

Of = PlaceBid | BuyOut | CancelListing | GetListing


class Asked(msgspec.Struct, frozen=True, eq=False):
    """One request about the listing and its outcome: a result, or the refusal's reason and figures."""

    player: str
    ask: Of
    outcome: Result | Refusal


End = Literal["end"]
END: End = "end"
"""The house's own operation: the listing's time has come."""


class Stand(msgspec.Struct, frozen=True):
    """How the listing stands."""

    state: ListingState
    price: int | None
    leader: str | None
    leader_max: int
    bids: int
    over: bool
    """Whether somebody was told that its time has come."""


class OneListing:
    """The object. Where clocks jump back, a listing that was over may take bids again, until it is settled."""

    def __init__(self, created: Listing, *, clocks_go_back: bool) -> None:
        self._created = created
        self._clocks_go_back = clocks_go_back
        self._account = Account(created.seller, store_of(created.seller))

    def start(self) -> Stand:
        """As it was made."""
        return Stand("open", None, None, 0, 0, over=False)

    def step(self, stand: Stand, what: Asked | End) -> Iterable[Stand]:
        """What the listing may be after a request with this outcome; nothing where the rules answer otherwise."""
        row = replace(
            self._created,
            state=stand.state,
            price=stand.price,
            leader=stand.leader,
            leader_max=stand.leader_max,
            bids=stand.bids,
        )
        state = PlayerState()
        state.account.rows[0] = self._account
        state.listings.rows[row.listing] = row
        if what == END:
            return self._end(row, state)
        assert isinstance(what, Asked)
        if isinstance(what.ask, GetListing):
            shown = isinstance(what.outcome, ListingResult) and _shows(what.outcome.listing, row, what.player)
            return [stand] if shown else []
        return {after for now_ms in self._instants(row, stand) for after in self._ask(row, state, stand, what, now_ms)}

    def _instants(self, row: Listing, stand: Stand) -> tuple[int, ...]:
        if stand.over:
            return (row.ends_at_ms,)
        return row.created_at_ms, row.created_at_ms + row.rules.cancel_window_s * 1000 + 1, row.ends_at_ms

    def _end(self, row: Listing, state: PlayerState) -> Iterable[Stand]:
        if row.state == "open":
            closed = next(iter(listings.end(state, row.listing, _at(row.ends_at_ms))))
            assert isinstance(closed, ListingClosed)
            yield _stand(after_close(row, closed))

    def _ask(self, row: Listing, state: PlayerState, stand: Stand, asked: Asked, now_ms: int) -> Iterable[Stand]:
        answer = _decide(row, state, asked, _at(now_ms))
        outcome = asked.outcome
        if isinstance(answer, Refusal):
            if answer == outcome:
                over = answer.reason == "listing_closed" and row.state == "open" and not self._clocks_go_back
                yield replace(stand, over=True) if over else stand
        elif isinstance(outcome, Refusal) and outcome.reason in OF_THE_CALLER:
            if not isinstance(asked.ask, CancelListing):
                yield stand
        else:
            after, told = answer
            if told == outcome if isinstance(told, Refusal) else _result_shows(outcome, after, asked.player):
                yield replace(_stand(after), over=stand.over)


def _decide(
    row: Listing, state: PlayerState, asked: Asked, context: Context
) -> tuple[Listing, Refusal | None] | Refusal:
    """The row after a request, and the refusal that nevertheless is its answer; or a refusal that changes nothing."""
    ask = asked.ask
    if isinstance(ask, PlaceBid):
        bid = listings.take_bid(state, asked.player, ask, context)
        if isinstance(bid, Refusal):
            return bid
        after = bid[1].listing
        return after, None if bid[1].leads else Refusal("outbid", {"price": after.price, "min_bid": min_bid(after)})
    if isinstance(ask, BuyOut):
        sale = listings.take_buyout(state, asked.player, ask, context)
        return sale if isinstance(sale, Refusal) else (sale[1].listing, None)
    assert isinstance(ask, CancelListing)
    back = listings.cancel(state, asked.player, ask, context)
    if isinstance(back, Refusal):
        return back
    closed = back[0][0]
    assert isinstance(closed, ListingClosed)
    return after_close(row, closed), None


def _result_shows(outcome: Result | Refusal, row: Listing, player: str) -> bool:
    return isinstance(outcome, BidResult | BuyoutResult | ListingResult) and _shows(outcome.listing, row, player)


def _shows(view: ListingView, row: Listing, player: str) -> bool:
    """Whether a view shows a row, but for when it ends: that is not known here."""
    return view == replace(listing_view(row, player), ends_at_ms=view.ends_at_ms)


def _stand(row: Listing) -> Stand:
    return Stand(row.state, row.price, row.leader, row.leader_max, row.bids, over=False)


def _at(now_ms: int) -> Context:
    return Context(WORLD, now_ms, store_of, market_of, HOUSE_STORE, seal, lambda low, _high: low, "nobody")
