"""One run of a scenario: market, generators, load, samples, checks, and what is kept of it."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from http.client import HTTPException
from math import ceil
from pathlib import Path
from typing import Literal

import msgspec

from load_tests.figures import GENERATOR_BUSY
from load_tests.harness.acts import ACTS
from load_tests.harness.checks import Asker, bid_complaints
from load_tests.harness.generators import Generators, generators
from load_tests.harness.ledger import BidCount
from load_tests.harness.load import DRAIN_S
from load_tests.harness.market import Connect, MarketMaker
from load_tests.harness.messages import Begin, Checked, Loaded, MarketSeen, Orders, Seat
from load_tests.harness.recorder import latencies, percentiles, second_of, text_of
from load_tests.harness.sampling import Sampling
from load_tests.harness.target import Target, TargetFault
from load_tests.machine import this_machine
from load_tests.results import FORMAT, LOST_SHOWN_MAX, Act, Checks, Percentiles, RunResult, Second
from load_tests.scenario import Closed, Open, Scenario

BEGIN_IN_S = 0.3
"""From telling the generators to their first request."""
MARGIN_S = 60.0
"""How much longer than it must a generator may take, until it has failed."""
PATIENCE_S = 8.0
"""How long gold and goods may be on their way between stores when the load is over."""
SETTLE_S = 60.0
"""How long a market may take to reach the files of its stores."""
LOOK_EVERY_S = 0.1
DIRTY = "auction_stores_dirty"
LATE_SHARE = 0.25
"""From this share of the p99 latency on, a generator's own lateness (p99) spoils the figures."""
LATE_MIN_US = 1_000
"""Below that it does not matter."""
RATE_MET = 0.95
"""Of the offered rate; with less answers the server did not keep up."""

Tell = Callable[[str, float], None]
"""What is being done, and how far the load is, from 0 to 1."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run, besides against what."""

    name: str
    scenario: Scenario
    seed: int
    generators: int
    connect: Connect


class Measured(msgspec.Struct, frozen=True):
    """What came back while the server was there."""

    started_at_ms: int
    loaded: list[Loaded]
    sampling: Sampling
    checks: Checks


def needs(scenario: Scenario) -> set[str]:
    """The methods that its players call."""
    return {ACTS[act].method for act in scenario.acts}


def refuse_where_lacking(scenario: Scenario, name: str, methods: Collection[str] | None, target: str) -> None:
    """Raises TargetFault where the server does not speak what the scenario needs."""
    lacking = sorted(needs(scenario) - set(methods)) if methods is not None else []
    if lacking:
        raise TargetFault(
            f"{target} does not speak {', '.join(lacking)}, which {name} needs: choose another scenario, or a target "
            "that speaks the whole protocol"
        )


def measure(plan: Plan, target: Target, directory: Path, tell: Tell) -> Measured:
    """Make the market, load the server, and hold what was acknowledged against it.

    Raises ScenarioFault, TargetFault, Refused, GeneratorFailed, ConnectionLost and OSError.
    """
    refuse_where_lacking(plan.scenario, plan.name, target.methods, target.name)
    started_at_ms = time.time_ns() // 1_000_000
    names = "" if target.ours_alone else f"load-{started_at_ms}-"
    tell("making a market", 0.0)
    with closing(MarketMaker(target, plan.scenario, plan.seed, names, plan.connect)) as maker:
        seats, market = maker.make()
    tell("waiting until the market is on disk", 0.0)
    _until_saved(target)
    count = min(plan.generators, len(seats))
    with generators(count, directory / "generators.log") as running:
        tell("connecting players", 0.0)
        running.ready([_orders(plan, target, market, seats[number::count]) for number in range(count)])
        loaded, sampling = _load(plan.scenario, target, running, tell)
        tell("checking what was acknowledged", 1.0)
        checked = running.check()
    return Measured(started_at_ms, loaded, sampling, _checks(target, loaded, checked))


def _until_saved(target: Target) -> None:
    """Wait until the nodes have written the market to their files, or else that would be measured too at first."""
    latest_s = time.monotonic() + SETTLE_S
    while target.ours_alone and target.metrics().get(DIRTY, 0.0) and time.monotonic() < latest_s:
        time.sleep(LOOK_EVERY_S)


def _orders(plan: Plan, target: Target, market: MarketSeen, seats: list[Seat]) -> Orders:
    methods = None if target.methods is None else sorted(target.methods)
    return Orders(plan.scenario, plan.seed, seats, market, methods, PATIENCE_S)


def _load(scenario: Scenario, target: Target, running: Generators, tell: Tell) -> tuple[list[Loaded], Sampling]:
    """Let all generators begin at one instant, and look at the processes once a second meanwhile."""
    begin_at_s = time.monotonic() + BEGIN_IN_S
    from_s = begin_at_s + scenario.warm_up_s
    sampling = None

    def look(first: "Future[bytes]") -> None:
        nonlocal sampling
        tell("warming up", 0.0)
        wait([first], max(0.0, from_s - time.monotonic()))
        sampling = Sampling(target.pids(), running.pids)
        metrics: dict[str, float] = {}
        for second in range(ceil(scenario.seconds)):
            until_s = from_s + min(second + 1, scenario.seconds)
            wait([first], max(0.0, until_s - time.monotonic()))
            metrics = _metrics(target, metrics)
            sampling.sample(metrics)
            tell("loading", (second + 1) / ceil(scenario.seconds))

    within_s = BEGIN_IN_S + scenario.warm_up_s + scenario.seconds + DRAIN_S + MARGIN_S
    loaded = running.load(Begin(begin_at_s), within_s, look)
    assert sampling is not None
    return loaded, sampling


