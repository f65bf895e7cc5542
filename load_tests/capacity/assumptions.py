"""What the model assumes of the world: prices, machines, networks and players. Kept in files, to be replaced."""

import math
from pathlib import Path
from random import Random
from typing import Annotated

import msgspec

from load_tests.capacity.calibration import HERE, CapacityFault, read

PRICES = HERE / "prices.toml"
EVENING = HERE / "evening.toml"

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e15)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

HOURS_A_MONTH = 730.0
P99_SIGMAS = 2.326
"""Standard deviations above the mean beyond which lies one value in a hundred of a normal distribution."""
TRADES = 1e6


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one node runs on."""

    kind: str
    per_hour: Positive
    memory_bytes: Positive
    network_bytes_per_s: Positive


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one node's directory lies on."""

    gib: Positive
    per_gib_month: Positive
    fsync_ms: Positive


class Traffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes between zones, over which nodes are spread evenly."""

    per_gb: Annotated[float, msgspec.Meta(ge=0)]
    zones: Annotated[int, msgspec.Meta(ge=1)]


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a message takes from a machine to another: log-normal."""

    median_ms: Positive
    p99_ms: Positive

    def __call__(self, random: Random) -> float:
        """Seconds of one message."""
        sigma = math.log(self.p99_ms / self.median_ms) / P99_SIGMAS
        return random.lognormvariate(math.log(self.median_ms / 1_000), sigma)


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price list, and what its machines and networks do."""

    noted: str
    machine: Machine
    disk: Disk
    traffic: Traffic
    network: Network

    def node_per_hour(self) -> float:
        """A machine and its disk."""
        return self.machine.per_hour + self.disk.gib * self.disk.per_gib_month / HOURS_A_MONTH

    def per_million(self, nodes: int, trades_per_s: float) -> float:
        """Machines and disks by a million trades."""
        return nodes * self.node_per_hour() / 3_600 / trades_per_s * TRADES

    def traffic_per_million(self, bytes_per_s: float, trades_per_s: float) -> float:
        """What nodes that are spread over the zones send one another, by a million trades."""
        crossing = 1 - 1 / self.traffic.zones
        return bytes_per_s * crossing / 1e9 * self.traffic.per_gb / trades_per_s * TRADES


class Actions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of what players do."""

    search: Share
    look: Share
    bid: Share
    list: Share


class Evening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A peak, and who is there."""

    players: Positive
    online_share: Share
    actions_per_minute: Positive
    session_minutes: Positive
    listings_a_player: Positive
    busiest_listing_share: Share
    actions: Actions

    @property
    def online(self) -> float:
        """Players who are connected."""
        return self.players * self.online_share

    def per_s(self, share: float) -> float:
        """Actions a second of the whole house, of a kind that has this share."""
        return self.online * self.actions_per_minute / 60 * share

    @property
    def listings(self) -> float:
        """Open ones."""
        return self.players * self.listings_a_player


def read_prices(path: Path) -> Prices:
    """Raises CapacityFault."""
    prices = read(path, Prices)
    if prices.network.p99_ms < prices.network.median_ms:
        raise CapacityFault(f"{path}: network.p99_ms is below median_ms; of a hundred messages 99 are faster than it")
    return prices


def read_evening(path: Path) -> Evening:
    """Raises CapacityFault."""
    evening = read(path, Evening)
    total = sum(msgspec.structs.astuple(evening.actions))
    if abs(total - 1) > 1e-6:
        raise CapacityFault(f"{path}: the shares of actions add up to {total:g}; let them add up to 1")
    return evening
