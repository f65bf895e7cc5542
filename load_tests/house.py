"""A house under load: started on empty data directories, populated, and audited when it has stopped."""

import json
import secrets
import socket
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import OK, HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from load_tests.generator import CODEC, messages
from load_tests.processes import Server, ServerFailed, cpu_s, running
from load_tests.websocket import Connection

AUCTION = Path(sys.executable).with_name("auction")
LISTINGS_A_SELLER = 4
START_BID = 100
GOLD = 10**9
TOKEN_S = 86_400
SCRAPE_S = 5.0
LINKED_WITHIN_S = 15.0
LOOK_EVERY_S = 0.1
PORTS = range(20_000, 32_000)
"""Below those that systems give to connections by themselves."""
PORT_TRIES_MAX = 100
IN_FLIGHT_MAX = 50
"""Requests of `call_all` on their way at once."""

HOUSE_RULES = """[rules]
increment_bp = 0     # bids rise by 1 gold, so that no price leaves its bounds however long the run
increment_min = 1
max_bids = 1000
"""


PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


class Refused(Exception):
    """The node refused what a load test needs."""


class KeyFault(Exception):
    """A key file cannot be used; the text says which and what to do."""


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


def call_all(connection: Connection, requests: Iterable[tuple[str, dict[str, Any]]]) -> list[msgspec.Raw]:
    """Ask many things, some of them at once; the results in the order of the requests. Raises Refused.

    A node that is asked too fast says when to come again, and then is.
    """
    waiting = deque(enumerate(requests))
    asked: dict[int, tuple[str, dict[str, Any]]] = {}
    results: dict[int, msgspec.Raw] = {}
    while waiting or asked:
        while waiting and len(asked) < IN_FLIGHT_MAX:
            number, (method, params) = waiting.popleft()
            asked[number] = method, params
            connection.send(CODEC.request(number, method, params))
        for message in messages(connection):
            if message.id is None or message.id not in asked:
                continue
            method, params = asked.pop(message.id)
            if message.error is None:
                results[message.id] = message.result
            elif (message.error.data or {}).get("reason") == "rate_limited":
                time.sleep((message.error.data or {})["retry_after_ms"] / 1000)
                waiting.append((message.id, (method, params)))
            else:
                raise Refused(f"{method}: {message.error.message} {message.error.data}")
    return [results[number] for number in range(len(results))]


class Signer:
    """Somebody whose tokens a house trusts."""

    def __init__(self, key: PrivateKey, algorithm: str) -> None:
        self._key = key
        self._algorithm = algorithm

    def token(self, player: str, role: str = "player") -> str:
        """What says who a player is, good for TOKEN_S."""
        claims = {"sub": player, "role": role, "exp": int(time.time()) + TOKEN_S}
        return jwt.encode(claims, self._key, algorithm=self._algorithm)

    def connect(self, url: str, player: str, role: str = "player") -> Connection:
        """A connection to a node that is logged in as a player."""
        return Connection(url, CODEC.subprotocol, {"Authorization": f"Bearer {self.token(player, role)}"})


class Issuer(Signer):
    """A token issuer of our own: many players log in without a process for each token."""

    def __init__(self, directory: Path) -> None:
        key = Ed25519PrivateKey.generate()
        super().__init__(key, "EdDSA")
        self.public = directory / "issuer.pem"
        self.public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )


