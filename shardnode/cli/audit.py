"""`auction audit`: prove over stopped data directories that nothing was lost or doubled."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shardnode.ops.audit import Report

OFF = 1
UNREADABLE = 2


@click.command("audit")
@click.argument("data_dirs", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def audit_command(data_dirs: tuple[Path, ...], as_json: bool) -> None:
    """Prove that gold and goods are conserved over all the DIRs of a house, stopped or crashed; they are not changed.

    Exits 0 if everything is balanced, 1 if anything is off, 2 if a DIR is in use or cannot be read.
    """
    import msgspec

    from shardnode.ops.audit import audit
    from shardnode.storage.port import StorageFault

    try:
        report = audit(data_dirs)
    except StorageFault as fault:
        click.echo(str(fault), err=True)
        sys.exit(UNREADABLE)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_table(report)
    for found in report.faults:
        click.echo(found, err=True)
    sys.exit(0 if report.balanced else OFF)


def _print_table(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    columns = ("granted", "burned", "held", "escrow", "in flight")
    table = Table(title=f"{report.stores} stores, {report.open_trades} open trades")
    table.add_column("what")
    for column in columns:
        table.add_column(column, justify="right")
    gold, items = report.gold, report.items
    figures = {
        "gold": (gold.granted, gold.burned, gold.wallets, gold.escrow, gold.in_flight),
        "items": (items.granted, items.burned, items.held, items.escrow, items.in_flight),
        **{
            name: (row.granted, row.burned, row.held, row.escrow, row.in_flight)
            for name, row in sorted(report.commodities.items())
        },
    }
    for what, row in figures.items():
        table.add_row(what, *(f"{figure:,}" for figure in row))
    console = Console()
    console.print(table)
    console.print("balanced" if report.balanced else "NOT BALANCED")
