"""`kill -9` at random moments under load: nothing acknowledged is missing, nothing refused happened."""

from collections import Counter

import pytest

from tests.crash.house import House, assert_balanced
from tests.crash.loop import Loop
from tests.processes import NodeProcess, Nodes

ANSWERS_BETWEEN_KILLS = (1, 400)
FIRST_ANSWER_WITHIN_S = 2.0
MOMENT_S_MAX = 0.05
"""A kill falls so long after an answer at most: longer than a batch takes."""
START_MOMENT_S_MAX = 1.5
"""A start is killed so long after it began at most: about when it is ready."""
CHECKPOINT_INTERVALS_S = ("0.01", "0.1", "3600")
"""Stores' files may be as new as the journal, or as old as the last stop."""


class KillRun:
    """A house whose node is killed again and again, and counts of it all."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._counts: Counter[str] = Counter()

    def go(self, kills: int) -> None:
        """Kill so many times; after each, everything must be there."""
        house = self._house
        node = self._serve()
        while self._counts["kills"] < kills:
            self._kill_under_load(node)
            assert_balanced(house.data)
            if self._counts["kills"] % 5 == 4:
                self._kill_while_starting()
            node = self._serve()
            house.assert_nothing_is_lost()
        house.crowd.ask_again_what_was_answered(house.crowd.answers)
        house.crowd.assert_books_agree()
        house.stop(node)
        report = assert_balanced(house.data)
        for what, figures in house.crowd.books().totals().items():
            assert figures.items() <= report[what].items()

    def summary(self) -> str:
        """All counts in one line."""
        counts = ", ".join(f"{count} {what}" for what, count in self._counts.items())
        refused = sum(self._house.crowd.refusals.values())
        return (
            f"crash: {counts}; {self._house.trade.answered} answered, {refused} of them refused; "
            f"first answer within {max(self._house.first_answers_s):.2f} s of every start"
        )

    def _serve(self) -> NodeProcess:
        return self._house.serve(self._environment())

    def _environment(self) -> dict[str, str]:
        interval_s = self._house.random.choice(CHECKPOINT_INTERVALS_S)
        return {"AUCTION_CHECKPOINT_INTERVAL_S": interval_s, "AUCTION_STORE_IDLE_S": "0.2"}

    def _kill_under_load(self, node: NodeProcess) -> None:
        house, random = self._house, self._house.random
        house.trade.begin()
        house.trade.until_answered(random.randint(*ANSWERS_BETWEEN_KILLS))
        house.loop.until_moment(random.uniform(0, MOMENT_S_MAX))
        if random.random() < 0.1:
            node.process.terminate()
            house.loop.until_moment(random.uniform(0, MOMENT_S_MAX))
            self._counts["while stopping"] += 1
        node.kill()
        house.trade.cut_off()
        self._counts["kills"] += 1
        self._counts["requests without an answer"] += len(house.crowd.unanswered)

    def _kill_while_starting(self) -> None:
        node = self._house.start(self._environment())
        self._house.loop.until_moment(self._house.random.uniform(0, START_MOMENT_S_MAX))
        node.kill()
        self._counts["kills"] += 1
        self._counts["while starting"] += 1


def test_a_few_kills_lose_nothing(nodes: Nodes, loop: Loop, figures: list[str]) -> None:
    """After kills at five seeded moments everything acknowledged is there, once, and nothing else."""
    run = KillRun(House(nodes, loop, seed=5))
    run.go(kills=5)
    figures.append(run.summary())


@pytest.mark.slow
def test_many_kills_lose_nothing(nodes: Nodes, loop: Loop, figures: list[str]) -> None:
    """After kills at sixty seeded moments everything is there, and every start answered somebody within two seconds."""
    house = House(nodes, loop, seed=60)
    run = KillRun(house)
    run.go(kills=60)
    figures.append(run.summary())
    assert max(house.first_answers_s) < FIRST_ANSWER_WITHIN_S
