"""The parts of a comparison by themselves: turns, `pgbench`, who comes back after a kill, sampled stacks."""

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from clients.codec import Message
from load_tests.comparison import profile
from load_tests.comparison.kills import NOT_READY, Returning
from load_tests.comparison.profile import PARTS, REACTOR, THE_REST, NoSampler, part_of, sampled
from load_tests.comparison.tpcb import PgbenchFailed, outcome
from load_tests.comparison.turns import Turn, cpu_s_by_kind, in_turns
from load_tests.generator import CODEC
from load_tests.house import START_BID
from load_tests.processes import cpu_s, family
from tests.load_tests.comparison.measured import turn
from tests.project.repository import ROOT

SAID = """number of transactions actually processed: 5412
number of failed transactions: 0 (0.000%)
latency average = 23.5 ms
initial connection time = 61.103 ms
tps = 2706.000000 (without initial connection time)
"""


class Scripted:
    """A side that only counts its turns."""

    def __init__(self) -> None:
        self.turns = 0

    def turn(self, seconds: float) -> Turn:
        """A turn like any other."""
        assert seconds == 0.5
        self.turns += 1
        return turn(self.turns)


def test_every_side_has_one_turn_a_round() -> None:
    """In each round all sides are loaded once, in an order that the seed makes and that differs between rounds."""
    orders = []
    for _ in range(2):
        sides = {name: Scripted() for name in "abc"}
        order = [name for name, _ in in_turns(sides, 8, 0.5, Random(7))]
        assert all(side.turns == 8 for side in sides.values())
        orders.append([order[first : first + 3] for first in range(0, 24, 3)])
    assert orders[0] == orders[1]
    assert all(sorted(each) == ["a", "b", "c"] for each in orders[0])
    assert len({tuple(each) for each in orders[0]}) > 1


def test_cpu_time_is_told_by_kind_of_process() -> None:
    """Processes of a kind are added up under its name, and one that has ended meanwhile is left out."""
    before_s = cpu_s(os.getpid())
    used_s = cpu_s_by_kind({"worker-0": os.getpid(), "worker-1": os.getpid(), "nginx-master": 2**22 + 1})
    assert used_s.keys() == {"workers"}
    assert used_s["workers"] >= 2 * before_s > 0
    assert next(family(os.getpid())) == os.getpid()


def test_pgbench_is_understood() -> None:
    """Transactions and their time come from what it says; failed transactions, or none, are no measurement."""
    assert outcome(SAID) == (5_412, pytest.approx(2.0))
    with pytest.raises(PgbenchFailed, match="without failures"):
        outcome(SAID.replace("failed transactions: 0", "failed transactions: 3"))
    with pytest.raises(PgbenchFailed):
        outcome("nothing")


def test_a_stack_belongs_to_its_innermost_part() -> None:
    """What the rules call is the rules', what nobody is named for is the reactor's."""
    way_in = ["mainLoop (twisted/internet/base.py)", "Session.receive (shardnode/gateway/session.py)"]
    rules = [*way_in, "execute (auction/house.py)", "post (auction/ledger.py)"]
    assert part_of(way_in) == "way in: frames, session, params"
    assert part_of(rules) == "rules"
    assert part_of(way_in[:1]) == THE_REST
    raw = "\n".join([f"thread (7): MainThread;{';'.join(rules)} 3", "thread (8): journal;run (threading.py) 2"])
    assert sampled(raw) == Counter({(REACTOR, "rules"): 3, ("journal", ""): 2})


def test_parts_are_named_by_files_that_there_are() -> None:
    """A module that moves takes its line in the profile's table with it."""
    ours = [
        marker.partition("(")[2].rstrip(")") for marker, _ in PARTS if "(auction/" in marker or "(shardnode" in marker
    ]
    assert len(ours) > 10
    assert not [path for path in ours if not (ROOT / path).exists()]


def test_without_a_sampler_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile needs `py-spy`, which is no dependency, and names it before it starts anything."""
    monkeypatch.setattr(profile, "which", lambda *_, **__: None)
    with pytest.raises(NoSampler, match="pip install py-spy"):
        profile.measure(tmp_path, connections=3, seconds=1, rate=10)
    assert not list(tmp_path.iterdir())


def test_who_comes_back_asks_again_until_the_node_is_ready() -> None:
    """A bid that is in doubt or cannot be decided yet is made again, and is no answer; one that leads is one."""
    player = Returning(["a"])
    for number, reason in enumerate(NOT_READY, 1):
        assert player.request() == CODEC.request(number, "listing.bid", {"listing": "a", "amount": START_BID})
        error = {"code": -32006, "message": "", "data": {"reason": reason}}
        assert player.take(message(id=number, error=error))
        assert not player.answered
    assert player.request() is not None
    assert player.take(message(id=len(NOT_READY) + 1, result={"winning": True}))
    assert player.answered
    assert player.acknowledged == {"a": START_BID}


def message(**members: object) -> Message:
    """As it comes from a node."""
    read = CODEC.read(CODEC._encode({"jsonrpc": "2.0", **members}))
    assert isinstance(read, Message)
    return read
