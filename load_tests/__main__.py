"""`python -m load_tests`: `list` the scenarios, `run` one against a server, `compare` runs or architectures."""

import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from load_tests import results, scenario
from load_tests.comparison.command import command as compare_architectures
from load_tests.harness.checks import Unreadable
from load_tests.harness.generators import GeneratorFailed
from load_tests.harness.market import Connect
from load_tests.harness.run import Plan, measure, refuse_where_lacking, result
from load_tests.harness.target import (
    STANDARD_METHODS,
    Target,
    TargetFault,
    fractal,
    running_already,
    standard,
)
from load_tests.house import KeyFault, Refused
from load_tests.processes import ServerFailed
from load_tests.report import ComparisonFault, compare, write_report
from load_tests.results import ResultsFault, RunResult
from load_tests.scenario import Open, Scenario, ScenarioFault
from load_tests.websocket import ConnectionLost

COLUMNS = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
ARCHITECTURES = ("fractal", "standard")
LOST_EXIT_CODE = 1
FAULTS = (
    *(ScenarioFault, TargetFault, KeyFault, ResultsFault, ComparisonFault, Refused, ServerFailed, GeneratorFailed),
    *(ConnectionLost, Unreadable),
)
"""What a person can meet, and its text says what to do."""


@click.group()
def main() -> None:
    """Load a server that speaks the protocol, and say what it did, and whether it lost anything."""


@main.command("list")
def list_scenarios() -> None:
    """Name the scenarios that come along."""
    table = Table(show_edge=False)
    for column in ("scenario", "pace", "players", "seconds", "about"):
        table.add_column(column, no_wrap=column == "scenario")
    for name in scenario.names():
        each = scenario.load(name)
        table.add_row(name, _pace(each), str(each.players), f"{each.seconds:g}", each.about)
    Console().print(table)


