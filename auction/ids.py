"""How things are named.

A store id is a keyed hash, so no directory of stores exists anywhere; every other id is minted by a store from its own
counters and starts with the store's id, so any node finds its home from the id alone.

    store     26 characters of lower-case base32: BLAKE2b-128 of "kind/name" under the house's naming key
    listing   <store>.l<n>     item   <store>.i<n>     delivery   <store>.d<n>
    order     <store>.o<n>     offer  <store>.f<n>     watch      <store>.w<n>

A player's store is named by the player, a market's by its commodity, and the house's own "house".

A store that was lost with its node's disk begins another life under the same id.
"""

import base64
import functools
import hashlib
import re

from auction.state import StoreId

NAMING_KEY_BYTES = 32

IDS_PARSED_KEPT = 4096
"""How many of the ids parsed last are kept as parsed: a listing that is bid on is named again and again."""

_ID = re.compile(r"([a-z2-7]{26})\.([a-z])([1-9][0-9]{0,15})\Z")


SEAL_BYTES = 12
"""Length of a seal: what makes a text the house's own word."""


def store_id(naming_key: bytes, kind: str, name: str) -> StoreId:
    """Id of the store of a kind and a name."""
    assert len(naming_key) == NAMING_KEY_BYTES
    digest = hashlib.blake2b(f"{kind}/{name}".encode(), key=naming_key, digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def player_store(naming_key: bytes, player: str) -> StoreId:
    """Id of a player's store."""
    return store_id(naming_key, "player", player)


def market_store(naming_key: bytes, commodity: str) -> StoreId:
    """Id of a commodity's market store."""
    return store_id(naming_key, "market", commodity)


def house_store(naming_key: bytes) -> StoreId:
    """Id of the house's own store."""
    return store_id(naming_key, "house", "house")


def seal(naming_key: bytes, text: bytes) -> bytes:
    """SEAL_BYTES that nobody can make without the naming key; not of the kind that names stores."""
    return hashlib.blake2b(text, key=naming_key, person=b"seal", digest_size=SEAL_BYTES).digest()


def life_mark(store: StoreId, life: int) -> str:
    """One life of a store, as those keep it that exchange transfers with it: `<store>`, later `<store>@<life>`."""
    return store if life == 1 else f"{store}@{life}"


def mint(store: StoreId, letter: str, number: int) -> str:
    """The id of the `number`-th thing of a kind that a store made."""
    return f"{store}.{letter}{number}"


@functools.lru_cache(IDS_PARSED_KEPT)
def parse(text: str, letter: str) -> tuple[StoreId, int] | None:
    """Store and number of an id of that kind; None for anything that no store ever minted."""
    match = _ID.match(text)
    if match is None or match[2] != letter:
        return None
    return match[1], int(match[3])


def minter(minted: str) -> StoreId:
    """The store that minted an id which is known to be ours."""
    store, _, _ = minted.partition(".")
    return store
