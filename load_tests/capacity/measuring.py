"""Measures what the steps of real nodes cost on this machine: one node first, then four, role by role.

In four nodes n1, n2 and n3 are the acceptors. Bidders live on n4, which is none, and sellers on n3. So the nearest
majority of every trade are n3 and n1: n4 coordinates, n3 takes part and accepts, n1 accepts only, and n2 has nothing to
do but to hear of changed listings. Each process has a role, and its processor time is the role's.
"""

import datetime
import os
import platform
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean

import msgspec

from load_tests.capacity.calibration import Calibration
from load_tests.capacity.fitting import costs_of
from load_tests.capacity.measuring_one import AT_ANY_RATE, FEW, SOME, Asking, OneNode, of_one_node, of_sleepers
from load_tests.capacity.probe import BATCHES, FRAMES, MESSAGES, RECORDS, Probe, Taken, while_all
from load_tests.duels import settle
from load_tests.generator import Line, drive
from load_tests.house import running_cluster
from load_tests.machine import this_machine
from load_tests.town import Town, duels_at

NODES = 4
ACCEPTOR, BYSTANDER, SELLERS_AT, BIDDERS_AT = "n1", "n2", "n3", "n4"
SLEEPERS = 300


class Roles(msgspec.Struct, frozen=True):
    """Fields of `load_tests.capacity.calibration.Calibration`."""

    coordinator_s: float
    participant_s: float
    acceptor_s: float
    coordinator_records: float
    participant_records: float
    acceptor_records: float
    frame_s: float
    wake_up_s: float
    link_s: float
    feed_row_s: float
    index_row_s: float
    journal_fact_s: float
    messages_a_trade: float


def measured(directory: Path, seconds: float, connections: int, sleepers: int) -> Calibration:
    """Measure all there is, each thing for a time, with all files in a directory."""
    one = of_one_node(directory / "one", seconds, connections)
    asleep = of_sleepers(directory / "sleepers", one.first_lane, sleepers)
    roles = of_four_nodes(directory / "four", one, seconds, connections)
    machine = this_machine(None)
    figures = {**msgspec.structs.asdict(one), **msgspec.structs.asdict(asleep), **msgspec.structs.asdict(roles)}
    for inside in ("first_lane", "batch_and_wake_s"):
        figures.pop(inside, None)
    today = datetime.datetime.now(datetime.UTC).date()
    where = f"{machine.cpu or platform.machine()}, {os.cpu_count()} CPUs, Python {machine.python}, {today}"
    return Calibration(machine=where, **figures)


def of_four_nodes(directory: Path, one: OneNode, seconds: float, connections: int) -> Roles:
    """Measure what each role of a trade across nodes takes, and what it takes to be a node of several."""
    directory.mkdir()
    with running_cluster(directory, NODES, AT_ANY_RATE) as cluster, ExitStack() as stack:
        probes = {node: Probe(pid, cluster.urls[node], one.first_lane) for node, pid in cluster.pids().items()}
        service = cluster.connect(SELLERS_AT, "load-test", "service")
        stack.callback(service.close)
        town = Town(service)
        idle = while_all(probes, lambda: time.sleep(seconds))
        forwarded = [
            Line(cluster.connect(ACCEPTOR, town.player(BYSTANDER)), Asking("player.get", {}))
            for _ in range(connections)
        ]
        asked = [_driven(probes, forwarded[:lines], seconds) for lines in (connections, SOME, FEW, 1)]
        _close(forwarded)
        bids, trades = (
            _bids(probes, duels_at(cluster, town, service, node, [SELLERS_AT], connections)[0], seconds)
            for node in (SELLERS_AT, BIDDERS_AT)
        )
    return _roles(one, _Driven(seconds, 0, idle), asked, bids, trades)


class _Driven(msgspec.Struct, frozen=True):
    """What all nodes took while bids were driven."""

    seconds: float
    answers: int
    nodes: dict[str, Taken]

    def frames(self, node: str) -> float:
        return self.nodes[node].count(FRAMES)


def _bids(probes: dict[str, Probe], lines: list[Line], seconds: float) -> _Driven:
    drive(lines, seconds)
    driven = _driven(probes, lines, seconds)
    settle(lines)
    _close(lines)
    return driven


