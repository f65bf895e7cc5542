"""The house of one test: a live node, its players, their gold and goods."""

import contextlib
import itertools
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.conformance.client import JSON, Client, Encoding, eventually
from tests.processes import NodeProcess, Nodes

TOKEN_S = HOUR_S = 3600


@contextlib.contextmanager
def running(
    directory: Path,
    *options: str | Path,
    environment: Mapping[str, str] | None = None,
    ended_by: signal.Signals = signal.SIGTERM,
) -> Iterator[tuple[str, NodeProcess]]:
    """A node on `directory/data` and its URL, until the block ends.

    It is then ended by a signal; one that it can hear must end it cleanly, and its log must be clean in any case.
    """
    nodes = Nodes(directory)
    process = nodes.start(*options, environment=environment)
    try:
        yield process.url(), process
        assert process.stop(ended_by) == (0 if ended_by == signal.SIGTERM else -ended_by), process.log
        assert not complaints(process.log)
    finally:
        nodes.end()


def complaints(log: str) -> list[str]:
    """What a node's log says of errors and bugs, and whatever is no log line at all."""
    return [line for line in log.splitlines() if not _is_harmless(line)]


def _is_harmless(line: str) -> bool:
    try:
        return json.loads(line)["level"] in ("debug", "info", "warn")
    except (ValueError, KeyError, TypeError):
        return False


class Issuer:
    """A token issuer of the tests' own, so that a player costs no process."""

    def __init__(self, directory: Path) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_file = directory / "issuer.pem"
        self.public_file.write_bytes(
            self._key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def token(self, player: str, role: str = "player", ttl_s: int = TOKEN_S) -> str:
        """A token for a player."""
        return self.sign({"sub": player, "role": role, "exp": int(time.time()) + ttl_s})

    def sign(self, claims: dict[str, Any]) -> str:
        """A token that says anything."""
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class Player(Client):
    """A logged-in client; `items` are the ids of what it was granted."""

    name = ""
    items: Sequence[str] = ()

    def sell(self, item: int = 0, *, duration_s: int = HOUR_S, **prices: int) -> str:
        """Put one of the items up for sale; the listing's id."""
        made = self.call("listing.create", item=self.items[item], duration_s=duration_s, **prices)
        listing: str = made["listing"]["listing"]
        return listing

    def bid(self, listing: str, amount: int) -> Any:
        """Bid and lead; the listing as it then stands."""
        result = self.call("listing.bid", listing=listing, amount=amount)
        assert result["winning"] and result["listing"]["winning"], result
        return result["listing"]

    def look(self, listing: str) -> Any:
        """A listing as this player sees it."""
        return self.call("listing.get", listing=listing)["listing"]

    def gold(self) -> tuple[int, int]:
        """The wallet, and what is behind bids."""
        gold = self.call("player.get")["gold"]
        return gold["available"], gold["escrowed"]

    def await_gold(self, available: int, escrowed: int) -> None:
        """Wait until a refund that may be under way has arrived: the wallet, and what is behind bids, are then this."""
        eventually(lambda: self.gold() == (available, escrowed))

    def deliveries(self) -> list[Any]:
        """What waits to be claimed."""
        found: list[Any] = self.call("delivery.list")["deliveries"]
        return found

    def claim_all(self) -> None:
        """Take in whatever waits."""
        for delivery in self.deliveries():
            self.call("delivery.claim", delivery=delivery["delivery"])

    def pieces(self, commodity: str) -> int:
        """How much of a commodity is in the stash."""
        held: int = self.call("inventory.list")["commodities"].get(commodity, 0)
        return held

    def stash(self) -> list[str]:
        """The ids of the items in the stash."""
        return [item["item"] for item in self.call("inventory.list")["items"]]


class House:
    """A house through one of its nodes, in one encoding; everybody who came in is shown out at the end of the test.

    `names` are those of new players.
    """

    _numbers = itertools.count(1)

    def __init__(self, url: str, issuer: Issuer, encoding: Encoding = JSON, names: Iterator[str] | None = None) -> None:
        self.url = url
        self._names = names or (f"player-{number}" for number in self._numbers)
        self.issuer = issuer
        self.encoding = encoding
        self._open = contextlib.ExitStack()
        self._service: Player | None = None
        self._traders: list[Player] = []

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take every order back that rests, for books are everybody's, and show everybody out."""
        for trader in self._traders:
            for order in trader.call("commodity.orders")["orders"]:
                cancelled = trader.ask("commodity.cancel", {"order": order["order"]})
                over = cancelled.get("error", {}).get("data", {}).get("reason") == "order_closed"
                assert "result" in cancelled or over, cancelled  # the news of its end may still be on its way
        self._open.close()

    @property
    def service(self) -> Player:
        """The game's own service."""
        if self._service is None:
            self._service = self.enter("service", "service")
        return self._service

    def new_name(self) -> str:
        """A player's name that nobody has had."""
        return next(self._names)

    def visitor(self, encoding: Encoding | None = None, **options: Any) -> Player:
        """A connection that nobody has logged in on."""
        return self._open.enter_context(Player(self.url, encoding or self.encoding, **options))

    def enter(self, name: str, role: str = "player", encoding: Encoding | None = None) -> Player:
        """A new connection, logged in as this player."""
        player = self.visitor(encoding)
        player.name = name
        player.call("session.login", token=self.issuer.token(name, role))
        return player

    def newcomer(self, *, gold: int = 0, items: int = 0) -> Player:
        """A player whom nobody has seen before, with gold and a number of items."""
        player = self.enter(self.new_name())
        if gold or items:
            granted = self.grant(player.name, gold=gold, items=[{"base": self.base}] * items)
            player.items = [item["item"] for item in granted["items"]]
        return player

    def trader(self, *, gold: int = 0, **commodities: int) -> Player:
        """A player whom nobody has seen before, with gold and commodities."""
        player = self.newcomer()
        self.grant(player.name, gold=gold, commodities=commodities)
        self._traders.append(player)
        return player

    def grant(self, player: str, **what: Any) -> Any:
        """Bring gold and goods in."""
        return self.service.call("admin.grant", player=player, key=f"grant-{next(self._numbers)}", **what)

    @property
    def base(self) -> str:
        """Any item base of the world."""
        found: str = self.service.call("world.bases", limit=1)["bases"][0]["base"]
        return found
