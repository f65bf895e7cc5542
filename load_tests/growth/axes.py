"""All axes by name: what each varies, by which sizes, and by which few and small ones to try it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from load_tests.growth import cluster, connections, disk, in_memory, memory, start
from load_tests.growth.record import Panel
from load_tests.growth.setting import Setting


class Axis(msgspec.Struct, frozen=True):
    """One thing that grows."""

    title: str
    sizes: tuple[float, ...]
    quick: tuple[float, ...]
    measure: Callable[[Setting, Sequence[Any]], list[Panel]]


AXES = {
    "connections": Axis(
        "Bids against players who bid at once", (1, 4, 16, 64, 256, 1_000, 2_000, 5_000), (1, 4), connections.measure
    ),
    "disk": Axis("Against players on the disk", (1_000, 10_000, 100_000, 1_000_000), (1_000,), disk.measure),
    "awake": Axis("Bids against awake stores", (100, 1_000, 10_000, 100_000), (100, 200), in_memory.measure_awake),
    "listings": Axis(
        "Bids against open listings", (1_000, 10_000, 100_000, 300_000), (300, 600), in_memory.measure_listings
    ),
    "nodes": Axis("Bids against nodes of one machine", (1, 2, 3), (2,), cluster.measure_nodes),
    "share": Axis(
        "Bids against the share of trades across nodes", (0, 0.25, 0.5, 0.75, 1), (0.5,), cluster.measure_share
    ),
    "memory": Axis("Memory of one more", (0, 500, 1_000, 2_000, 4_000), (0, 20), memory.measure),
    "start": Axis("A start after kill -9", (0, 1_000, 10_000, 100_000), (100,), start.measure),
}
