"""A share of the simulator of whole nodes: sound histories, the same ones again, and planted bugs that it must find."""

import os
import subprocess
import sys
from hashlib import sha256

import pytest

from tests.simulation.command import found_by, told
from tests.simulation.faults import Faults
from tests.simulation.histories import Plan
from tests.simulation.node_mutants import MUTANTS
from tests.simulation.nodes import LEVEL, plan, play

SEEDS = range(1, 31)
REPLAYED = (4, 6, 11)
"""Seeds whose stories are told again and again."""
QUICK = (
    "gate_opened_early",
    "reads_do_not_wait",
    "votes_do_not_wait",
    "own_keys_used_again",
    "unavailable_for_in_doubt",
    "mark_in_another_record",
    "transfer_acknowledged_early",
    "transfer_taken_twice",
    "tail_not_replayed",
    "prepared_forgotten_at_a_restart",
    "order_answered_twice",
    "maker_not_told",
    "latest_order_goes_first",
    "key_of_an_order_is_free",
    "promised_items_stay",
    "freeze_answered_early",
    "watchers_told_early",
    "history_lost_by_a_checkpoint",
)
"""Planted bugs that are found within QUICK_HISTORIES."""
QUICK_HISTORIES = 60

_TELL = """
import sys
from tests.simulation.nodes import plan, play
for seed in map(int, sys.argv[1:]):
    story = []
    play(plan(seed), story)
    print("\\n".join(story))
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_of_whole_nodes_violates_nothing(seed: int) -> None:
    """Whatever goes wrong, nodes stay sound, nothing is lost or done twice, and all comes to rest in the end."""
    violation = play(plan(seed)).violation
    assert violation is None, told(LEVEL, seed, violation.check)


def test_a_house_without_faults_is_at_rest_soon() -> None:
    """Nothing goes wrong, so no request is lost or in doubt, whatever the number of nodes."""
    for nodes in (1, 2, 3, 5):
        story: list[str] = []
        history = play(Plan(seed=nodes, faults=Faults(), nodes=nodes, size=80), story)
        assert history == (0, None)
        assert not [line for line in story if "in_doubt" in line or line.endswith(" lost")]


def test_a_history_is_the_same_again_in_the_same_process() -> None:
    """A plan says all that a history depends on: nothing of the histories before it is left."""
    for seed in REPLAYED:
        stories: tuple[list[str], list[str]] = [], []
        first, again = (play(plan(seed), story) for story in stories)
        assert stories[0] == stories[1]
        assert first.faults == again.faults


def test_a_history_is_the_same_under_any_hash_seed() -> None:
    """No order of a set finds its way into a history."""
    digests = set()
    for hash_seed in ("1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", _TELL, *map(str, REPLAYED)]
        story = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        assert len(story.splitlines()) > 100
        digests.add(sha256(story).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    """The simulator of whole nodes can fail: it finds a bug that is there."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    histories, _ = found_by(LEVEL, mutant, range(1, QUICK_HISTORIES + 1))
    assert histories is not None, mutant.breaks
