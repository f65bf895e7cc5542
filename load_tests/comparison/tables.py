"""A comparison in words: the ratio table, what each side did and what was checked, for a terminal and as Markdown."""

from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from load_tests.comparison.report import IDLE_CPUS, Comparison, Row, SideFigures, shown

VERDICTS = {True: "met", False: "missed", None: "not measured"}
STYLES = {"met": "green", "missed": "bold red", "not measured": "dim"}


class Grid(msgspec.Struct, frozen=True):
    """Columns and rows of words."""

    columns: list[str]
    rows: list[list[str]]


def ratio_table(comparison: Comparison) -> Grid:
    """DESIGN.md's goals: median (least–largest) of the rounds, and whether it is reached."""
    columns = ["what", "goal", "measured", "verdict", "note"]
    return Grid(columns, [_ratio_row(row) for row in comparison.rows])


def side_table(comparison: Comparison) -> Grid:
    """What each side did, from which the ratios come."""
    columns = ["side", "a second", "p50 / p99 ms", "server CPU each, µs", "generator busy"]
    return Grid(columns, [_side_row(name, side) for name, side in comparison.sides.items()])


def facts(comparison: Comparison) -> Iterator[str]:
    """Where and how it was measured, and what there is to doubt."""
    machine = comparison.machine
    yield (
        f"{machine.cpus} CPUs ({machine.cpu}), Python {machine.python}, {machine.system}; "
        f"an fsync takes {machine.fsync_ms:g} ms"
    )
    yield (
        f"{comparison.connections} connections, {comparison.rounds} rounds of {comparison.seconds:g} s a side, "
        f"seed {comparison.seed}, {comparison.took_s:g} s in all; anything else took "
        f"{comparison.others_cpus:g} cores meanwhile"
    )
    for name, side in comparison.sides.items():
        if len(side.cpu_us_by_kind) > 1:
            by_kind = ", ".join(f"{kind} {cpu_us:g}" for kind, cpu_us in side.cpu_us_by_kind.items())
            yield f"{name}: server CPU each by process, µs: {by_kind}"
    for name, kind in comparison.trades.items():
        yield (
            f"{name}: {kind.messages_a_trade:g} messages between nodes, {kind.frames_a_trade:g} frames and "
            f"{kind.fsyncs_a_trade:g} fsyncs a trade"
        )


def warnings(comparison: Comparison) -> Iterator[str]:
    """Why figures of this run may mislead."""
    if comparison.others_cpus > IDLE_CPUS * comparison.machine.cpus:
        yield (
            f"the machine was not idle: anything but what was measured took {comparison.others_cpus:g} cores; "
            "stop other programs and measure again"
        )
    for name, side in comparison.sides.items():
        if side.limited_by_generator:
            yield f"{name}: the load generator was busy {side.generator_busy:.0%} of the time and may have set the pace"


def terminal(comparison: Comparison) -> RenderableType:
    """All of it, for a person at a terminal."""
    lines = [Text(fact) for fact in facts(comparison)]
    lines += [Text(f"warning: {warning}", style="yellow") for warning in warnings(comparison)]
    for check in comparison.checks:
        verdict = ("passed", "green") if check.passed else ("FAILED", "bold red")
        lines.append(Text.assemble(f"{check.what}: ", verdict, f", {check.found}"))
    tables = [_ratios(ratio_table(comparison))]
    if comparison.sides:
        tables.append(_sides(side_table(comparison)))
    return Group(*tables, *lines)


def markdown(comparison: Comparison) -> str:
    """The same for a page of the documentation."""
    parts = [_markdown(ratio_table(comparison))]
    if comparison.sides:
        parts.append(_markdown(side_table(comparison)))
    said = [*facts(comparison), *(f"Warning: {warning}" for warning in warnings(comparison))]
    said += [
        f"{check.what}: {'passed' if check.passed else '**failed**'}, {check.found}" for check in comparison.checks
    ]
    parts.append("\n".join(f"- {line}" for line in said))
    return "\n\n".join(parts) + "\n"


def _ratio_row(row: Row) -> list[str]:
    unit = "" if row.goal is None else row.goal.unit
    measured = "" if row.measured is None else f"{shown(row.measured)}{unit}"
    return [row.what, row.goal_text, measured, VERDICTS[row.met], row.note]


def _side_row(name: str, side: SideFigures) -> list[str]:
    per_s = f"{side.per_s.median:,.0f} ({side.per_s.min:,.0f}–{side.per_s.max:,.0f})"
    latency = "" if side.p50_ms is None or side.p99_ms is None else f"{side.p50_ms.median:g} / {side.p99_ms.median:g}"
    return [name, per_s, latency, shown(side.cpu_us), f"{side.generator_busy:.0%}"]


def _ratios(grid: Grid) -> Table:
    """Notes stand below what they are notes to, so that the table fits a narrow terminal."""
    table = Table(*grid.columns[:-1], title="Median (least–largest) of the rounds", title_justify="left")
    for what, goal, measured, verdict, note in grid.rows:
        noted = Text.assemble(what, (f"\n{note}" if note else "", "dim"))
        table.add_row(noted, Text(goal), Text(measured), Text(verdict, style=STYLES[verdict]))
    return table


def _sides(grid: Grid) -> Table:
    table = Table(grid.columns[0], title="What each side did", title_justify="left")
    for column in grid.columns[1:]:
        table.add_column(column, justify="right")
    for row in grid.rows:
        table.add_row(*row)
    return table


def _markdown(grid: Grid) -> str:
    lines: list[Sequence[str]] = [grid.columns, ["---"] * len(grid.columns), *grid.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
