"""What was frozen when, who knew it, and whether anything began in it all the same.

A node decides by what it has heard. Who has heard what, the wire says: the home of the house's own store knows a freeze
when it is durable, every other node when the news arrive. So there are two checks.

    told        when an operator hears that something is frozen, the news are on their way to every node that the home
                has a link to
    kept        nothing begins in a thing that all nodes with a part in it knew to be frozen, from before the request
                was sent until the record was durable
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from auction.commands import FreezeTrading, ThawTrading
from auction.events import BidPlaced, BuyoutPaid, DeliveryClaimed, Event, ListingCreated, OrderSent
from auction.freezes import NOTHING_FROZEN, Freezes, as_of
from auction.house_state import HouseState
from auction.ids import minter
from auction.offers.events import OfferMade, OfferPaid
from auction.player_state import PlayerState
from auction.state import Item, StoreId
from auction.stores import State
from shardnode.cluster.messages import Frame, Frozen
from tests.auction.house import HOUSE_STORE, market_of, store_of
from tests.simulation.house import WORLD
from tests.simulation.world import World

TAG = str(Frozen.__struct_config__.tag).encode()
"""How a frame names the news."""

_decode = msgspec.msgpack.Decoder(Frame).decode


class Things(msgspec.Struct, frozen=True):
    """What something begins in, or is claimed, and the stores with a part in it."""

    stores: tuple[StoreId, ...]
    players: tuple[str, ...]
    items: tuple[Item, ...] = ()
    commodities: tuple[str, ...] = ()
    claim: bool = False
    """Whether a freeze may allow it."""

    def are_frozen(self, freezes: Freezes) -> bool:
        """Whether it must not begin."""
        categories = [item.category for item in self.items]
        categories += [WORLD.commodities[commodity].category for commodity in self.commodities]
        against = freezes.against(
            players=self.players, categories=categories, commodities=self.commodities, claim=self.claim
        )
        return against is not None


class Begun(msgspec.Struct, frozen=True):
    """Something that began, under the key of a request to a store."""

    store: StoreId
    key: str
    things: Things
    at_s: float
    """When it was durable."""
    event: Event


class FrozenThings:
    """What the wire and the house's own store tell of freezes. `home_of` names a store's node, `links` the links that
    a node has now, by the node at the other end.
    """

    def __init__(
        self,
        world: World,
        nodes: Iterable[str],
        players: Iterable[str],
        home_of: Callable[[StoreId], str],
        links: Callable[[str], Mapping[str, object]],
    ) -> None:
        self.versions = [NOTHING_FROZEN]
        """All that was ever frozen at once, oldest first."""
        self._world = world
        self._home = home_of(HOUSE_STORE)
        self._home_of = home_of
        self._links = links
        self._players = {store_of(player): player for player in players}
        self._known: dict[str, list[tuple[float, Freezes | None]]] = {node: [(0.0, NOTHING_FROZEN)] for node in nodes}
        """Node → what it knew from when on; None where it may have forgotten."""
        self._told: dict[str, tuple[object, int]] = {}
        """Node → the link on which the home told it last, and the version."""
        self._begun: list[Begun] = []

    def durable(self, state: HouseState) -> None:
        """The house's own store has changed."""
        freezes = as_of(state)
        if freezes.version > self.versions[-1].version:
            self.versions.append(freezes)
            self._learn(self._home, freezes)

    def sent(self, link: object, sender: str, receiver: str, frame: bytes) -> None:
        """A frame leaves."""
        if sender == self._home:
            for freezes in _read(frame):
                self._told[receiver] = link, freezes.version

    def received(self, receiver: str, frame: bytes) -> None:
        """A frame arrives."""
        for freezes in _read(frame):
            known = [earlier for _, earlier in self._known[receiver] if earlier is not None]
            forgot = self._known[receiver][-1][1] is None
            if freezes.version > known[-1].version or (forgot and freezes.version == known[-1].version):
                self._learn(receiver, freezes)

    def died(self, node: str) -> None:
        """A node may have forgotten what it was told, or not; the home has it in its store."""
        if node != self._home:
            self._known[node].append((self._world.now_s, None))

    def answered(self, ask: FreezeTrading | ThawTrading, delay_s: float) -> None:
        """An operator hears so much later that it was done."""
        self._world.after(delay_s, self._heard, ask, self.versions[-1].version, dict(self._links(self._home)))

    def begin(self, store: StoreId, part: list[Event], key: str, states: Mapping[StoreId, State]) -> None:
        """What a store did under a key is about to be durable."""
        if len(self.versions) > 1:
            for event in part:
                things = self._things(store, event, states)
                if things is not None:
                    self._begun.append(Begun(store, key, things, self._world.now_s, event))

    def refused(self, order: str) -> None:
        """A market did not take an order, so nothing began; its key may be used again."""
        self._begun = [
            begun for begun in self._begun if not isinstance(begun.event, OrderSent) or begun.event.order.order != order
        ]

    def check(self, asked_at_s: Mapping[tuple[StoreId, str], float]) -> None:
        """Look at all that began; `asked_at_s` says when a store was first asked for it, under a key."""
        for begun in self._begun:
            since_s = asked_at_s.get((begun.store, begun.key))
            nodes = {self._home_of(store) for store in begun.things.stores}
            if since_s is not None and all(self._knew(node, begun, since_s) for node in nodes):
                self._world.violate("frozen", f"{begun} was asked for at {since_s} s, and all of {sorted(nodes)} knew")

    def _heard(self, ask: FreezeTrading | ThawTrading, version: int, links: Mapping[str, object]) -> None:
        now = self._links(self._home) if version else {}
        for node, link in links.items():
            told_on, told = self._told.get(node, (None, 0))
            if now.get(node) is link and (told_on is not link or told < version):
                self._world.violate("frozen", f"the operator heard of {ask} before {node} was told")

    def _knew(self, node: str, begun: Begun, since_s: float) -> bool:
        """Whether a node knew all the time that something was frozen that began."""
        known = self._known[node]
        until_s = [at_s for at_s, _ in known[1:]] + [begun.at_s]
        during = [
            freezes
            for (at_s, freezes), end_s in zip(known, until_s, strict=True)
            if at_s <= begun.at_s and end_s >= since_s
        ]
        return all(freezes is not None and begun.things.are_frozen(freezes) for freezes in during)

    def _things(self, store: StoreId, event: Event, states: Mapping[StoreId, State]) -> Things | None:
        """What an event begins; None for one that begins nothing."""
        match event:
            case ListingCreated(row):
                return Things((store,), (row.seller,), (row.item,))
            case BidPlaced() | BuyoutPaid():
                seller = minter(event.listing)
                row = _player(states, seller).listings.rows[event.listing]
                return Things((store, seller), (row.seller, self._players[store]), (row.item,))
            case OrderSent(row):
                stores = store, market_of(row.commodity)
                return Things(stores, (self._players[store],), (), (row.commodity,))
            case DeliveryClaimed():
                claimed = _player(states, store).deliveries.rows[event.delivery]
                return Things((store,), (self._players[store],), claimed.items, tuple(claimed.commodities), claim=True)
            case OfferMade(row):
                commodities = (*row.give.commodities, *row.want.commodities)
                players = self._players[store], row.to
                return Things((store, store_of(row.to)), players, row.give.items, commodities)
            case OfferPaid():
                received = _player(states, store).inbox.rows[event.offer]
                commodities = (*received.give.commodities, *event.paid.commodities)
                items = (*received.give.items, *event.paid.items)
                players = self._players[store], received.maker
                return Things((store, minter(event.offer)), players, items, commodities)
        return None

    def _learn(self, node: str, freezes: Freezes) -> None:
        self._known[node].append((self._world.now_s, freezes))


def _read(frame: bytes) -> list[Freezes]:
    """The news in a frame."""
    if TAG not in frame:
        return []
    return [message.freezes for message in _decode(frame).messages if isinstance(message, Frozen)]


def _player(states: Mapping[StoreId, State], store: StoreId) -> PlayerState:
    state = states[store]
    assert isinstance(state, PlayerState), store
    return state
