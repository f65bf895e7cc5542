"""`auction trace`: whose an item was, and what a tainted item or sum of gold turned into."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shardnode.cli.instants import in_words, read_instant

if TYPE_CHECKING:
    from shardnode.ops.descendants import Descent, Trail
    from shardnode.ops.provenance import Provenance, Step

UNKNOWN = 1
UNREADABLE = 2

_SUM = re.compile(r"(?P<player>[A-Za-z0-9_-]{1,64}):(?P<gold>[0-9_]{1,20})@(?P<since>.+)\Z")


@click.command("trace")
@click.argument("thing", metavar="THING")
@click.argument("data_dirs", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--descendants", is_flag=True, help="What it turned into, rather than whose it was.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="How many things to follow.  [default: 10000]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def trace_command(thing: str, data_dirs: tuple[Path, ...], descendants: bool, limit: int | None, as_json: bool) -> None:
    """Show the chain of owners and trades of THING, an item, over all the DIRs of a house, stopped or crashed.

    With --descendants, show what it turned into: what its owners got for it, and what they bought with that. THING
    may then be a sum as well: the gold that came to a player first from an instant on, like bo:5000@2026-03-01T12:00.

    Exits 0 if it is known, 1 if not, 2 if a DIR is in use or cannot be read.
    """
    import msgspec

    from shardnode.storage.port import StorageFault

    try:
        found = _descent(thing, data_dirs, limit) if descendants or ":" in thing else _provenance(thing, data_dirs)
    except StorageFault as fault:
        click.echo(str(fault), err=True)
        sys.exit(UNREADABLE)
    if found is None:
        click.echo(f"nothing is known of {thing} in these directories; name all those of the house", err=True)
        sys.exit(UNKNOWN)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for line in _lines(found):
            click.echo(line)


def _provenance(item: str, data_dirs: tuple[Path, ...]) -> "Provenance | None":
    from shardnode.ops.histories import Histories
    from shardnode.ops.provenance import provenance

    with Histories(data_dirs) as histories:
        return provenance(histories, item)


def _descent(thing: str, data_dirs: tuple[Path, ...], limit: int | None) -> "Descent | None":
    from shardnode.ops.descendants import THINGS_MAX, of_gold, of_item
    from shardnode.ops.histories import Histories

    things_max = limit or THINGS_MAX
    if ":" not in thing:
        with Histories(data_dirs) as histories:
            return of_item(histories, thing, things_max)
    asked = _SUM.match(thing)
    if asked is None:
        raise click.BadParameter(f"{thing!r} is no item and no sum; a sum is written like bo:5000@2026-03-01T12:00")
    since_ms = read_instant(None, None, asked["since"])
    with Histories(data_dirs) as histories:
        return of_gold(histories, asked["player"], int(asked["gold"]), since_ms, things_max)


def _lines(found: "Provenance | Descent") -> list[str]:
    from shardnode.ops.provenance import Provenance

    if isinstance(found, Provenance):
        named = f"{found.item} ({found.name})" if found.name else found.item
        return [named, *map(_step, found.steps), f"now {found.now}"]
    lines: list[str] = []
    waiting = [(found.root, 0)]
    while waiting:
        trail, depth = waiting.pop()
        lines.append("  " * depth + _trail(trail))
        further = sorted(trail.further, key=lambda one: one.at_ms)
        waiting.extend((one, depth + 1) for one in reversed(further))
    if found.is_cut:
        lines.append(f"there is more: {found.things} things were followed; raise --limit, or trace from where it ends")
    return lines


def _step(step: "Step") -> str:
    ref = f", {step.ref}" if step.ref else ""
    at = in_words(step.at_ms)
    if step.what == "granted":
        return f"  {at}  granted to {step.taker}"
    if step.what == "returned":
        return f"  {at}  came back to {step.taker} unsold{ref}"
    if step.taker is None:
        return f"  {at}  taken from {step.giver}, left the house"
    if step.giver is None:
        return f"  {at}  came to {step.taker}, {step.what} for {step.paid:,}{ref}"
    return (
        f"  {at}  {step.giver} → {step.taker}, {step.what} for {step.paid:,} ({step.giver} got {step.received:,}){ref}"
    )


def _trail(trail: "Trail") -> str:
    thing = f"item {trail.item}" if trail.item else f"{trail.quantity or trail.gold:,} {trail.commodity or 'gold'}"
    ref = f" {trail.ref}" if trail.ref else ""
    fate = f": {trail.fate}" if trail.fate else ""
    return f"{in_words(trail.at_ms)}  {trail.player}  {thing}, {trail.how}{ref}{fate}"
