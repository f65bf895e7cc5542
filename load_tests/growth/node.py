"""The node under measurement: started with other options than an operator's, looked at from outside, killed."""

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from load_tests.house import HOUSE_RULES, House, counters_of, running_house

RULES = f"{HOUSE_RULES}max_listings = 10000\nstash_capacity = 10000\n"
MANY = "10000000"
"""More than any axis reaches; the most that an option takes."""
OPTIONS = {
    "AUCTION_CONNECTIONS_MAX": MANY,
    "AUCTION_CONNECTIONS_PER_ADDRESS_MAX": MANY,
    "AUCTION_REQUESTS_PER_S": MANY,
    "AUCTION_REQUESTS_BURST": MANY,
}
"""A load test is one address, and asks for many things at once while it makes a market. All else is as by default."""
ALL_AWAKE = {"AUCTION_AWAKE_STORES_MAX": MANY, "AUCTION_STORE_IDLE_S": "86400"}
"""No store falls asleep."""
NO_CHECKPOINTS = {"AUCTION_CHECKPOINT_INTERVAL_S": "86400", "AUCTION_DIRTY_STORES_MAX": MANY, "AUCTION_STOP_S": "0.1"}
"""The journal alone knows what happened."""
FILES_SPARE = 256
"""Files that a process has open besides its connections."""


class TooFewFiles(Exception):
    """The system does not let a process have as many connections as are asked for."""


class _Killed(Exception):
    """Leaves a running node without a stop."""


@contextmanager
def running_node(directory: Path, options: Mapping[str, str] | None = None) -> Iterator[House]:
    """Start one node on `data` inside a directory, new or of an earlier start, and stop it in the end."""
    with running_house(directory, RULES, {**OPTIONS, **(options or {})}) as house:
        yield house


@contextmanager
def killed_node(directory: Path, options: Mapping[str, str] | None = None) -> Iterator[House]:
    """The same, but in the end the node is killed: `running` does so with whatever is left by an exception."""
    with suppress(_Killed), running_node(directory, options) as house:
        yield house
        raise _Killed


def allow_connections(count: int) -> None:
    """Let this process, and the nodes it starts, have so many connections. Raises TooFewFiles."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + FILES_SPARE
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise TooFewFiles(
            f"{count} connections need {needed} open files, and this system lets a process have {hard}: raise the hard "
            "limit (`ulimit -Hn`), or measure fewer with --sizes"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def rss_bytes(house: House) -> int:
    """Memory of the node's process now."""
    pages = int(Path(f"/proc/{house.server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def gauge(house: House, name: str) -> float:
    """One of the node's metrics that has no labels."""
    return counters_of(house.server.url)[name]
