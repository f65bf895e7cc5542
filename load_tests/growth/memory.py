"""Memory of one more connection, of one more store that is awake, and of one more that sleeps."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from load_tests.figures import spread
from load_tests.growth.market import ask_all, results
from load_tests.growth.node import ALL_AWAKE, allow_connections, gauge, rss_bytes, running_node
from load_tests.growth.record import Curve, Panel
from load_tests.growth.setting import Setting
from load_tests.house import GOLD, House, call

VARIED = "how many"
ITEMS = 10
"""Of a player with goods."""
WARM = 150
"""Stores made first, so that all files are open which the node keeps open at once."""
ASLEEP_AT_ONCE = 250
"""Stores made before it is waited for their sleep, so that never more are awake."""
QUICK_CHECKPOINTS = {"AUCTION_CHECKPOINT_INTERVAL_S": "0.2"}
QUICK_SLEEP = {**QUICK_CHECKPOINTS, "AUCTION_STORE_IDLE_S": "0.2"}
CALM_WITHIN_S = 120.0
LOOK_EVERY_S = 0.05


class NotCalm(Exception):
    """The node did not come to rest in time."""


class Crowd:
    """Players of one house, made by number."""

    def __init__(self, house: House, stack: ExitStack) -> None:
        self.house = house
        self._stack = stack
        self._service = house.connect("load-test", "service")
        stack.callback(self._service.close)
        self._base = call(self._service, "world.bases", limit=1)["bases"][0]["base"]

    def wake(self, first: int, last: int) -> None:
        """Stores with all tables and no rows are awake."""
        ask_all(self._service, (("admin.player", {"player": f"crowd-{number}"}) for number in range(first, last)))

    def connect(self, first: int, last: int) -> None:
        """Players are connected, and stay so."""
        for number in range(first, last):
            self._stack.callback(self.house.connect(f"crowd-{number}").close)

    def equip(self, first: int, last: int) -> None:
        """Players have gold and items, and their files have all of it."""
        goods = {"gold": GOLD, "items": [{"base": self._base}] * ITEMS}
        results(
            self._service,
            [
                ("admin.grant", {"player": f"crowd-{number}", "key": f"equip-{number}", **goods})
                for number in range(first, last)
            ],
        )
        self._calm("auction_stores_dirty", 0)

    def lull(self, first: int, last: int) -> None:
        """Players have gold and items, and sleep again; never many of them are awake at once."""
        for begin in range(first, last, ASLEEP_AT_ONCE):
            self.equip(begin, min(last, begin + ASLEEP_AT_ONCE))
            self._calm("auction_stores_awake", 2)

    def _calm(self, metric: str, most: float) -> None:
        latest_s = time.monotonic() + CALM_WITHIN_S
        while gauge(self.house, metric) > most:
            if time.monotonic() > latest_s:
                raise NotCalm(f"{metric} is still above {most:g} after {CALM_WITHIN_S:g} s")
            time.sleep(LOOK_EVERY_S)


Add = Callable[[Crowd, int, int], None]
"""Adds players from one number up to another."""


def measure(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """A new node for each kind, which grows from size to size. Raises TooFewFiles, NotCalm."""
    allow_connections(max(sizes))
    known = {**ALL_AWAKE, **QUICK_CHECKPOINTS}
    kinds: list[tuple[str, Mapping[str, str], Add, Add]] = [
        ("connections, logged in and idle", known, Crowd.equip, Crowd.connect),
        ("stores awake, without rows", ALL_AWAKE, _nobody, Crowd.wake),
        (f"stores awake, gold and {ITEMS} items", known, _nobody, Crowd.equip),
        (f"stores asleep, gold and {ITEMS} items", QUICK_SLEEP, _nobody, Crowd.lull),
    ]
    panels = []
    for kind, options, prepare, add in kinds:
        memory_kb = []
        with _crowd(setting, options) as crowd:
            setting.tell(kind)
            add(crowd, 0, WARM)
            prepare(crowd, WARM, WARM + max(sizes))
            reached = WARM
            for size in sizes:
                add(crowd, reached, WARM + size)
                reached = WARM + size
                memory_kb.append(spread([rss_bytes(crowd.house) / 1e3], 0))
        panels.append(Panel(kind, "kB", VARIED, list(sizes), [Curve(kind, memory_kb)], "line"))
    return panels


def _nobody(crowd: Crowd, first: int, last: int) -> None:
    """Nothing is there beforehand."""


@contextmanager
def _crowd(setting: Setting, options: Mapping[str, str]) -> Iterator[Crowd]:
    with setting.directory() as directory, running_node(directory, options) as house, ExitStack() as stack:
        yield Crowd(house, stack)
