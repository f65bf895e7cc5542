"""What stores say of one another: a leader's maximum stands in two stores, an offer in two, a transfer's number in two.

`Ties` reads stores one by one, and what nodes keep of transfers and trades between them; then it says where two stores
disagree, and what lies between them. It holds over all stores of a house, also of one that was stopped, or died, in the
middle of things: what one store did and the other did not yet must be explained by a transfer that is still to be
carried, or by a trade that was decided and not yet settled everywhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from auction import ids
from auction.carrying import NOTHING, carried
from auction.conservation import Totals
from auction.events import BidPlaced, Goods, Payload, Refund, TransferSent
from auction.evolve import after_placing
from auction.house_state import House
from auction.legs import BidVote, BuyerLeg, Vote, decode_leg, decode_vote
from auction.market.state import MarketState
from auction.market.ties import OrderTies
from auction.offers.ties import OfferTies
from auction.player_state import PlayerState
from auction.state import Assets, Bid, PreparedLeg, StoreId
from auction.stores import State

Lead = tuple[str, int]
"""A player and the maximum."""
Pair = tuple[str, str]
"""Sender and receiver of transfers, each in the life that it is in."""


class HalfSettled(msgspec.Struct, frozen=True):
    """A committed trade that one store has settled and the other, where `row` is prepared, has not."""

    store: StoreId
    row: PreparedLeg
    vote: Vote | None
    """The listing's; a trade about an offer has none."""


