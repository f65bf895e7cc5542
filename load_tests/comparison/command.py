"""The command: both houses, the ceilings and the goals, in one run on one machine."""

import sys
import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from load_tests.comparison.picture import draw_bids, draw_ratios
from load_tests.comparison.run import PARTS, Options, Run
from load_tests.comparison.searches import SearchesFailed
from load_tests.comparison.tables import markdown, terminal
from load_tests.comparison.tpcb import PgbenchFailed
from load_tests.generator import ServerSilent
from load_tests.house import Refused
from load_tests.processes import ServerFailed
from load_tests.standard.postgres import PostgresFailed
from load_tests.standard.running import DEFAULT_WORKERS
from load_tests.town import BIDDERS_A_NODE_MIN
from load_tests.websocket import ConnectionLost

COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
LOST_EXIT_CODE = 1
FAULTS = (ServerFailed, ServerSilent, ConnectionLost, Refused, PostgresFailed, PgbenchFailed, SearchesFailed)
"""Of servers and their load. Each says what happened, with the end of the server's log where there is one."""


def _parts(_context: click.Context, _parameter: click.Parameter, value: str | None) -> frozenset[str]:
    names = PARTS if value is None else [name.strip() for name in value.split(",")]
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise click.BadParameter(f"there is no {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    return frozenset(names)


@click.command()
@click.option("--connections", type=click.IntRange(BIDDERS_A_NODE_MIN, 1_000), default=64, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True, help="In which sides take turns.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=3.0, show_default=True, help="Of each side's turn in a round."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the order of turns, and of the searches.")
@click.option("--only", "parts", callback=_parts, help=f"Measure some parts only, of {','.join(PARTS)}.")
@click.option("--search/--no-search", default=True, show_default=True, help="Search over many listings too.")
@click.option("--listings", type=click.IntRange(1_000, 10_000_000), default=1_000_000, show_default=True)
@click.option("--kills", type=click.IntRange(1, 100), default=5, show_default=True, help="How often to kill -9.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=DEFAULT_WORKERS,
    show_default=True,
    help="Of the standard architecture.",
)
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where data is kept meanwhile; name a real disk.  [default: the system's temporary directory]",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("results/compare.json"),
    show_default=True,
    help="Where the figures go; pictures go beside them.",
)
@click.option(
    "--markdown", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write the tables as Markdown too."
)
def command(
    search: bool, parts: frozenset[str], parent: Path | None, file: Path, page: Path | None, **counts: int | float
) -> None:
    """Measure the fractal house beside the standard architecture and the ceilings of both, and print the ratios.

    Sides take turns on this machine, the others idle. Exits 1 where anything was lost, whatever the speed.
    """
    chosen = parts if search else parts - {"search"}
    options = msgspec.convert({**counts, "parts": chosen}, Options)
    telling = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(dir=parent) as directory,
        Progress(*COLUMNS, console=telling, disable=not telling.is_terminal) as progress,
    ):
        try:
            comparison = Run(options, Path(directory), progress).measure()
        except FAULTS as fault:
            said = "\n".join([str(fault), *getattr(fault, "__notes__", [])])
            raise click.ClickException(f"{said}\nMend this, or leave the part out by --only") from fault
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(comparison)))
    ratios, bids = file.with_suffix(".svg"), file.with_name(f"{file.stem}-bids.svg")
    draw_ratios(comparison, ratios)
    draw_bids(comparison, bids)
    if page is not None:
        page.write_text(markdown(comparison), "utf-8")
    shown = Console()
    shown.print(terminal(comparison))
    shown.print(f"figures in {file}, pictures in {ratios} and {bids}")
    if not comparison.passed:
        sys.exit(LOST_EXIT_CODE)