def _close(lines: list[Line]) -> None:
    for line in lines:
        line.connection.close()


def _driven(probes: dict[str, Probe], lines: list[Line], seconds: float) -> _Driven:
    answers: list[int] = []
    nodes = while_all(probes, lambda: answers.append(len(drive(lines, seconds).latencies_s)))
    return _Driven(seconds, answers[0], nodes)


def _roles(one: OneNode, idle: _Driven, asked: list[_Driven], bids: _Driven, trades: _Driven) -> Roles:
    """From what the nodes took to what a role takes of each trade."""
    wake_up_s, frame_s = _carrying(idle, asked)
    link_s = fmean(max(0.0, each.reactor_s - wake_up_s * each.wakes) for each in idle.nodes.values())
    link_s /= idle.seconds * (NODES - 1)

    def left_s(driven: _Driven, node: str, frames: float) -> float:
        """Reactor's time without wake-ups, idle links, batches and so many frames."""
        taken = driven.nodes[node]
        rest_s = link_s * (NODES - 1) * driven.seconds + one.batch_s * taken.count(BATCHES)
        return max(0.0, taken.reactor_s - wake_up_s * taken.wakes - rest_s - frame_s * frames)

    heard = bids.frames(SELLERS_AT) / (NODES - 1)
    hearers = [node for node in bids.nodes if node != SELLERS_AT]
    row_s = fmean(left_s(bids, node, heard) for node in hearers) / bids.answers
    told = trades.frames(SELLERS_AT) / (NODES - 1)
    asked_each = trades.frames(BIDDERS_AT) / 2

    def role(node: str, received: float, rows: float) -> float:
        """Reactor's time a trade, without frames sent and received and without the feed."""
        rows_s = row_s * rows
        return max(0.0, left_s(trades, node, trades.frames(node) + received) - rows_s) / trades.answers

    def records(node: str) -> float:
        return trades.nodes[node].count(RECORDS) / trades.answers

    acceptor_s = role(ACCEPTOR, asked_each + told, trades.answers)
    takens = trades.nodes.values()
    batches = sum(taken.count(BATCHES) for taken in takens)
    facts = sum(taken.count(RECORDS) for taken in takens)
    journal_s = sum(taken.lanes_s["journal"] for taken in takens)
    return Roles(
        coordinator_s=role(BIDDERS_AT, trades.frames(ACCEPTOR) + told, trades.answers),
        participant_s=max(0.0, role(SELLERS_AT, asked_each, 0) - acceptor_s),
        acceptor_s=acceptor_s,
        coordinator_records=records(BIDDERS_AT),
        participant_records=records(SELLERS_AT) - records(ACCEPTOR),
        acceptor_records=records(ACCEPTOR),
        frame_s=frame_s,
        wake_up_s=wake_up_s,
        link_s=link_s,
        feed_row_s=row_s,
        index_row_s=fmean(bids.nodes[node].lanes_s["search"] for node in hearers) / bids.answers,
        journal_fact_s=max(0.0, journal_s - one.journal_batch_s * batches) / facts,
        messages_a_trade=sum(taken.count(MESSAGES) for taken in takens) / trades.answers,
    )


def _carrying(idle: _Driven, asked: list[_Driven]) -> tuple[float, float]:
    """A wake-up, and a frame sent or received, of nodes between which requests go to and fro, and nothing to a disk."""
    counts, seconds = [], []
    for run in asked:
        rest = run.seconds / idle.seconds
        frames = sum(run.frames(node) - idle.frames(node) * rest for node in (ACCEPTOR, BYSTANDER))
        for place, node in enumerate((ACCEPTOR, BYSTANDER)):
            taken, resting = run.nodes[node], idle.nodes[node]
            role = [0.0, 0.0]
            role[place] = run.answers
            counts.append((taken.wakes - resting.wakes * rest, frames, *role))
            seconds.append(taken.reactor_s - resting.reactor_s * rest)
    wake_up_s, frame_s, *_ = costs_of(counts, seconds)
    return wake_up_s, frame_s