class Ties:
    """The ties of what was added so far."""

    def __init__(self) -> None:
        self._players: dict[StoreId, str] = {}
        self._lives: dict[StoreId, int] = {}
        self._leads: dict[str, Lead] = {}
        """Open listing → who leads, as the seller's store has it."""
        self._bids: dict[tuple[StoreId, str], Bid] = {}
        """Store and listing → a bid that leads, or is owed gold, as the bidder's store has it."""
        self._sent: dict[Pair, int] = {}
        """The last transfer's number, as the sender has it."""
        self._taken: dict[Pair, int] = {}
        """The same as the receiver has it."""
        self._unsent: list[tuple[StoreId, TransferSent]] = []
        self._legs: dict[str, list[tuple[StoreId, PreparedLeg]]] = defaultdict(list)
        self._committed: dict[str, bytes] = {}
        self._gold_elsewhere = 0
        self._orders = OrderTies()
        self._offers = OfferTies()

    @property
    def open_trades(self) -> int:
        """How many trades some store still holds something for."""
        return len(self._legs)

    def add(self, state: State) -> None:
        """Read one store; one that was never written to has no ties."""
        head = state.head()
        if head is None:
            return
        store, here = head.store, ids.life_mark(head.store, head.life)
        self._lives[store] = head.life
        for mark in state.transfers_out:
            self._sent[here, mark.store] = mark.number
        for mark in state.transfers_in:
            self._taken[mark.store, here] = mark.number
        if isinstance(state, PlayerState):
            self._add_player(store, state)
        elif isinstance(state, MarketState):
            self._orders.add_market(state)
        if not isinstance(head, House):
            self._gold_elsewhere += head.gold_elsewhere

    def add_unsent(self, sender: StoreId, sent: TransferSent) -> None:
        """Read a transfer that a node keeps to be carried; it may have been taken already."""
        self._unsent.append((sender, sent))

    def add_outcome(self, trade: str, commit: bool, payload: bytes = b"") -> None:
        """Read what a node knows of a trade's outcome; `payload` is that of the commit."""
        if commit:
            self._committed[trade] = payload

    def count_between(self, totals: Totals) -> None:
        """Count what is in no store, or in two at once, after all stores were counted one by one."""
        for _to, payload in self._under_way():
            totals.add_in_flight(carried(payload))
        for half in self._half_settled():
            in_both, in_neither = self._moved(half)
            totals.count_once(in_both)
            totals.add_in_flight(in_neither)

    def faults(self) -> list[str]:
        """Where two stores disagree, in words for an operator; empty for a sound house."""
        elsewhere = sum(carried(payload).gold for _to, payload in self._under_way())
        for half in self._half_settled():
            in_both, in_neither = self._moved(half)
            elsewhere += in_neither.gold - in_both.gold
        under_way = [payload for _to, payload in self._under_way()]
        half_settled = [half.row for half in self._half_settled()]
        found = [*self._transfer_faults(), *self._lead_faults(), *self._orders.faults(under_way, self._lives)]
        found += self._offers.faults(under_way, half_settled, self._lives)
        if self._gold_elsewhere != elsewhere:
            more = self._gold_elsewhere - elsewhere
            found.append(f"over all stores {more} more gold went elsewhere than came from there or is on its way")
        return found

    def _add_player(self, store: StoreId, state: PlayerState) -> None:
        self._players[store] = state.owner().player
        self._orders.add_player(state)
        self._offers.add(store, state)
        for row in state.listings:
            if row.state == "open" and row.leader is not None:
                self._leads[row.listing] = (row.leader, row.leader_max)
        for bid in state.bids:
            if bid.winning or bid.refund_due:
                self._bids[store, bid.listing] = bid
        for leg in state.trades:
            self._legs[leg.trade].append((store, leg))

    def _half_settled(self) -> Iterator[HalfSettled]:
        for trade, legs in self._legs.items():
            if trade in self._committed and len(legs) == 1:
                store, row = legs[0]
                is_of_a_listing = row.kind in ("bid", "buyout")
                yield HalfSettled(store, row, decode_vote(self._committed[trade]) if is_of_a_listing else None)

    def _moved(self, half: HalfSettled) -> tuple[Assets, Assets]:
        """What is in both stores of a trade, and what in neither, as long as one of them has not settled it."""
        if half.vote is None:
            return self._offers.moved(half.row)
        paid = Assets(half.vote.held if isinstance(half.vote, BidVote) else half.vote.due)
        return (paid, NOTHING) if half.row.side == "buyer" else (NOTHING, paid)

    def _carried_by_pair(self) -> dict[Pair, dict[int, TransferSent]]:
        """The transfers to be carried, by their numbers."""
        carried: dict[Pair, dict[int, TransferSent]] = defaultdict(dict)
        for sender, sent in self._unsent:
            pair = ids.life_mark(sender, self._lives.get(sender, 1)), ids.life_mark(sent.to, sent.life)
            carried[pair][sent.number] = sent
        return carried

    def _under_way(self) -> Iterator[tuple[StoreId, Payload]]:
        """Receiver and payload of each transfer that left and was not taken, as far as it is still to be carried."""
        for pair, transfers in self._carried_by_pair().items():
            for number, sent in sorted(transfers.items()):
                if self._taken.get(pair, 0) < number <= self._sent.get(pair, 0):
                    yield sent.to, sent.payload

    def _transfer_faults(self) -> Iterator[str]:
        carried = self._carried_by_pair()
        for pair in sorted(self._sent.keys() | self._taken.keys()):
            sent, taken = self._sent.get(pair, 0), self._taken.get(pair, 0)
            lost = [number for number in range(taken + 1, sent + 1) if number not in carried.get(pair, {})]
            if (lost or taken > sent) and not any(map(self._is_of_a_former_life, pair)):
                yield f"transfers from store {pair[0]} to {pair[1]}: {sent} sent, {taken} taken in"

    def _is_of_a_former_life(self, mark: str) -> bool:
        """Whether transfers went to, or came from, a store that was lost and lives again."""
        store, _, _ = mark.partition("@")
        return store in self._lives and ids.life_mark(store, self._lives[store]) != mark

    def _lead_faults(self) -> Iterator[str]:
        """Each listing's leader must be its bidder's standing bid, but for news that has not arrived."""
        coming: dict[tuple[StoreId, str], list[Refund | Goods]] = defaultdict(list)
        for to, payload in self._under_way():
            if isinstance(payload, Refund | Goods):
                coming[to, payload.listing].append(payload)
        bids, pending = dict(self._bids), {}
        for half in self._half_settled():
            if isinstance(half.vote, BidVote):
                if half.row.side == "buyer":
                    place = half.store, half.row.listing
                    bids[place] = after_placing(bids.get(place), _placed(half.row, half.vote))
                elif half.vote.leads:
                    lead = half.vote.listing
                    assert lead.leader is not None, lead
                    pending[lead.listing] = (lead.leader, lead.leader_max)
        standing: dict[str, list[Lead]] = defaultdict(list)
        for (store, listing), bid in sorted(bids.items()):
            news = coming.pop((store, listing), [])
            refunds = sum(payload.gold for payload in news if isinstance(payload, Refund))
            is_over = bid.winning and (refunds == bid.refund_due + bid.amount or any(map(_is_goods, news)))
            if refunds != bid.refund_due and not is_over:
                yield f"listing {listing}: store {store} is owed {bid.refund_due} gold, {refunds} is on its way"
            if bid.winning and not is_over:
                standing[listing].append((self._players[store], bid.amount))
        for (store, listing), news in coming.items():
            if not all(map(_is_goods, news)) and self._lives.get(store, 1) == 1:
                yield f"listing {listing}: gold is on its way to store {store}, which expects none"
        for listing in sorted(self._leads.keys() | standing.keys()):
            yield from _disagreements(listing, self._leads.get(listing), standing[listing], pending.get(listing))


def _disagreements(listing: str, lead: Lead | None, standing: list[Lead], pending: Lead | None) -> Iterable[str]:
    """`pending` leads where a bid was settled in the bidder's store alone; who led before may not know yet."""
    if pending in standing:
        standing = [bid for bid in standing if bid != pending]
        lead = None if lead is not None and pending is not None and lead[0] == pending[0] else lead
    if len(standing) > 1:
        return [f"listing {listing}: two stores hold a standing bid"]
    there = standing[0] if standing else None
    if lead == there:
        return []
    return [f"listing {listing}: led by {_told(lead)} in its own store, by {_told(there)} in the bidder's"]


def _placed(row: PreparedLeg, vote: BidVote) -> BidPlaced:
    """What settling a bidder's leg will do there."""
    leg = decode_leg(row.leg)
    assert isinstance(leg, BuyerLeg), row
    return BidPlaced(row.listing, leg.amount, vote.held, vote.leads, row.at_ms)


def _is_goods(payload: Payload) -> bool:
    return isinstance(payload, Goods)


def _told(lead: Lead | None) -> str:
    return "nobody" if lead is None else f"{lead[0]} with {lead[1]}"
