"""What a decision may know besides state: who asks, and under which key; the catalog, the instant, randomness, and how
stores are named.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from auction.commands import Ask
from auction.freezes import NOTHING_FROZEN, Freezes
from auction.refusals import Refusal
from auction.results import Result
from auction.state import StoreId
from worlddata.types import Catalog

Role = Literal["player", "service", "operator", "house"]
"""What a caller may do; `house` is the node itself (timers), never a token's."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks."""

    player: str
    role: Role


HOUSE = Caller(player="", role="house")


class Request(msgspec.Struct, frozen=True):
    """One question to the house, at whatever level it is asked: cluster, node or store."""

    caller: Caller
    ask: Ask
    own_key: str = ""
    """The key that the node gives a mutation whose client gave none; unique for ever."""
    redirects: bool = False
    """Whether the caller's client would rather be told where the caller's home is than be served through this node."""


class Use(msgspec.Struct, frozen=True, gc=False):
    """One use of a key."""

    key: str
    """Scope and key, as they are stored."""
    fingerprint: bytes
    """16 bytes: hash of method and params, the key left out."""
    untold: bool
    """Whether the node made the key up."""


class Asker(msgspec.Struct, frozen=True):
    """Who asks, with the store that the request went to first and the key that it has there."""

    player: str
    home: StoreId
    use: Use | None


class Answer(msgspec.Struct, frozen=True):
    """The one answer to a request: a result or a refusal, and its MessagePack form where that was made already.

    A stored answer (a repeated key) has only its encoded form.
    """

    body: Result | Refusal | None
    refused: bool
    encoded: bytes | None = None


def nobody(_player: str) -> bool:
    """Whether a player is logged in, where no sessions are known."""
    return False


def here(_store: StoreId) -> bool:
    """Whether a store is at home on this node, where there is no other."""
    return True


def a_players(_store: StoreId) -> str:
    """The kind of a store, where there are only players."""
    return "player"


def first_life(_store: StoreId) -> int:
    """Which life of a store this is, where none was ever lost."""
    return 1


class Names(Protocol):
    """How stores are named."""

    @property
    def store_of(self) -> Callable[[str], StoreId]:
        """Player name → store id."""

    @property
    def market_of(self) -> Callable[[str], StoreId]:
        """Commodity → store id."""

    @property
    def house(self) -> StoreId:
        """The house's own store."""

    @property
    def kind_of(self) -> Callable[[StoreId], str]:
        """Store id → the kind that it names, or would name."""


class Context(msgspec.Struct, frozen=True):
    """Passed into every decision."""

    catalog: Catalog
    now_ms: int
    store_of: Callable[[str], StoreId]
    """Player name → store id."""
    market_of: Callable[[str], StoreId]
    """Commodity → store id."""
    house: StoreId
    """The house's own store."""
    seal: Callable[[bytes], bytes]
    """`auction.ids.seal` under the house's naming key."""
    random_int: Callable[[int, int], int]
    """Uniform integer within inclusive bounds."""
    node: str
    """The node's id, for an operator's eyes."""
    is_present: Callable[[str], bool] = nobody
    """Whether a player is logged in now: such a player exists, even if nothing was ever granted to it."""
    at_home: Callable[[StoreId], bool] = here
    """Whether a store is at home on this node; what goes to any other is carried there."""
    life_of: Callable[[StoreId], int] = first_life
    """Which life of a store this is: more than 1 once its node's disk was lost."""
    can_reach: Callable[[StoreId], bool] = here
    """Whether what is sent to a store now has a way there."""
    kind_of: Callable[[StoreId], str] = a_players
    """What kind of store an id names, or would name."""
    freezes: Freezes = NOTHING_FROZEN
    """What operators have frozen, as far as is known here."""
