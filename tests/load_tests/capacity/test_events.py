"""The simulation's clock, processors and queues, held against what queueing theory says of them."""

from collections.abc import Callable
from random import Random

import pytest

from load_tests.capacity.events import Loop, OwnCore, SharedCores
from load_tests.capacity.node import Node, NodeCosts

JOBS = 60_000
SERVICE_S = 1e-3


def mean_time_s(load: float, service_s: Callable[[Random], float]) -> float:
    """How long jobs are in a reactor that takes one a turn, on the average, where they arrive by chance."""
    loop, random = Loop(), Random(7)
    node = Node(loop, OwnCore(loop), NodeCosts(jobs_max=1))
    times_s: list[float] = []

    def arrive(left: int) -> None:
        since_s = loop.now_s
        node.do(service_s(random), lambda: times_s.append(loop.now_s - since_s))
        if left:
            loop.after(random.expovariate(load / SERVICE_S), arrive, left - 1)

    arrive(JOBS)
    loop.run(10 * JOBS * SERVICE_S / load)
    assert len(times_s) == JOBS + 1
    return sum(times_s) / len(times_s)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_a_reactor_with_random_work_is_an_m_m_1_queue(load: float) -> None:
    """With exponential service the mean time in the queue is S / (1 − ρ)."""
    measured_s = mean_time_s(load, lambda random: random.expovariate(1 / SERVICE_S))
    assert measured_s == pytest.approx(SERVICE_S / (1 - load), rel=0.07)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_a_reactor_with_constant_work_is_an_m_d_1_queue(load: float) -> None:
    """With constant service the mean time in the queue is S + ρ S / (2 (1 − ρ)), by Pollaczek and Khinchine."""
    measured_s = mean_time_s(load, lambda _: SERVICE_S)
    assert measured_s == pytest.approx(SERVICE_S * (1 + load / (2 * (1 - load))), rel=0.04)


def test_shared_cores_divide_their_time() -> None:
    """Three programs on two cores each get two thirds of a core, and all of one when fewer are left."""
    loop = Loop()
    cores = SharedCores(loop, 2)
    ended: dict[str, float] = {}
    for name, work_s in (("short", 1.0), ("middle", 2.0), ("long", 3.0)):
        cores.run(work_s, lambda name=name: ended.update({name: loop.now_s}))  # type: ignore[misc]  # mypy does not follow the default
    loop.run(10.0)
    assert ended == pytest.approx({"short": 1.5, "middle": 2.5, "long": 3.5})


def test_what_happens_at_one_instant_happens_in_the_order_of_asking() -> None:
    """Runs are repeatable since ties are broken by the order in which things were asked for."""
    loop = Loop()
    seen: list[int] = []
    for number in range(5):
        loop.after(1.0, seen.append, number)
    loop.run(1.0)
    assert seen == [0, 1, 2, 3, 4]


def test_records_that_come_during_a_commit_share_the_next() -> None:
    """While a batch is under way the next collects: many records, two fsyncs."""
    loop = Loop()
    node = Node(loop, OwnCore(loop), NodeCosts(commit_wait_s=0.01))
    durable_at_s: list[float] = []
    for number in range(10):
        record = lambda: node.persist(0.0, 1, lambda: durable_at_s.append(loop.now_s))  # noqa: E731 - used right here
        loop.after(0.001 * number, node.do, 0.0, record)
    loop.run(1.0)
    assert durable_at_s == pytest.approx([0.01, *[0.02] * 9])
    assert node.done.batches == 2
