"""A generator process: `load_tests.harness.messages` says what it reads and writes.

It plays its players and keeps their ledgers, so that nothing but histograms and sums travels. Its garbage collector is
off from the first request on: messages make no cycles, and a collection would be late for everything that is due.
"""

import gc
import resource
import sys
import time
from random import Random
from typing import BinaryIO

from load_tests.generator import CODEC
from load_tests.harness.checks import check_players
from load_tests.harness.ledger import BidCount, Ledger
from load_tests.harness.load import Line, Load, line_for
from load_tests.harness.messages import Begin, Check, Checked, Loaded, Orders, Ready, Seat, line_of, read_line
from load_tests.harness.player import Board, Player
from load_tests.websocket import Connection


def players_of(orders: Orders) -> list[tuple[Seat, Player]]:
    """The players of a generator, each with chances of its own."""
    market = orders.market
    board = Board(market.lots, market.wares, market.queries, market.prices, market.duration_s)
    players = []
    for seat in orders.seats:
        ledger = Ledger(market.terms, orders.scenario.market.gold, seat.items)
        for ware in market.wares:
            ledger.pieces[ware.commodity].add(orders.scenario.market.pieces)
        chances = Random(f"{orders.seed} acts {seat.number}")  # noqa: S311 - a load is repeated by its seed
        players.append((seat, Player(seat.name, orders.scenario.acts, board, ledger, chances, seat.items)))
    return players


def lines_of(orders: Orders, players: list[tuple[Seat, Player]]) -> list[Line]:
    """The same at their places."""
    seed, everybody = orders.seed, orders.scenario.players
    return [
        line_for(seat, player, orders.scenario, everybody, Random(f"{seed} arrivals {seat.number}"))  # noqa: S311 - as above
        for seat, player in players
    ]


def work(told: BinaryIO, tell: BinaryIO) -> None:
    """Do what is told, from connecting to the checks; whoever starts it closes it by ending the input."""
    orders = read_line(told.readline(), Orders)
    players = players_of(orders)
    lines = lines_of(orders, players)
    chances = Random(f"{orders.seed} thinking {orders.seats[0].number}")  # noqa: S311 - as above
    load = Load(orders.scenario, lines, chances, time.monotonic)
    _answer(tell, Ready(load.connect()))
    begin = read_line(told.readline(), Begin)
    gc.freeze()
    gc.disable()
    recorder = load.run(begin.at_s)
    gc.enable()
    bids: dict[str, BidCount] = {}
    for _, player in players:
        for listing, count in player.ledger.bids.items():
            bids.setdefault(listing, BidCount()).merge(count)
    _answer(tell, Loaded(recorder.acts(), recorder.seconds(), recorder.late_text(), bids))
    read_line(told.readline(), Check)
    load.close()
    _answer(tell, check_players(players, orders.methods, _connected, orders.patience_s, time.monotonic, time.sleep))


def _connected(seat: Seat) -> Connection:
    return Connection(seat.url, CODEC.subprotocol, {"Authorization": f"Bearer {seat.token}"})


def _answer(tell: BinaryIO, message: Ready | Loaded | Checked) -> None:
    tell.write(line_of(message))
    tell.flush()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    work(sys.stdin.buffer, sys.stdout.buffer)
