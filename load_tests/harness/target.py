"""The server of a run: one that is started for it and audited when it has stopped, or any that runs already.

A server that is not ours is told by its URLs, and by the private key of the issuer whose tokens it trusts; of
`auction run` and `auction serve` that is `token-key.pem` in the data directory.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec

from load_tests.generator import CODEC, messages
from load_tests.house import HOUSE_RULES, Signer, audit, counters_of, running_cluster, running_house, signer
from load_tests.processes import ServerFailed
from load_tests.scenario import Scenario
from load_tests.standard.running import DEFAULT_WORKERS, running_standard
from load_tests.websocket import Connection, ConnectionLost

ENVIRONMENT = {
    "AUCTION_CONNECTIONS_PER_ADDRESS_MAX": "20000",
    "AUCTION_CONNECTIONS_MAX": "20000",
    "AUCTION_REQUESTS_PER_S": "100000",
    "AUCTION_REQUESTS_BURST": "100000",
}
"""All players of a load come from one address, and whoever makes its market asks faster than any player."""

STANDARD_METHODS = frozenset(
    (
        *("player.get", "listing.create", "listing.get", "listing.search", "listing.bid", "listing.buyout"),
        *("inventory.list", "delivery.list", "delivery.claim"),
    )
)
"""What of a player's methods the standard architecture speaks."""


class TargetFault(Exception):
    """The server cannot be used for this run; the text says what to do."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is there."""

    name: str
    """"fractal", "standard", or the URLs."""
    urls: dict[str, str]
    """By the nodes' ids."""
    nodes: int
    signer: Signer
    pids: Callable[[], Mapping[str, int]]
    """The server's processes, as far as they are ours to see."""
    ours_alone: bool
    """Nobody else plays there."""
    methods: Collection[str] | None = None
    """Of players; None for the whole protocol."""
    data: Path | None = None
    """Where it keeps its data, if here."""
    audit: Callable[[], bool] | None = None
    """Whether all gold and goods are there; None where that is not ours to ask."""
    audited_when_stopped: bool = True
    scraped: bool = True
    """Whether its nodes show metrics."""

    def connect(self, node: str, player: str, role: str = "player") -> Connection:
        """A connection to a node that is logged in."""
        return self.signer.connect(self.urls[node], player, role)

    def metrics(self) -> dict[str, float]:
        """What all nodes show to Prometheus, buckets aside, added up by the name without its labels."""
        sums: dict[str, float] = {}
        if self.scraped:
            for url in self.urls.values():
                for name, value in counters_of(url).items():
                    if not name.endswith("_bucket"):
                        sums[name] = sums.get(name, 0.0) + value
        return sums


@contextmanager
def fractal(directory: Path, nodes: int, scenario: Scenario) -> Iterator[Target]:
    """A house of our own, with the scenario's rules. Raises ServerFailed."""
    rules = rules_text(scenario.rules)
    data = directory / "data"
    if nodes == 1:
        with running_house(directory, rules, ENVIRONMENT) as house:
            yield Target(
                name="fractal",
                urls={"n1": house.server.url},
                nodes=1,
                signer=house.issuer,
                pids=lambda: {"n1": house.server.process.pid},
                ours_alone=True,
                data=data,
                audit=lambda: audit(data),
            )
        return
    with running_cluster(directory, nodes, ENVIRONMENT, rules) as cluster:
        yield Target(
            name="fractal",
            urls=cluster.urls,
            nodes=nodes,
            signer=cluster.issuer,
            pids=cluster.pids,
            ours_alone=True,
            data=data,
            audit=lambda: audit(*sorted(data.glob("n*/"))),
        )


@contextmanager
def standard(directory: Path, workers: int | None, scenario: Scenario) -> Iterator[Target]:
    """The architecture that we are compared with. Raises ServerFailed."""
    count = workers or DEFAULT_WORKERS
    with running_standard(directory, count, rules_text(scenario.rules)) as house:
        yield Target(
            name="standard",
            urls={"standard": house.server.url},
            nodes=count,
            signer=house.issuer,
            pids=house.pids,
            ours_alone=True,
            methods=STANDARD_METHODS,
            data=directory,
            audit=house.audit,
            audited_when_stopped=False,
            scraped=False,
        )


@contextmanager
def running_already(urls: Sequence[str], token_key: Path) -> Iterator[Target]:
    """A server that is not ours. Raises KeyFault, TargetFault."""
    issuer = signer(token_key)
    nodes = {_node_id(issuer, url): url for url in urls}
    yield Target(
        name=", ".join(urls),
        urls=nodes,
        nodes=len(nodes),
        signer=issuer,
        pids=dict,
        ours_alone=False,
        scraped=_shows_metrics(next(iter(nodes.values()))),
    )


def rules_text(rules: Mapping[str, Any]) -> str:
    """The house's rules with a scenario's over them, as TOML."""
    told = HOUSE_RULES
    for name, value in rules.items():
        kept = [line for line in told.splitlines() if not line.startswith(f"{name} =")]
        told = "\n".join([*kept, f"{name} = {msgspec.json.encode(value).decode()}", ""])
    return told


class _Hello(msgspec.Struct, frozen=True):
    node: str


def _node_id(issuer: Signer, url: str) -> str:
    """The node at a URL, by its first words."""
    if not url.startswith("ws://"):
        raise TargetFault(f"{url} is no ws:// URL: generators do not speak TLS; name the port behind what ends it")
    try:
        with closing(issuer.connect(url, "load-test", "service")) as connection:
            connection.send(CODEC.request(1, "player.get", {}))
            while True:
                for message in messages(connection):
                    if message.method == "hello":
                        return CODEC.result(message.params, _Hello).node
    except (ConnectionLost, OSError) as error:
        raise TargetFault(
            f"{url} does not let us in ({error}): start the server, and give --token-key the private key of the issuer "
            "that it trusts (of `auction run`: token-key.pem in its data directory)"
        ) from error


def _shows_metrics(url: str) -> bool:
    """Whether there is anything to scrape behind the URL's host and port."""
    try:
        return bool(counters_of(url))
    except (OSError, HTTPException, ServerFailed, ValueError):
        return False
