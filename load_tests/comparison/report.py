"""What a comparison measured, and the table that it comes to: ratios of rounds side by side, held against the goals."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from load_tests.comparison.checks import Check
from load_tests.comparison.kills import Kills
from load_tests.comparison.searches import Searches
from load_tests.comparison.turns import Turn
from load_tests.figures import GENERATOR_BUSY, Spread, spread
from load_tests.results import Machine
from load_tests.town import Kind

FORMAT = 1
"""Of the record of a comparison."""

FRACTAL, STANDARD, TPCB, ECHO = "fractal", "standard", "pgbench", "echo"
IN_WORKERS = "standard (rules in workers)"
"""The standard architecture as most teams build it; STANDARD has its rules in the database, which is the fastest."""
SAME, CROSS = "trades within a node", "trades across nodes"

Turns = Mapping[str, Sequence[Turn]]
"""What each side did, round by round, by the side's name."""

IDLE_CPUS = 0.1
"""Of the machine's cores, what may be busy with something else before figures are to be doubted."""


class Goal(msgspec.Struct, frozen=True):
    """What a figure is to be; a ratio has no unit. One of the two bounds is set."""

    at_least: float | None = None
    below: float | None = None
    unit: str = ""

    def met_by(self, measured: Spread) -> bool:
        """A ratio by its median; what must stay below a bound at any time, by its largest value."""
        if self.at_least is not None:
            return measured.median >= self.at_least
        assert self.below is not None
        return measured.max < self.below

    def text(self) -> str:
        """As it stands in the table."""
        return f"≥ {self.at_least:g}{self.unit}" if self.at_least is not None else f"< {self.below:g}{self.unit}"


class Row(msgspec.Struct, frozen=True):
    """One line of the ratio table; `measured` and `met` are None where it was not measured in this run."""

    what: str
    goal: Goal | None
    """None where the goal is no single figure; `goal_text` says it then."""
    goal_text: str
    measured: Spread | None
    met: bool | None
    note: str = ""