@main.command()
@click.argument("name", metavar="SCENARIO")
@click.option("--url", "urls", multiple=True, metavar="URL", help="Of a running server's node, ws://…; one each.")
@click.option(
    "--token-key",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Private key (PEM) of the issuer that the server at --url trusts.",
)
@click.option("--target", type=click.Choice(ARCHITECTURES), help="What to start.  [default: fractal]")
@click.option("--nodes", type=click.IntRange(1, 16), help="Of a fractal, or workers of the standard architecture.")
@click.option(
    "--connect",
    type=click.Choice(("any", "home")),
    default="any",
    show_default=True,
    help="Players connect to the nodes in turn, or each to its home.",
)
@click.option("--seconds", type=click.FloatRange(0.1, scenario.SECONDS_MAX), help="Measured time, if not its own.")
@click.option("--players", type=click.IntRange(1, scenario.PLAYERS_MAX), help="If not its own.")
@click.option("--listings", type=click.IntRange(1, 1_000_000), help="Of the market, if not its own.")
@click.option("--rate", type=click.FloatRange(0.1, 1e6), help="Arrivals a second of an open loop, if not its own.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the market, and of all that players do.")
@click.option("--generators", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that load.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where the record (.json) and the report (.html) go.",
)
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where a server that is started keeps its data; name a real disk.  [default: the system's temporary one]",
)
def run(
    name: str,
    urls: tuple[str, ...],
    token_key: Path | None,
    target: str | None,
    nodes: int | None,
    connect: Connect,
    seconds: float | None,
    players: int | None,
    listings: int | None,
    rate: float | None,
    seed: int,
    generators: int,
    out: Path,
    parent: Path | None,
) -> None:
    """Run SCENARIO, by its name or the path of its file; without --url, on a server that is started for it.

    Exits 1 where something that was acknowledged is not there afterwards, whatever the speed.
    """
    try:
        chosen = scenario.changed(scenario.load(name), seconds=seconds, players=players, listings=listings, rate=rate)
        name = scenario.name_of(name)
        plan = Plan(name=name, scenario=chosen, seed=seed, generators=generators, connect=connect)
        _check_options(plan, urls, token_key, target, nodes)
        with tempfile.TemporaryDirectory(dir=parent) as directory:
            served = _served(plan, Path(directory), urls, token_key, target, nodes)
            kept = _run(plan, served, Path(directory))
        stamp = datetime.fromtimestamp(kept.started_at_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        place = out / f"{name}-{target or ('url' if urls else ARCHITECTURES[0])}-{stamp}.json"
        results.write(kept, place)
        write_report(kept, place.with_suffix(".html"))
    except FAULTS as fault:
        raise click.ClickException("\n".join([str(fault), *getattr(fault, "__notes__", ())])) from fault
    _show(kept, place)
    if not kept.checks.passed:
        sys.exit(LOST_EXIT_CODE)


@main.command("compare", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("what", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def compare_runs(context: click.Context, what: tuple[str, ...]) -> None:
    """Lay recorded runs (.json) side by side, or measure `fractal standard` in turns on this machine."""
    if what[: len(ARCHITECTURES)] == ARCHITECTURES:
        compare_architectures.main(
            list(what[len(ARCHITECTURES) :]), f"{context.command_path} {' '.join(ARCHITECTURES)}"
        )
    _compare_records.main(list(what), context.command_path)


@click.command()
@click.argument("records", nargs=-1, required=True, metavar="A B …", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("results/compared.html"),
    show_default=True,
    help="Where the page goes.",
)
def _compare_records(records: tuple[Path, ...], out: Path) -> None:
    """Lay the recorded runs A, B … (.json, as `run` writes them) side by side.

    With `fractal standard` in their place, both architectures are measured in turns on this machine; see
    `compare fractal standard --help`.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        compare(records, out)
    except FAULTS as fault:
        raise click.ClickException(str(fault)) from fault


def _check_options(
    plan: Plan, urls: Sequence[str], token_key: Path | None, target: str | None, nodes: int | None
) -> None:
    """What does not go together. Raises click.UsageError, TargetFault."""
    if urls and (target is not None or nodes is not None):
        raise click.UsageError("--url names a server that runs already; leave out --target and --nodes")
    if urls and token_key is None:
        raise click.UsageError(
            "players need tokens: give --token-key the private key (PEM) of the issuer that the server trusts, of "
            "`auction run` and `auction serve` token-key.pem in the data directory"
        )
    if token_key is not None and not urls:
        raise click.UsageError(
            "--token-key belongs to --url; a server that is started for the run gets a key of its own"
        )
    if target == "standard":
        refuse_where_lacking(plan.scenario, plan.name, STANDARD_METHODS, "the standard architecture")


def _served(
    plan: Plan, directory: Path, urls: Sequence[str], token_key: Path | None, target: str | None, nodes: int | None
) -> AbstractContextManager[Target]:
    """The server that is asked for."""
    if urls:
        assert token_key is not None, "checked before"
        return running_already(urls, token_key)
    if target == "standard":
        return standard(directory, nodes, plan.scenario)
    return fractal(directory, nodes or 1, plan.scenario)


def _run(plan: Plan, served: AbstractContextManager[Target], directory: Path) -> RunResult:
    """Measure, audit, and put together what is kept."""
    telling = Console(stderr=True)
    with Progress(*COLUMNS, console=telling, disable=not telling.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0)
        with served as target:
            measured = measure(
                plan, target, directory, lambda what, done: progress.update(task, description=what, completed=done)
            )
            balanced = None
            if target.audit is not None and not target.audited_when_stopped:
                balanced = target.audit()
        if target.audit is not None and target.audited_when_stopped:
            progress.update(task, description="auditing")
            balanced = target.audit()
        return result(plan, target, measured, balanced=balanced)


def _show(kept: RunResult, place: Path) -> None:
    """The run in a few lines."""
    shown = Console(soft_wrap=True)
    latency = kept.latency_us
    shown.print(
        f"{kept.scenario} on {kept.target}: {kept.per_s:,.0f} answers/s, p50 {latency.p50 / 1000:.2f} ms, "
        f"p99 {latency.p99 / 1000:.2f} ms, max {latency.max / 1000:.1f} ms; limited by the {kept.limited_by}",
        highlight=False,
    )
    if kept.errors:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(kept.errors.items()))
        shown.print(f"{kept.failures:,} of {kept.requests:,} requests failed; not ok: {reasons}", highlight=False)
    checks = kept.checks
    if checks.passed:
        audited = "not audited: the server is not ours" if checks.balanced is None else "the audit balances"
        shown.print(f"nothing lost of {checks.acknowledged:,} acknowledged effects; {audited}", highlight=False)
    else:
        shown.print(
            f"[bold red]FAILED: {checks.lost_count:,} of {checks.acknowledged:,} acknowledged effects do not fit"
        )
        shown.print("\n".join(checks.lost[:20]), markup=False, highlight=False)
        if checks.balanced is False:
            shown.print("[bold red]FAILED: the audit does not balance")
    shown.print(f"record in {place}, report in {place.with_suffix('.html')}", highlight=False)


def _pace(each: Scenario) -> str:
    if isinstance(each.pace, Open):
        return f"open, {each.pace.arrivals_per_s:g}/s"
    return f"closed, think {each.pace.think_s:g} s" if each.pace.think_s else "closed"


if __name__ == "__main__":
    main()
