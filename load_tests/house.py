"""A node under load: started on an empty data directory, populated, and audited when it has stopped."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from load_tests.generator import CODEC, messages
from load_tests.processes import Server, ServerFailed, running
from load_tests.websocket import Connection

AUCTION = Path(sys.executable).with_name("auction")
LISTINGS_A_SELLER = 4
START_BID = 100
GOLD = 10**9
TOKEN_S = 86_400

HOUSE_RULES = """[rules]
increment_bp = 0     # bids rise by 1 gold, so that no price leaves its bounds however long the run
increment_min = 1
max_bids = 1000
"""


class Refused(Exception):
    """The node refused what a load test needs."""


def call(connection: Connection, method: str, **params: Any) -> dict[str, Any]:
    """Ask one thing outside the measurement, and wait for its result. Raises Refused."""
    connection.send(CODEC.request(0, method, params))
    while True:
        for message in messages(connection):
            if message.error is not None:
                raise Refused(f"{method}: {message.error.message} {message.error.data}")
            if message.id == 0:
                result: dict[str, Any] = CODEC.result(message.result, dict)
                return result


class House:
    """A running node, with a token issuer of our own: many players log in without a process for each token."""

    def __init__(self, server: Server, issuer: Ed25519PrivateKey) -> None:
        self.server = server
        self._issuer = issuer

    def connect(self, player: str, role: str = "player") -> Connection:
        """A connection that is logged in as a player."""
        claims = {"sub": player, "role": role, "exp": int(time.time()) + TOKEN_S}
        token = jwt.encode(claims, self._issuer, algorithm="EdDSA")
        return Connection(self.server.url, CODEC.subprotocol, {"Authorization": f"Bearer {token}"})

    def populate(self, players: Sequence[str], auctions: int) -> list[str]:
        """Give the players gold, and open auctions of many sellers; returns the listings."""
        service = self.connect("load-test", "service")
        for player in players:
            call(service, "admin.grant", player=player, gold=GOLD, key=secrets.token_hex(8))
        base = call(service, "world.bases", limit=1)["bases"][0]["base"]
        duration_s = max(call(service, "world.describe")["rules"]["durations_s"])
        listings = []
        for first in range(0, auctions, LISTINGS_A_SELLER):
            name = f"seller-{first}"
            items = [{"base": base}] * min(LISTINGS_A_SELLER, auctions - first)
            granted = call(service, "admin.grant", player=name, items=items, key=secrets.token_hex(8))
            seller = self.connect(name)
            for item in (each["item"] for each in granted["items"]):
                made = call(seller, "listing.create", item=item, start_bid=START_BID, duration_s=duration_s)
                listings.append(made["listing"]["listing"])
            seller.close()
        service.close()
        return listings


@contextmanager
def running_house(directory: Path) -> Iterator[House]:
    """Start `auction serve` with `data` inside a directory, and stop it in the end."""
    issuer = Ed25519PrivateKey.generate()
    public = directory / "issuer.pem"
    public.write_bytes(
        issuer.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    rules = directory / "rules.toml"
    rules.write_text(HOUSE_RULES)
    options: list[str | Path] = ["--data", directory / "data", "--port", "0", "--rules", rules, "--token-key", public]
    with running([AUCTION, "serve", *options], directory / "node.log") as server:
        yield House(server, issuer)


def audit(directory: Path) -> bool:
    """Whether `auction audit` finds the stopped house balanced. Raises ServerFailed where it cannot tell."""
    command: list[str | Path] = [AUCTION, "audit", directory / "data", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise ServerFailed(f"the audit says nothing: {done.stderr}")
    balanced: bool = json.loads(done.stdout)["balanced"]
    return balanced
