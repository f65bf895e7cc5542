"""What two stores say of one offer: its maker's, which has it in escrow, and that of whom it is made to.

A part of `auction.ties`, with the same rules: where the two disagree, a transfer that is under way, or a trade that
one of them has settled and the other has not, must explain it.
"""

from collections.abc import Iterable, Iterator, Mapping

from auction import ids
from auction.carrying import NOTHING
from auction.events import Payload
from auction.legs import decode_leg
from auction.offers.events import OfferClosed
from auction.offers.legs import OfferedLeg
from auction.player_state import PlayerState
from auction.state import Assets, Offer, PreparedLeg, ReceivedOffer, StoreId


class OfferTies:
    """The offers of the stores that were read so far."""

    def __init__(self) -> None:
        self._players: dict[StoreId, str] = {}
        self._made: dict[str, Offer] = {}
        self._received: dict[str, tuple[StoreId, ReceivedOffer]] = {}
        self._twice: list[str] = []
        """Offers that are in two inboxes."""

    def add(self, store: StoreId, state: PlayerState) -> None:
        """Read one store."""
        self._players[store] = state.owner().player
        self._made.update((row.offer, row) for row in state.offers)
        self._twice.extend(row.offer for row in state.inbox if row.offer in self._received)
        self._received.update((row.offer, (store, row)) for row in state.inbox)

    def moved(self, row: PreparedLeg) -> tuple[Assets, Assets]:
        """Of a trade that only the other store has settled: what is in both stores, and what is in neither."""
        if row.kind == "offer":
            return NOTHING, NOTHING  # what is given stays where it is
        if row.side == "buyer":
            received = self._received.get(row.listing)
            paid = Assets(row.held, row.items, row.commodities)
            return paid, NOTHING if received is None else received[1].give
        made, leg = self._made.get(row.listing), decode_leg(row.leg)
        assert isinstance(leg, OfferedLeg), row
        return NOTHING if made is None else made.give, leg.paid

    def faults(
        self, under_way: Iterable[Payload], half_settled: Iterable[PreparedLeg], lives: Mapping[StoreId, int]
    ) -> Iterator[str]:
        """Where two stores disagree. A store that was lost, and lives again, is excused."""
        for offer in self._twice:
            yield f"offer {offer}: in two inboxes"
        explained = {payload.offer for payload in under_way if isinstance(payload, OfferClosed)}
        explained.update(row.listing for row in half_settled)
        stores = {player: store for store, player in self._players.items()}
        for offer in sorted(self._made.keys() | self._received.keys()):
            made, (inbox, received) = self._made.get(offer), self._received.get(offer, ("", None))
            maker, to = ids.minter(offer), inbox if made is None else stores.get(made.to, "")
            if offer in explained or lives.get(maker, 1) > 1 or lives.get(to, 1) > 1:
                continue
            if made is None:
                yield f"offer {offer}: in the inbox of store {inbox}, and not with its maker"
            elif received is None:
                yield f"offer {offer}: made to {made.to}, in whose inbox it is not"
            elif to != inbox or received != self._as_received(made):
                yield f"offer {offer}: the two stores tell it differently"

    def _as_received(self, made: Offer) -> ReceivedOffer:
        maker = self._players.get(ids.minter(made.offer), "")
        return ReceivedOffer(made.offer, maker, made.give, made.want, made.made_at_ms, made.expires_at_ms)