class SideFigures(msgspec.Struct, frozen=True):
    """What one side did, by rounds."""

    per_s: Spread
    p50_ms: Spread | None
    p99_ms: Spread | None
    cpu_us: Spread
    """CPU microseconds of all its servers for each thing done."""
    cpu_us_by_kind: dict[str, float]
    """The same by kind of process, over all rounds, without kinds that used none."""
    generator_busy: float
    """Share of its time in which the load generator was busy, in the round in which that was most."""
    limited_by_generator: bool
    others_cpus: float
    """Cores busy with anything else while this side was loaded, in the middle round."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as it is kept."""

    format: int
    started_at_ms: int
    took_s: float
    machine: Machine
    connections: int
    rounds: int
    seconds: float
    """Of a round of each side."""
    seed: int
    workers: int
    """Of the standard architecture; 0 where it was not measured."""
    rows: list[Row]
    sides: dict[str, SideFigures]
    trades: dict[str, Kind]
    """What each kind of trade cost between nodes and on their disks."""
    searches: Searches | None
    kills: Kills | None
    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, everybody was told, and all is in balance."""
        return all(check.passed for check in self.checks)

    @property
    def others_cpus(self) -> float:
        """Cores busy with anything but the loaded side and its load, for the side for which that was most."""
        return max((side.others_cpus for side in self.sides.values()), default=0.0)


def side_figures(turns: Sequence[Turn]) -> SideFigures:
    """Sum up the rounds of one side."""
    latencies = [turn.latency_ms for turn in turns if turn.latency_ms is not None]
    kinds = dict.fromkeys(kind for turn in turns for kind in turn.cpu_s)
    done = sum(turn.done for turn in turns)
    by_kind = {kind: round(sum(turn.cpu_s.get(kind, 0.0) for turn in turns) / done * 1e6, 1) for kind in kinds}
    generator_busy = max(turn.generator_busy for turn in turns)
    return SideFigures(
        per_s=spread([turn.per_s for turn in turns], 0),
        p50_ms=spread([each.p50 for each in latencies], 2) if latencies else None,
        p99_ms=spread([each.p99 for each in latencies], 2) if latencies else None,
        cpu_us=spread([turn.cpu_us for turn in turns], 1),
        cpu_us_by_kind={kind: cpu_us for kind, cpu_us in by_kind.items() if cpu_us},
        generator_busy=round(generator_busy, 2),
        limited_by_generator=generator_busy > GENERATOR_BUSY,
        others_cpus=round(median(turn.others_cpus for turn in turns), 2),
    )


def ratio_rows(turns: Turns, searches: Searches | None, kills: Kills | None) -> list[Row]:
    """The table of the goals in DESIGN.md's order, those against the standard architecture for each of its two forms;
    a row whose sides were not all measured says so.
    """
    return [
        _ratio("durable bids/s, fractal ÷ standard", Goal(at_least=10), turns, FRACTAL, STANDARD, _per_s),
        _ratio(f"durable bids/s, fractal ÷ {IN_WORKERS}", Goal(at_least=10), turns, FRACTAL, IN_WORKERS, _per_s),
        _ratio("server CPU a bid, standard ÷ fractal", Goal(at_least=10), turns, STANDARD, FRACTAL, _cpu_us),
        _ratio(f"server CPU a bid, {IN_WORKERS} ÷ fractal", Goal(at_least=10), turns, IN_WORKERS, FRACTAL, _cpu_us),
        _ratio("bids/s ÷ pgbench TPC-B transactions/s", Goal(at_least=2), turns, FRACTAL, TPCB, _per_s),
        _ratio("bids/s ÷ bare echo messages/s", Goal(at_least=0.6), turns, FRACTAL, ECHO, _per_s),
        _trades_row(turns),
        _search_row(searches),
        _kill_row(kills),
        _lost_row(kills),
        Row(
            what="simulated histories a minute, with faults",
            goal=None,
            goal_text="≥ 100,000 agreement, ≥ 1,000 nodes; all planted bugs found",
            measured=None,
            met=None,
            note="`make sim-agreement`, `make sim`, `make sim-mutants`",
        ),
    ]


def shown(measured: Spread) -> str:
    """The median, and in brackets the least and the largest."""
    return f"{measured.median:g} ({measured.min:g}–{measured.max:g})"


def _ratio(what: str, goal: Goal, turns: Turns, above: str, below: str, figure: Callable[[Turn], float]) -> Row:
    missing = [name for name in (above, below) if name not in turns]
    if missing:
        return _unmeasured(what, goal, f"without {' and '.join(missing)}")
    measured = spread(_ratios(turns[above], turns[below], figure), 2)
    return Row(what, goal, goal.text(), measured, goal.met_by(measured))


def _ratios(above: Sequence[Turn], below: Sequence[Turn], figure: Callable[[Turn], float]) -> list[float]:
    return [figure(left) / figure(right) for left, right in zip(above, below, strict=True)]


def _trades_row(turns: Turns) -> Row:
    row = _ratio("trades/s across nodes ÷ within a node", Goal(at_least=0.35), turns, CROSS, SAME, _per_s)
    if row.measured is None:
        return row
    p50 = spread(_ratios(turns[CROSS], turns[SAME], _p50_ms), 1)
    return msgspec.structs.replace(row, note=f"half of the answers took {shown(p50)} times as long")


def _search_row(searches: Searches | None) -> Row:
    goal = Goal(at_least=10)
    if searches is None:
        return _unmeasured("search, PostgreSQL's time ÷ ours", goal, "without search")
    return Row(
        what=f"search over {searches.listings:,} listings, PostgreSQL's time ÷ ours",
        goal=goal,
        goal_text=goal.text(),
        measured=searches.mean,
        met=goal.met_by(searches.mean),
        note=f"with statements written by hand {shown(searches.by_hand_mean)}",
    )


def _kill_row(kills: Kills | None) -> Row:
    what, goal = "kill -9 under load: time to the first served request", Goal(below=2, unit=" s")
    if kills is None:
        return _unmeasured(what, goal, "without kills")
    measured = spread(kills.first_answer_s, 2)
    everybody_s = max(kills.everybody_answered_s)
    note = f"{len(kills.first_answer_s)} kills; all players answered after {everybody_s:.2g} s at most"
    return Row(what, goal, goal.text(), measured, goal.met_by(measured), note)


def _lost_row(kills: Kills | None) -> Row:
    elsewhere = "all other faults: `make test-slow`, `make sim`"
    lost = None if kills is None else kills.lost + (not kills.balanced)
    return Row(
        what="acknowledged bids lost, goods or gold duplicated, over all faults",
        goal=None,
        goal_text="0",
        measured=None,
        met=False if lost else None,
        note=elsewhere if lost is None else f"{lost} in the kills of this run; {elsewhere}",
    )


def _unmeasured(what: str, goal: Goal, note: str) -> Row:
    return Row(what, goal, goal.text(), None, None, note)


def _per_s(turn: Turn) -> float:
    return turn.per_s


def _cpu_us(turn: Turn) -> float:
    return turn.cpu_us


def _p50_ms(turn: Turn) -> float:
    assert turn.latency_ms is not None
    return turn.latency_ms.p50
