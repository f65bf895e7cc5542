"""`python -m load_tests.search`: a million listings, what people search for, and PostgreSQL beside it."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react

from load_tests.search.picture import draw
from load_tests.search.run import Options, Run
from load_tests.search.terminal import tables

COLUMNS = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())


async def run(reactor: object, options: Options, file: Path) -> None:
    """Measure, show the table, and write the figures and their picture."""
    telling = Console(stderr=True)
    with Progress(*COLUMNS, console=telling, disable=not telling.is_terminal) as progress:
        report = await Run(reactor, options, progress).measure()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    picture = file.with_suffix(".svg")
    draw(report, picture)
    shown = Console()
    shown.print(tables(report))
    shown.print(f"figures in {file}, picture in {picture}")


@click.command()
@click.option("--listings", type=click.IntRange(1_000, 10_000_000), default=1_000_000, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3_600),
    default=20.0,
    show_default=True,
    help="Measured time of each side, and of searches while listings change.",
)
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="In which sides take turns.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the listings and the searches.")
@click.option("--postgres/--no-postgres", default=True, show_default=True, help="Measure PostgreSQL too.")
@click.option("--updates-per-s", type=click.IntRange(0, 1_000_000), default=10_000, show_default=True)
@click.option(
    "--socket-listings",
    type=click.IntRange(0, 100_000),
    default=20_000,
    show_default=True,
    help="How many of the listings a real node gets, to be searched through its WebSocket; 0 starts none.",
)
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("results/search.json"),
    show_default=True,
    help="Where the figures go; their picture goes beside them.",
)
def main(file: Path, **options: int | float | bool) -> None:
    """Measure searches of a node's index, and the same on PostgreSQL, one at a time, in rounds that take turns."""
    asked = msgspec.convert(options, Options)
    react(lambda reactor: ensureDeferred(run(reactor, asked, file)))


if __name__ == "__main__":
    main()
