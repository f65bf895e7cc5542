"""`auction audit-log`: what people with a role did, and trades of great worth."""

import sys
from pathlib import Path

import click

from shardnode.cli.instants import in_words, read_instant

UNREADABLE = 2


@click.command("audit-log")
@click.argument("data_dirs", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--since", "since_ms", callback=read_instant, default="0", help="Only from then on, like 2026-03-01.")
@click.option("--name", help="Only what this operator, service or player did, or what was done to this player.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def audit_log_command(data_dirs: tuple[Path, ...], since_ms: int, name: str | None, as_json: bool) -> None:
    """Print the audit log over all the DIRs of a house, stopped or crashed, the oldest entry first.

    Exits 2 if a DIR is in use or cannot be read.
    """
    import msgspec

    from shardnode.ops.audit_log import audit_log
    from shardnode.storage.port import StorageFault

    try:
        entries = audit_log(data_dirs, since_ms=since_ms, name=name)
    except StorageFault as fault:
        click.echo(str(fault), err=True)
        sys.exit(UNREADABLE)
    if as_json:
        click.echo(msgspec.json.encode(entries))
        return
    for entry in entries:
        worth = f" worth {entry.worth:,}" if entry.worth else ""
        ref = f" {entry.ref}" if entry.ref else ""
        doer = f"{entry.who} ({entry.role})"
        click.echo(f"{in_words(entry.at_ms)}  {doer}  {entry.action}{ref}{worth}  in {entry.store}: {entry.detail}")