def signer(path: Path) -> Signer:
    """The issuer that a running house trusts already, by its private key (PEM). Raises KeyFault."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyFault(f"the key {path} cannot be read ({error.strerror}): name a readable file") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFault(f"{path} holds no private key in PEM form without a password: name the issuer's own") from error
    if isinstance(key, Ed25519PrivateKey):
        return Signer(key, "EdDSA")
    if isinstance(key, EllipticCurvePrivateKey):
        return Signer(key, "ES256")
    if isinstance(key, RSAPrivateKey):
        return Signer(key, "RS256")
    raise KeyFault(f"{path}: tokens are signed with Ed25519, P-256 or RSA keys, not with this kind")


class House:
    """One running node."""

    def __init__(self, server: Server, issuer: Issuer) -> None:
        self.server = server
        self.issuer = issuer

    def connect(self, player: str, role: str = "player") -> Connection:
        """A connection that is logged in as a player."""
        return self.issuer.connect(self.server.url, player, role)

    def populate(self, players: Sequence[str], auctions: int) -> list[str]:
        """Give the players gold, and open auctions of many sellers; returns the listings."""
        service = self.connect("load-test", "service")
        give_gold(service, players)
        listings: list[str] = []
        for first in range(0, auctions, LISTINGS_A_SELLER):
            seller = f"seller-{first}"
            connection = self.connect(seller)
            listings += open_auctions(service, connection, seller, min(LISTINGS_A_SELLER, auctions - first))
            connection.close()
        service.close()
        return listings


class Cluster:
    """Running nodes of one house: `urls` by their ids."""

    def __init__(self, data: Path, issuer: Issuer) -> None:
        self.issuer = issuer
        self.urls = {path.parent.name: path.read_text().strip() for path in sorted(data.glob("*/node.url"))}
        self._pids = {path.parent.name: int(path.read_text()) for path in sorted(data.glob("*/node.pid"))}

    def connect(self, node: str, player: str, role: str = "player") -> Connection:
        """A connection to a node that is logged in as a player."""
        return self.issuer.connect(self.urls[node], player, role)

    def cpu_s(self) -> float:
        """CPU seconds used so far by all nodes."""
        return sum(map(cpu_s, self._pids.values()))

    def pids(self) -> dict[str, int]:
        """The nodes' processes, by the nodes' ids."""
        return self._pids

    def until_linked(self) -> None:
        """Wait until every node has found every other one. Raises ServerFailed where they do not in time."""
        latest_s = time.monotonic() + LINKED_WITHIN_S
        while self.counters()["auction_peers_up"] < len(self.urls) * (len(self.urls) - 1):
            if time.monotonic() > latest_s:
                raise ServerFailed(f"the nodes did not find each other within {LINKED_WITHIN_S:g} s")
            time.sleep(LOOK_EVERY_S)

    def counters(self) -> dict[str, float]:
        """What all nodes count for Prometheus, added up by the name without its labels."""
        counts: dict[str, float] = defaultdict(float)
        for url in self.urls.values():
            for name, value in counters_of(url).items():
                counts[name] += value
        return counts


def counters_of(url: str) -> dict[str, float]:
    """What the node at a URL counts for Prometheus, added up by the name without its labels.

    Raises ServerFailed where it shows no metrics, OSError and HTTPException where it does not answer.
    """
    counts: dict[str, float] = defaultdict(float)
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=SCRAPE_S)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
    if answer.status != OK:
        raise ServerFailed(f"{url} shows no metrics, but answers HTTP {answer.status}")
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            counts[name.partition("{")[0]] += float(value)
    return counts


def give_gold(service: Connection, players: Sequence[str]) -> None:
    """Make players able to bid as long as it takes."""
    for player in players:
        call(service, "admin.grant", player=player, gold=GOLD, key=secrets.token_hex(8))


def open_auctions(service: Connection, connection: Connection, seller: str, auctions: int) -> list[str]:
    """Give a seller items, and list each of them; `connection` is the seller's. Returns the listings."""
    base = call(service, "world.bases", limit=1)["bases"][0]["base"]
    duration_s = max(call(service, "world.describe")["rules"]["durations_s"])
    items = [{"base": base}] * auctions
    granted = call(service, "admin.grant", player=seller, items=items, key=secrets.token_hex(8))
    made = [
        call(connection, "listing.create", item=each["item"], start_bid=START_BID, duration_s=duration_s)
        for each in granted["items"]
    ]
    return [each["listing"]["listing"] for each in made]


@contextmanager
def running_house(
    directory: Path, rules: str = HOUSE_RULES, environment: Mapping[str, str] | None = None
) -> Iterator[House]:
    """Start `auction serve` with `data` inside a directory, and stop it in the end."""
    issuer = Issuer(directory)
    options: list[str | Path] = ["--data", directory / "data", "--port", "0", "--rules", _rules(directory, rules)]
    command = [AUCTION, "serve", *options, "--token-key", issuer.public]
    with running(command, directory / "node.log", environment=environment) as server:
        yield House(server, issuer)


@contextmanager
def running_cluster(
    directory: Path, nodes: int, environment: Mapping[str, str] | None = None, rules: str = HOUSE_RULES
) -> Iterator[Cluster]:
    """Start `auction cluster` with `data` inside a directory, and stop it in the end."""
    issuer = Issuer(directory)
    port = free_ports(nodes)
    options: list[str | Path] = ["--nodes", str(nodes), "--data", directory / "data", "--port", str(port)]
    command = [AUCTION, "cluster", *options, "--rules", _rules(directory, rules)]
    with running(
        command,
        directory / "cluster.log",
        nodes=nodes,
        environment={**(environment or {}), "AUCTION_TOKEN_KEY": str(issuer.public)},
    ):
        cluster = Cluster(directory / "data", issuer)
        cluster.until_linked()
        yield cluster


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now. Raises ServerFailed where there are none."""
    for _ in range(PORT_TRIES_MAX):
        port = secrets.choice(PORTS)
        if all(_is_free(port + number) for number in range(count)):
            return port
    raise ServerFailed(f"no {count} ports in a row are free")


def audit(*data: Path) -> bool:
    """Whether `auction audit` finds the stopped house balanced. Raises ServerFailed where it cannot tell."""
    command: list[str | Path] = [AUCTION, "audit", *data, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise ServerFailed(f"the audit says nothing: {done.stderr}")
    balanced: bool = json.loads(done.stdout)["balanced"]
    return balanced


def _rules(directory: Path, rules: str) -> Path:
    path = directory / "rules.toml"
    path.write_text(rules)
    return path


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
