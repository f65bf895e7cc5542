"""The command line behind `make sim`, `make sim-agreement` and `make sim-mutants`.

Histories are independent of each other, so every processor plays its own; what is reported does not depend on which.
"""

import gc
import importlib
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import click
from twisted.logger import globalLogBeginner

from tests.simulation.histories import Level
from tests.simulation.mutants import Mutant
from tests.simulation.shrink import shrink


class _Place(NamedTuple):
    """Where a level's code is; imported when it is played."""

    level: str
    mutants: str
    chunk: int
    """Histories that a process plays in one go."""
    mutant_histories: int
    """Within so many histories every mutant is found."""


PLACES = {
    "agreement": _Place("tests.simulation.agreement", "tests.simulation.agreement_mutants", 200, 20_000),
    "nodes": _Place("tests.simulation.nodes", "tests.simulation.node_mutants", 4, 2_000),
}
PROGRESS_S = 2.0
"""How often progress is told."""
SEEDS_LISTED = 10
"""How many violating seeds are listed."""
ROUNDS = 3
"""How many times a mutant is looked for, each time from another seed on."""


@click.group()
def main() -> None:
    """Play seeded histories of faults against the production code."""


@main.command()
@click.argument("name", type=click.Choice(tuple(PLACES)))
@click.option("--seeds", default=1_000, show_default=True, help="how many histories")
@click.option("--first", default=1, show_default=True, help="the first seed")
@click.option("--seed", type=int, help="only this history")
@click.option("--verbose", is_flag=True, help="tell the story of --seed")
def play(name: str, seeds: int, first: int, seed: int | None, verbose: bool) -> None:
    """Play histories; at a violation tell its shrunk story and exit with 1."""
    level = level_of(name)
    if seed is not None:
        first, seeds = seed, 1
        if verbose:
            story: list[str] = []
            level.play(level.plan(seed), story)
            click.echo("\n".join(story))
    began_s = time.monotonic()
    faults, violations = _played(name, range(first, first + seeds))
    if violations:
        click.echo(told(level, min(violations), violations[min(violations)]))
        click.echo(f"violating seeds: {', '.join(map(str, sorted(violations)[:SEEDS_LISTED]))}")
    click.echo(f"{seeds} histories, {faults} faults, {len(violations)} violations, {time.monotonic() - began_s:.1f} s")
    sys.exit(1 if violations else 0)


@main.command()
@click.argument("names", nargs=-1, type=click.Choice(tuple(PLACES)))
def mutants(names: tuple[str, ...]) -> None:
    """Plant each bug in turn and show how many histories it took until a check found it; exit with 1 if one did not."""
    missed = 0
    click.echo(f"{'planted bug':<44} {'histories until found':>22}  found by")
    with multiprocessing.Pool() as pool:
        searches = [(name, mutant.name) for name in names or PLACES for mutant in mutants_of(name)]
        for (_, mutant), (counts, checks) in zip(searches, pool.imap(_hunted, searches), strict=True):
            if None in counts:
                missed += 1
            shown = " ".join("never" if count is None else str(count) for count in counts)
            click.echo(f"{mutant:<44} {shown:>22}  {', '.join(checks)}")
    click.echo(f"{len(searches)} planted bugs, {missed} not found")
    sys.exit(1 if missed else 0)


def level_of(name: str) -> Level:
    """A level by its name."""
    level: Level = importlib.import_module(PLACES[name].level).LEVEL
    return level


def mutants_of(name: str) -> tuple[Mutant, ...]:
    """The planted bugs that a level has to find."""
    found: tuple[Mutant, ...] = importlib.import_module(PLACES[name].mutants).MUTANTS
    return found


def told(level: Level, seed: int, check: str) -> str:
    """A violation as people read it: seed, commit, and the shrunk story."""
    small, story = shrink(level, level.plan(seed), check)
    kinds = ", ".join(small.faults.kinds()) or "none"
    return "\n".join(
        (
            f"VIOLATION of {check!r} by seed {seed} of {level.name} at commit {_commit()}",
            f"shrunk to size {small.size}, {small.nodes} nodes, {small.faults_max} faults of the kinds: {kinds}",
            *story,
        )
    )


def found_by(level: Level, mutant: Mutant, seeds: range) -> tuple[int | None, str]:
    """How many histories it takes until a planted bug is found, None if it is not, and the check that found it."""
    with mutant.plant():
        for count, seed in enumerate(seeds, 1):
            violation = level.play(level.plan(seed), None).violation
            if violation is not None:
                return count, violation.check
    return None, ""


def _hunted(search: tuple[str, str]) -> tuple[list[int | None], list[str]]:
    name, mutant_name = search
    level = level_of(name)
    most = PLACES[name].mutant_histories
    mutant = next(mutant for mutant in mutants_of(name) if mutant.name == mutant_name)
    hunts = [found_by(level, mutant, range(start, start + most)) for start in range(1, ROUNDS * most, most)]
    return [count for count, _ in hunts], list(dict.fromkeys(check for _, check in hunts if check))


def _played(name: str, seeds: range) -> tuple[int, dict[int, str]]:
    """Faults, and the check that each violating seed violated."""
    faults, done, violations = 0, 0, dict[int, str]()
    told_s = began_s = time.monotonic()
    for chunk, chunk_faults, chunk_violations in _chunks(name, seeds):
        done += chunk
        faults += chunk_faults
        violations.update(chunk_violations)
        if time.monotonic() - told_s > PROGRESS_S:
            told_s = time.monotonic()
            click.echo(
                f"{done} of {len(seeds)} histories, {faults} faults, {len(violations)} violations, "
                f"{told_s - began_s:.0f} s",
                err=True,
            )
    return faults, violations


def _chunks(name: str, seeds: range) -> Iterator[tuple[int, int, dict[int, str]]]:
    size = PLACES[name].chunk
    chunks = [(name, seeds[start : start + size]) for start in range(0, len(seeds), size)]
    if len(chunks) == 1:
        yield _play_chunk(chunks[0])
        return
    with multiprocessing.Pool() as pool:
        yield from pool.imap_unordered(_play_chunk, chunks)


def _play_chunk(chunk: tuple[str, range]) -> tuple[int, int, dict[int, str]]:
    """A process's share. Its garbage is cyclic and large, so it is collected once at the end, not all the time."""
    name, seeds = chunk
    level = level_of(name)
    faults, violations = 0, dict[int, str]()
    gc.disable()
    for seed in seeds:
        history = level.play(level.plan(seed), None)
        faults += history.faults
        if history.violation is not None:
            violations[seed] = history.violation.check
    gc.enable()
    gc.collect()
    return len(seeds), faults, violations


def _commit() -> str:
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)  # what is told is told here
    main()
