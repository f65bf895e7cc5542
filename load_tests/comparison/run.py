"""One run, part by part: the sides that bid, echo and transact in turns, trades on three nodes, searches, kills."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

import msgspec
from rich.progress import Progress

from load_tests.comparison.bids import Bids
from load_tests.comparison.checks import Check
from load_tests.comparison.echo import running_echo
from load_tests.comparison.kills import Kills, Mortal, checks_of
from load_tests.comparison.report import (
    CROSS,
    ECHO,
    FORMAT,
    FRACTAL,
    IN_WORKERS,
    SAME,
    STANDARD,
    TPCB,
    Comparison,
    ratio_rows,
    side_figures,
)
from load_tests.comparison.searches import Searches, measure
from load_tests.comparison.tpcb import running_tpcb
from load_tests.comparison.trades import running_trades
from load_tests.comparison.turns import CpuTimes, Side, Turn, cpu_s_by_kind, in_turns
from load_tests.figures import warm_up_of
from load_tests.house import House, audit, running_house
from load_tests.machine import this_machine
from load_tests.standard import Standard, running_standard
from load_tests.standard.settings import RulesIn
from load_tests.town import BIDDERS_A_NODE_MIN, NODES, Kind

PARTS = ("bids", "standard", "workers", "pgbench", "echo", "trades", "search", "kills")
"""Of a run; any of them can be left out, and the table then says which rows were not measured."""
FORMS: dict[str, tuple[str, RulesIn]] = {"standard": (STANDARD, "database"), "workers": (IN_WORKERS, "workers")}
"""Part → side and form of the standard architecture."""
SEARCH_ROUNDS_MAX = 5


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured; see the command's help."""

    connections: int
    rounds: int
    seconds: float
    seed: int
    workers: int
    listings: int
    kills: int
    parts: frozenset[str]


class Run:
    """Measures everything once, with all data inside a directory."""

    def __init__(self, options: Options, directory: Path, progress: Progress) -> None:
        self._options = options
        self._directory = directory
        self._progress = progress
        self._random = Random(options.seed)  # noqa: S311 - the order of turns is no secret
        self._turns: defaultdict[str, list[Turn]] = defaultdict(list)
        self._checks: list[Check] = []
        self._trades: dict[str, Kind] = {}

    def measure(self) -> Comparison:
        """Go through the parts. Raises what the servers, their start and their load do."""
        began_at_ms, began_s = time.time_ns() // 1_000_000, time.perf_counter()
        options = self._options
        machine = this_machine(self._directory)
        if options.parts & {"bids", *FORMS, "pgbench", "echo"}:
            self._bids_echoes_transactions()
        if "trades" in options.parts:
            self._trades_of_both_kinds()
        searches = self._searches() if "search" in options.parts else None
        kills = self._kills() if "kills" in options.parts else None
        return Comparison(
            format=FORMAT,
            started_at_ms=began_at_ms,
            took_s=round(time.perf_counter() - began_s, 1),
            machine=machine,
            connections=options.connections,
            rounds=options.rounds,
            seconds=options.seconds,
            seed=options.seed,
            workers=options.workers if options.parts & FORMS.keys() else 0,
            rows=ratio_rows(self._turns, searches, kills),
            sides={name: side_figures(turns) for name, turns in self._turns.items()},
            trades=self._trades,
            searches=searches,
            kills=kills,
            checks=self._checks,
        )

    def _bids_echoes_transactions(self) -> None:
        """All houses, PostgreSQL alone and the echo, all running all the time, one of them loaded."""
        parts, connections = self._options.parts, self._options.connections
        with ExitStack() as stack:
            sides: dict[str, Side] = {}
            if "echo" in parts:
                sides[ECHO] = stack.enter_context(running_echo(self._directory, connections))
            if "pgbench" in parts:
                with self._telling("pgbench's tables"):
                    sides[TPCB] = stack.enter_context(running_tpcb(self._directory, connections))
            standards: dict[str, Standard] = {}
            for name, rules_in in (FORMS[part] for part in PARTS if part in parts & FORMS.keys()):
                running = running_standard(self._made(name), self._options.workers, rules_in=rules_in)
                standards[name] = standard = stack.enter_context(running)
                sides[name] = self._bids(stack, name, standard, partial(_cpu_s, standard))
            if "bids" in parts:
                house = stack.enter_context(running_house(self._made(FRACTAL)))
                sides[FRACTAL] = self._bids(stack, FRACTAL, house, lambda: {"node": house.server.cpu_s()})
            self._in_turns(sides)
            for side in sides.values():
                if isinstance(side, Bids):
                    self._checks += side.checks()
            for name, standard in standards.items():
                self._audit(name, standard.audit)
        if "bids" in parts:
            self._audit(FRACTAL, lambda: audit(self._directory / FRACTAL / "data"))

    def _bids(self, stack: ExitStack, name: str, house: House, cpu_s: Callable[[], CpuTimes]) -> Bids:
        with self._telling(f"a market for {name}"):
            bids = Bids(name, house, self._options.connections, cpu_s)
        stack.callback(bids.close)
        return bids

    def _trades_of_both_kinds(self) -> None:
        """Three nodes, with a market of each kind; a third of the bidders of each kind on each node."""
        directory = self._made("trades")
        connections = max(NODES * BIDDERS_A_NODE_MIN, self._options.connections // NODES * NODES)
        with ExitStack() as stack:
            with self._telling("markets on three nodes"):
                sides = stack.enter_context(running_trades(directory, connections, SAME, CROSS))
            self._in_turns(sides)
            for side in sides.values():
                self._checks += side.checks()
            self._trades = {name: side.kind() for name, side in sides.items()}
        self._audit("three nodes", lambda: audit(*sorted((directory / "data").glob("n*/"))))

    def _searches(self) -> Searches:
        options = self._options
        with self._telling(f"searches over {options.listings:,} listings"):
            rounds = min(options.rounds, SEARCH_ROUNDS_MAX)
            found = measure(self._directory, options.listings, rounds, options.seconds, options.seed)
        self._checks.append(
            Check("search: the same answers", found.pages_compared > 0, f"{found.pages_compared:,} pages on all sides")
        )
        return found

    def _kills(self) -> Kills:
        with self._telling(f"{self._options.kills} kills under load"):
            mortal = Mortal(self._made("kills"), self._options.connections)
            kills = mortal.measure(self._options.kills, self._options.seconds)
        self._checks += checks_of(kills)
        return kills

    def _in_turns(self, sides: Mapping[str, Side]) -> None:
        """Load each side for a moment so that it is warm, and then all of them, round after round."""
        rounds, seconds = self._options.rounds, self._options.seconds
        with self._telling("warming up"):
            for side in sides.values():
                side.turn(warm_up_of(seconds))
        turns = in_turns(sides, rounds, seconds, self._random)
        for name, turn in self._progress.track(turns, rounds * len(sides), description=", ".join(sides)):
            self._turns[name].append(turn)

    def _audit(self, name: str, audited: Callable[[], bool]) -> None:
        with self._telling(f"audit of {name}"):
            balanced = audited()
        self._checks.append(Check(f"{name}: audit", balanced, "balanced" if balanced else "not balanced"))

    def _made(self, name: str) -> Path:
        directory = self._directory / name
        directory.mkdir()
        return directory

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Show what is going on while it does."""
        task = self._progress.add_task(what, total=1)
        yield
        self._progress.update(task, completed=1)


def _cpu_s(standard: Standard) -> CpuTimes:
    return cpu_s_by_kind(standard.pids())
