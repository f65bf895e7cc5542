"""What the cluster needs of the node around it, handed in by the composition root."""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred

from auction.commands import SearchListings
from auction.context import Answer, Names, Request
from auction.events import TransferSent
from auction.state import Notice, StoreId
from shardnode.agreement.messages import Message
from shardnode.cluster.messages import Transfer
from shardnode.search.index import ListingIndex
from shardnode.wire.events import WatchMatched


class Home(Protocol):
    """The stores of this node, and who is connected to it."""

    incarnation: int
    """Which start of the node this is; larger than any before."""
    index: ListingIndex
    """The open listings that this node knows; its own are in it before `Cluster.listings_durable` hears of them."""

    def now_ms(self) -> int:
        """The house's clock."""

    def durable(self) -> int:
        """The position of the last durable record."""

    def ask(self, request: Request) -> "Deferred[Answer]":
        """Answer from the stores of this node alone. Fails with Unavailable or InDoubt."""

    def search(self, query: SearchListings, player: str) -> "Deferred[Answer]":
        """A page of open listings from this node's index. Fails with Unavailable."""

    @property
    def names(self) -> Names:
        """How stores are named."""

    def tell_key(self, store: StoreId, key: str) -> None:
        """A client was told a key of a node's own, which that store here has, or may come to have: keep it like a
        client's.
        """

    def take_transfer(self, transfer: Transfer, sent: TransferSent) -> "Deferred[None]":
        """Take in what a store of another node sent, `sent` being the transfer's event; nothing where it was taken
        before. Fires when that is durable; fails with Unavailable where it must come again: a gap, or no room now.
        """

    def forget(self, facts: list[str]) -> None:
        """These facts hold no longer; there is no hurry."""

    def keep(self, facts: Mapping[str, msgspec.Struct]) -> None:
        """These facts are true from now on: make them durable without delay."""

    def agree(self, node: str, message: Message) -> None:
        """A message of the agreement came from another node."""

    def deliver(self, player: str, notice: Notice) -> None:
        """Tell a player's sessions here."""

    def deliver_match(self, player: str, matched: WatchMatched) -> None:
        """The same of something that the player watches."""

    def sessions(self, player: str) -> bool:
        """Whether a player has a session here."""
