"""Bids in one house that grows: stores awake beside those who bid, and open listings beside those that are bid on."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from load_tests.growth.bidding import Bidding, Side, audited, measure_bids, panels
from load_tests.growth.market import ask_all, list_goods, open_market
from load_tests.growth.node import ALL_AWAKE, gauge, killed_node
from load_tests.growth.record import Panel
from load_tests.growth.setting import Setting
from load_tests.house import House
from load_tests.websocket import Connection

CONNECTIONS = 64
LISTINGS_A_SELLER = 1_000
STEP = 5_000
"""Of a house's growth, after which the bidders are heard again."""

Fill = Callable[[House, Connection, int, int], None]
"""Adds to something: house, service's connection, how many there are, and how many there are to be."""


def measure_awake(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """Sizes count awake stores, those of the bidders and sellers among them. Raises Lost."""
    return _measure(setting, sizes, "awake stores", "auction_stores_awake", _wake)


def measure_listings(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """Sizes count open listings, those that are bid on among them. Raises Lost."""
    return _measure(setting, sizes, "open listings", "auction_listings_open", _list)


def _measure(setting: Setting, sizes: Sequence[int], varied: str, metric: str, fill: Fill) -> list[Panel]:
    """The same players bid on the same auctions while the house grows from size to size.

    The node is killed in the end: Python takes long to free so much memory, and an audit is good after that too.
    """
    biddings: list[Bidding] = []
    reached: list[float] = []
    with setting.directory() as directory:
        with killed_node(directory, ALL_AWAKE) as house, ExitStack() as stack:
            market = open_market(house, CONNECTIONS, stack)
            service = house.connect("load-test-fill", "service")
            stack.callback(service.close)
            for size in sizes:
                setting.tell(f"{size:,} {varied}")
                for there in range(int(gauge(house, metric)), size, STEP):
                    fill(house, service, there, min(size, there + STEP))
                    market.keep_alive()
                reached.append(gauge(house, metric))
                biddings += measure_bids([Side(market, house.server.cpu_s)], setting.point_s)
        audited(directory / "data")
    return panels(varied, reached, biddings)


def _wake(_: House, service: Connection, there: int, wanted: int) -> None:
    """Ask for players whom nobody ever heard of: their stores are awake from then on, with all tables and no rows."""
    ask_all(service, (("admin.player", {"player": f"sleeper-{number}"}) for number in range(there, wanted)))


def _list(house: House, service: Connection, there: int, wanted: int) -> None:
    """Open further listings, a thousand a seller."""
    sellers = [f"crowd-{first}" for first in range(there, wanted, LISTINGS_A_SELLER)]
    list_goods(house, service, sellers, wanted - there, LISTINGS_A_SELLER)
