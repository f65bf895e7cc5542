"""A record of a run, made up with a seed, as reports are made from."""

import random

from hdrh.histogram import HdrHistogram

from load_tests.results import (
    FORMAT,
    Act,
    Checks,
    Machine,
    Percentiles,
    Process,
    RunResult,
    Second,
)

SECONDS = 12
EFFECTS = 5_000
MACHINE = Machine(cpus=2, cpu="Example CPU", python="3.11.2", system="Linux", fsync_ms=0.4)
ALL_KEPT = Checks(acknowledged=EFFECTS, lost=[], lost_count=0, balanced=True)


def a_histogram(seed: int, waited_us: int = 0) -> HdrHistogram:
    """Latencies of some thousand answers; one in fifty waited longer."""
    chance = random.Random(seed)
    histogram = HdrHistogram(1, 60_000_000, 3)
    for number in range(5_000):
        histogram.record_value(int(chance.lognormvariate(7.5, 0.6)) + (waited_us if number % 50 == 0 else 0))
    return histogram


def percentiles_of(histogram: HdrHistogram) -> Percentiles:
    """As the harness sums up a histogram."""
    shares = (50, 90, 99, 99.9, 100)
    return Percentiles(*(histogram.get_value_at_percentile(share) for share in shares))


def a_run(seed: int = 1) -> RunResult:
    """Twelve seconds of a bid war against one node, with an open loop, in which nothing was lost."""
    chance = random.Random(seed)
    intended, real = a_histogram(seed, waited_us=80_000), a_histogram(seed)
    timeline = [_second(chance, at_s) for at_s in range(SECONDS)]
    answers = sum(second.answers for second in timeline)
    node = Process(
        "node 1", [0.8 + 0.1 * chance.random() for _ in timeline], [90_000_000 + 10**6 * s for s in range(12)]
    )
    generator = Process("generator 1", [0.4 + 0.1 * chance.random() for _ in timeline], [60_000_000] * SECONDS)
    latency_us = percentiles_of(intended)
    return RunResult(
        format=FORMAT,
        scenario="bid_war",
        about="Many bidders on few listings, each outbid again and again.",
        target="fractal",
        nodes=1,
        seed=seed,
        started_at_ms=1_800_000_000_000,
        commit="0123abcd",
        machine=MACHINE,
        players=64,
        loop="open",
        offered_per_s=2_000.0,
        think_s=0.0,
        seconds=float(SECONDS),
        requests=answers,
        failures=0,
        answers=answers,
        per_s=answers / SECONDS,
        latency_us=latency_us,
        histogram=intended.encode().decode(),
        service_histogram=real.encode().decode(),
        acts={
            "bid": Act(answers - 900, latency_us, {"ok": answers - 1_400, "bid_too_low": 480, "outbid": 20}),
            "search": Act(900, percentiles_of(real), {"ok": 900}),
        },
        errors={"bid_too_low": 480, "outbid": 20},
        timeline=timeline,
        servers=[node],
        generators=[generator],
        cpu_us_per_answer=1e6 * sum(node.cpu_s) / answers,
        metrics={
            "auction_journal_batch_records_sum": [1_000.0 * second**1.1 for second in range(SECONDS)],
            "auction_journal_batch_records_count": [100.0 * second for second in range(SECONDS)],
            "auction_journal_commit_seconds_sum": [0.3 * second for second in range(SECONDS)],
            "auction_journal_commit_seconds_count": [100.0 * second for second in range(SECONDS)],
            "auction_gate_wait_seconds_sum": [0.5 * second for second in range(SECONDS)],
            "auction_gate_wait_seconds_count": [100.0 * second for second in range(SECONDS)],
            "auction_gate_waiting": [float(chance.randrange(20)) for _ in timeline],
            "auction_journal_unsynced": [float(chance.randrange(60)) for _ in timeline],
            "auction_stores_awake": [64.0] * SECONDS,
            "auction_limit_hits_total": [0.0] * SECONDS,
        },
        late_us=Percentiles(20, 60, 400, 2_000, 9_000),
        limited_by="load",
        checks=ALL_KEPT,
    )


def _second(chance: random.Random, at_s: int) -> Second:
    half = chance.randrange(1_500, 2_500)
    latency_us = Percentiles(half, 2 * half, 5 * half, 20 * half, 40 * half)
    return Second(at_s, answers=chance.randrange(1_900, 2_100), failures=0, latency_us=latency_us)