def _metrics(target: Target, before: dict[str, float]) -> dict[str, float]:
    """What the nodes show now; the last known where one of them does not answer, which its players meet as well."""
    try:
        return target.metrics()
    except (OSError, HTTPException):
        return before


def _checks(target: Target, loaded: Sequence[Loaded], checked: Sequence[Checked]) -> Checks:
    """All ledgers held against the server, the listings' by what all generators counted."""
    counts: dict[str, BidCount] = {}
    for part in loaded:
        for listing, count in part.bids.items():
            counts.setdefault(listing, BidCount()).merge(count)
    with closing(target.connect(next(iter(target.urls)), "load-test", "service")) as connection:
        lost = bid_complaints(counts, Asker(connection, None, time.sleep), ours_alone=target.ours_alone)
    lost_count = len(lost) + sum(each.lost_count for each in checked)
    for each in checked:
        lost += each.lost
    return Checks(sum(each.acknowledged for each in checked), lost[:LOST_SHOWN_MAX], lost_count, None)


def result(plan: Plan, target: Target, measured: Measured, *, balanced: bool | None) -> RunResult:
    """Everything that is kept of a run."""
    scenario, sampling = plan.scenario, measured.sampling
    total, service = latencies(), latencies()
    acts, failures = {}, 0
    for name in sorted({name for each in measured.loaded for name in each.acts}):
        act, outcomes = latencies(), Counter[str]()
        parts = [each.acts[name] for each in measured.loaded if name in each.acts]
        for part in parts:
            act.decode_and_add(part.latency)
            service.decode_and_add(part.service)
            outcomes.update(part.outcomes)
        total.add(act)
        failures += sum(part.failures for part in parts)
        acts[name] = Act(sum(part.answers for part in parts), percentiles(act), dict(outcomes))
    late = latencies()
    for each in measured.loaded:
        late.decode_and_add(each.late)
    errors = sum((Counter(act.outcomes) for act in acts.values()), Counter[str]())
    del errors["ok"]
    timeline = _timeline(measured.loaded)
    in_time = sum(second.answers for second in timeline)
    server_cpu_s = sum(sum(watched.cpu_s) for watched in sampling.servers)
    return RunResult(
        format=FORMAT,
        scenario=plan.name,
        about=scenario.about,
        target=target.name,
        nodes=target.nodes,
        seed=plan.seed,
        started_at_ms=measured.started_at_ms,
        commit=commit() if target.ours_alone else "",
        machine=this_machine(target.data),
        players=scenario.players,
        loop="open" if isinstance(scenario.pace, Open) else "closed",
        offered_per_s=scenario.pace.arrivals_per_s if isinstance(scenario.pace, Open) else None,
        think_s=scenario.pace.think_s if isinstance(scenario.pace, Closed) else 0.0,
        seconds=scenario.seconds,
        requests=total.get_total_count(),
        failures=failures,
        answers=sum(act.answers for act in acts.values()),
        per_s=round(in_time / scenario.seconds, 1),
        latency_us=percentiles(total),
        histogram=text_of(total),
        service_histogram=text_of(service),
        acts=acts,
        errors=dict(errors),
        timeline=timeline,
        servers=[watched.process() for watched in sampling.servers],
        generators=[watched.process() for watched in sampling.generators],
        cpu_us_per_answer=round(server_cpu_s / in_time * 1e6, 1) if in_time else 0.0,
        metrics=sampling.metrics,
        late_us=percentiles(late),
        limited_by=_limited_by(scenario, sampling, percentiles(total), percentiles(late), in_time),
        checks=msgspec.structs.replace(measured.checks, balanced=balanced),
    )


def commit() -> str:
    """Of the program, as git knows it; empty where it does not."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _timeline(loaded: Sequence[Loaded]) -> list[Second]:
    seconds = []
    for number, parts in enumerate(zip(*(each.seconds for each in loaded), strict=True)):
        latency = second_of()
        for part in parts:
            latency.decode_and_add(part.latency)
        answers = sum(part.answers for part in parts)
        seconds.append(Second(number, answers, sum(part.failures for part in parts), percentiles(latency)))
    return seconds


def _limited_by(
    scenario: Scenario, sampling: Sampling, latency_us: Percentiles, late_us: Percentiles, answers: int
) -> Literal["server", "generator", "load"]:
    """Who set the pace: a generator that was busy or late itself, the load that was asked for, or the server."""
    busy = max(sum(watched.cpu_s) / scenario.seconds for watched in sampling.generators)
    if busy > GENERATOR_BUSY or late_us.p99 > max(LATE_MIN_US, latency_us.p99 * LATE_SHARE):
        return "generator"
    if isinstance(scenario.pace, Closed):
        return "load" if scenario.pace.think_s * 1e6 > latency_us.p50 else "server"
    return "load" if answers >= RATE_MET * scenario.pace.arrivals_per_s * scenario.seconds else "server"
