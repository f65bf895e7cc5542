"""`python -m load_tests.growth`: how cost grows, axis by axis; a picture and figures of each in results/growth/."""

import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from load_tests.growth.axes import AXES
from load_tests.growth.bidding import Lost
from load_tests.growth.disk import NoRoom
from load_tests.growth.memory import NotCalm
from load_tests.growth.node import TooFewFiles
from load_tests.growth.picture import draw
from load_tests.growth.record import Growth, NoGrowth, read, write
from load_tests.growth.setting import Setting
from load_tests.growth.tables import fill, markdown
from load_tests.machine import OtherLoad

FAULTS = (TooFewFiles, NoRoom, NotCalm, NoGrowth, Lost)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
QUICK_S = 0.2


def measure(name: str, sizes: Sequence[float], setting: Setting) -> Growth:
    """Measure one axis, and what other programs took meanwhile."""
    axis = AXES[name]
    others, servers_s, began_at_s = OtherLoad(), _servers_s(), time.perf_counter()
    panels = axis.measure(setting, sizes)
    seconds = time.perf_counter() - began_at_s
    other_cpus = max(0.0, others.cpus() - (_servers_s() - servers_s) / seconds)
    return Growth(name, axis.title, panels, round(seconds, 1), setting.point_s, round(other_cpus, 2))


def _servers_s() -> float:
    """CPU seconds of all servers that this process started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sizes(_: click.Context, __: click.Parameter, value: str | None) -> list[float] | None:
    """`1,4,16` as numbers, whole ones as int, from the smallest up."""
    if value is None:
        return None
    try:
        numbers = [float(each) for each in value.split(",")]
    except ValueError:
        raise click.BadParameter("say numbers with commas between them, as in 1,4,16") from None
    return sorted(int(number) if number.is_integer() else number for number in numbers)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(AXES)), help="This axis; may be said again.")
@click.option("--sizes", callback=_sizes, help="Of the one axis that --only names, as 1,4,16.")
@click.option("--quick", is_flag=True, help=f"Few and small sizes, {QUICK_S} s each: to see that it works.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 3_600), default=6.0, show_default=True, help="Of bids at each size."
)
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the nodes' data is kept meanwhile; name a real disk.  [default: the system's temporary directory]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results/growth"),
    show_default=True,
    help="Where figures and pictures go.",
)
@click.option("--markdown", "kept", is_flag=True, help="Only print the tables of what is in --out; measure nothing.")
@click.option(
    "--page",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Write the tables into this page, as docs/growth.md, and the pictures into pictures/ beside it.",
)
def main(
    only: Sequence[str],
    sizes: list[float] | None,
    quick: bool,
    seconds: float,
    parent: Path | None,
    out: Path,
    kept: bool,
    page: Path | None,
) -> None:
    """Measure how cost grows, axis by axis."""
    if sizes is not None and len(only) != 1:
        raise click.UsageError("--sizes are of one axis: say with --only of which")
    plan = {name: sizes or (AXES[name].quick if quick else AXES[name].sizes) for name in only or AXES}
    try:
        if not kept:
            _measure(plan, parent or Path(tempfile.gettempdir()), QUICK_S if quick else seconds, out)
        for name in plan:
            growth = read(name, out)
            click.echo(f"## {name}\n\n{markdown(growth)}")
            if page is not None:
                _publish(growth, page)
    except FAULTS as fault:
        raise click.ClickException(str(fault)) from fault


def _measure(plan: Mapping[str, Sequence[float]], parent: Path, point_s: float, out: Path) -> None:
    """Measure axes one after the other, and keep the figures and the picture of each as soon as there are any."""
    telling = Console(stderr=True)
    with Progress(*COLUMNS, console=telling, disable=not telling.is_terminal) as progress:
        for name, sizes in plan.items():
            task = progress.add_task(name, total=1)

            def tell(what: str, name: str = name, task: TaskID = task) -> None:
                progress.update(task, description=f"{name}: {what}")

            growth = measure(name, sizes, Setting(parent, point_s, tell))
            write(growth, out)
            draw(growth, out / f"growth-{name}.svg")
            progress.update(task, description=name, completed=1)


def _publish(growth: Growth, page: Path) -> None:
    page.write_text(fill(page.read_text("utf-8"), growth), "utf-8")
    pictures = page.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    draw(growth, pictures / f"growth-{growth.name}.svg")


if __name__ == "__main__":
    main()
