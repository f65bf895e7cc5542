"""`python -m load_tests.capacity`: the capacity model, held against real nodes; `--calibrate` measures its costs."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.console import Console

from load_tests.capacity.assumptions import EVENING, PRICES, read_evening, read_prices
from load_tests.capacity.calibration import CALIBRATION, Calibration, CapacityFault, read, write
from load_tests.capacity.check import Checking, checked
from load_tests.capacity.house import Design
from load_tests.capacity.measuring import SLEEPERS, measured
from load_tests.capacity.measuring_one import CONNECTIONS
from load_tests.capacity.pictures import draw
from load_tests.capacity.report import Report, as_markdown, on_terminal
from load_tests.capacity.study import DESIGNS, SIZES, Options, World, study

WIDTH = 150
"""Of tables that go into a file."""
SIZES_MAX = 1_000
"""Nodes of a cluster's map at most."""


class Sizes(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # not generic in older releases of click
    """Numbers of nodes, in a list with commas."""

    name = "nodes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """See click."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(sorted({int(part) for part in str(value).split(",")}))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers like 3,10,100", param, ctx)
        if sizes[0] < 1 or sizes[-1] > SIZES_MAX:
            self.fail(f"a house has 1 to {SIZES_MAX:,} nodes", param, ctx)
        return sizes


FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--calibrate", is_flag=True, help="Measure real nodes here, write --calibration, and end.")
@click.option("--calibration", type=FILE, default=CALIBRATION, help="What steps cost.  [default: the package's]")
@click.option("--prices", type=FILE, default=PRICES, help="Price list, machine, network.  [default: the package's]")
@click.option("--evening", type=FILE, default=EVENING, help="What players do at the peak.  [default: the package's]")
@click.option("--sizes", type=Sizes(), default=",".join(map(str, SIZES)), show_default=True, help="Numbers of nodes.")
@click.option(
    "--design", "names", type=click.Choice([design.name for design in DESIGNS]), multiple=True, help="[default: all]"
)
@click.option("--locality", type=click.FloatRange(0, 1), default=0.0, help="Share of bids that seek their own node.")
@click.option(
    "--seconds", type=click.FloatRange(0.01, 60), default=1.0, show_default=True, help="Simulated time of a run, about."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--check/--no-check", default=True, show_default=True, help="Hold the model against real nodes.")
@click.option("--check-nodes", type=Sizes(), default="1,2,3", show_default=True)
@click.option(
    "--measure-s", type=click.FloatRange(0.1, 60), default=3.0, show_default=True, help="Real time of one measurement."
)
@click.option(
    "--connections", type=click.IntRange(6, 900), default=CONNECTIONS, show_default=True, help="Bidders of real nodes."
)
@click.option(
    "--sleepers", type=click.IntRange(20, 900), default=SLEEPERS, show_default=True, help="To be calibrated with."
)
@click.option("--json", "file", type=FILE, default=Path("results/capacity.json"), show_default=True)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where the SVG files go.",
)
@click.option("--markdown", type=FILE, help="Write the tables there as well, for a page.")
def main(
    calibrate: bool,
    calibration: Path,
    prices: Path,
    evening: Path,
    sizes: tuple[int, ...],
    names: tuple[str, ...],
    locality: float,
    seconds: float,
    seed: int,
    check: bool,
    check_nodes: tuple[int, ...],
    measure_s: float,
    connections: int,
    sleepers: int,
    file: Path,
    pictures: Path,
    markdown: Path | None,
) -> None:
    """Simulate houses of many nodes: throughput, latency, cost, what breaks first."""
    telling = Console(stderr=True)
    tell = telling.print if telling.is_terminal else _silent
    try:
        if calibrate:
            _calibrate(calibration, measure_s, connections, sleepers)
            return
        world = World(read(calibration, Calibration), read_prices(prices), read_evening(evening))
        options = Options(sizes=sizes, designs=_designs(names), seconds=seconds, seed=seed, locality=locality)
        checking = Checking(check_nodes if check else (), connections, measure_s)
        report = _report(world, options, checking, tell)
    except CapacityFault as fault:
        raise click.ClickException(str(fault)) from fault
    _keep(report, file, markdown)
    drawn = draw(report.study, pictures)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(on_terminal(report))
    console.print(f"figures in {file}, pictures in {', '.join(map(str, drawn))}; {report.seconds:.0f} s")


def _designs(names: tuple[str, ...]) -> tuple[Design, ...]:
    return tuple(design for design in DESIGNS if not names or design.name in names)


def _report(world: World, options: Options, checking: Checking, tell: Callable[[str], None]) -> Report:
    started_at_s = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        compared = checked(Path(directory), world.costs, checking, options.seed, tell)
    found = study(world, options, tell)
    return Report(found, compared, time.monotonic() - started_at_s)


def _calibrate(path: Path, seconds: float, connections: int, sleepers: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        write(measured(Path(directory), seconds, connections, sleepers), path)
    click.echo(f"calibration in {path}")


def _keep(report: Report, file: Path, markdown: Path | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if markdown is not None:
        markdown.write_text(as_markdown(report), "utf-8")


def _silent(_: str) -> None:
    """Nobody looks."""


if __name__ == "__main__":
    main()
