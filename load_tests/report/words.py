"""A run in sentences: what was run, whether it passed, and what its figures mean."""

from datetime import UTC, datetime
from shlex import join
from typing import Literal

import msgspec

from load_tests.report.quantities import counted, digits, duration, share
from load_tests.results import Checks, Machine, RunResult

OURS = ("fractal", "standard")
"""Targets that `run` can start."""


class Verdict(msgspec.Struct, frozen=True):
    """What a reader has to know first."""

    mood: Literal["passed", "doubtful", "failed"]
    """Doubtful: nothing was lost, but the figures are not the server's."""
    heading: str
    sentences: list[str]


def target(result: RunResult) -> str:
    """What was measured."""
    match result.target:
        case "fractal":
            return f"a fractal of {'one node' if result.nodes == 1 else f'{result.nodes} nodes'}"
        case "standard":
            return f"the standard architecture with {counted(result.nodes, 'worker', 'workers')}"
        case url:
            return f"the server at {url}"


def load(result: RunResult) -> str:
    """Who asked how much."""
    players = counted(result.players, "player", "players")
    if result.offered_per_s is not None:
        pace = f"{digits(result.offered_per_s)} requests a second"
        return f"{players} sent {pace} together, whether or not earlier ones had been answered (an open loop)"
    if result.think_s:
        pause = f"about {digits(result.think_s)} s"
        return f"{players} each sent the next request {pause} after the last answer (a closed loop)"
    return f"{players} each sent the next request when the last was answered (a closed loop)"


def command(result: RunResult) -> str:
    """What to type for the same load again; a server that is not ours wants its token key besides."""
    target = ["--target", result.target, "--nodes", f"{result.nodes}"]
    options = target if result.target in OURS else ["--url", result.target]
    options += ["--players", f"{result.players}", "--seconds", f"{result.seconds:g}", "--seed", f"{result.seed}"]
    if result.offered_per_s is not None:
        options += ["--rate", f"{result.offered_per_s:g}"]
    if len(result.generators) > 1:
        options += ["--generators", f"{len(result.generators)}"]
    return join(["python", "-m", "load_tests", "run", result.scenario, *options])


def machine(where: Machine) -> str:
    """The machine's name and size."""
    return f"{where.cpu or 'an unnamed processor'}, {counted(where.cpus, 'core', 'cores')}"


def started(result: RunResult) -> str:
    """The time of day, UTC."""
    return f"{datetime.fromtimestamp(result.started_at_ms / 1000, UTC):%d %B %Y, %H:%M} UTC"


def what_was_run(result: RunResult) -> str:
    """The run in a sentence or two."""
    where = f"on {machine(result.machine)}"
    place = f"Server and load generators ran {where}" if result.servers else f"The load generators ran {where}"
    measured = f"{digits(result.seconds)} s were measured, the warm-up not among them"
    return f"{load(result)}, against {target(result)}; {measured}. {place}, on {started(result)}."


def verdict(result: RunResult) -> Verdict:
    """Whether anything was lost, then whose limit the figures show."""
    kept = [*_kept(result.checks), *_failures(result), limit(result)]
    if not result.checks.passed:
        return Verdict("failed", "Failed", ["A run that loses something has failed, whatever its speed.", *kept])
    if not result.answers:
        return Verdict("doubtful", "Nothing was measured", ["No request was answered in the measured time.", *kept])
    if result.limited_by == "generator":
        return Verdict("doubtful", "Passed, but the load generator was the limit", kept)
    return Verdict("passed", "Passed", kept)


def limit(result: RunResult) -> str:
    """Whether server, generator or offered load set the pace, and what follows for the figures."""
    busiest = max((cores for process in result.generators for cores in process.cpu_s), default=0.0)
    at_work = f"The busiest generator took at most {digits(busiest)} of a core." if result.generators else ""
    match result.limited_by:
        case "server":
            said = (
                "The server was the limit: more load would not have given more answers, so the throughput is its own."
            )
        case "generator":
            said = (
                "The load generator was the limit: it was too busy to send more, or late itself (which other work on "
                "the machine can cause too), so the figures say that the server does at least this much, and not how "
                "much it can do. Run again on an idle machine, with more generators, or with fewer players."
            )
        case "load":
            said = (
                "The offered load was the limit: the server answered all that it was asked, so the latencies are those "
                "at this load, and how much more it could do is not known."
            )
    return f"{said} {at_work}".strip()


def lost(checks: Checks) -> list[str]:
    """The effects that are lost, in words, and how many more there are."""
    unnamed = checks.lost_count - len(checks.lost)
    return [*checks.lost, *([f"and {unnamed:,} more"] if unnamed > 0 else [])]


def lag(result: RunResult) -> str:
    """How far the generator itself is to blame for latencies."""
    late = result.late_us
    if not late.max:
        return "No request began later than it was meant to for a reason of the generator's own."
    said = f"Half of the requests began within {duration(late.p50)} of when they were meant to, 99% within "
    meant = "as far as that was up to the generator; the latencies of this report contain this lag."
    return f"{said}{duration(late.p99)} and the last after {duration(late.max)}, {meant}"


def _kept(checks: Checks) -> list[str]:
    effects = counted(checks.acknowledged, "effect", "effects")
    if checks.lost_count:
        kept = f"Lost: {checks.lost_count:,} of {effects} that the server had acknowledged."
    elif checks.acknowledged:
        kept = f"Nothing was lost: the server still shows all of {effects} that it had acknowledged."
    else:
        kept = "The server acknowledged no effect, so there was nothing to lose."
    match checks.balanced:
        case True:
            audit = "The audit of the stopped house found every coin and item accounted for."
        case False:
            audit = (
                "The audit of the stopped house found it out of balance: gold or items came or went without a cause."
            )
        case None:
            audit = "The house itself was not audited, as the server is not ours to stop."
    return [kept, audit]


def _failures(result: RunResult) -> list[str]:
    if not result.failures:
        return []
    failed = f"{counted(result.failures, 'request', 'requests')} ({share(result.failures, result.requests)})"
    return [f"{failed} had no answer, or one that the scenario does not expect."]
