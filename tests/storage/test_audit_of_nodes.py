"""The audit over several nodes' directories, stopped at any moment: what lies between them is explained, or off."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from shardnode.cli.audit import audit_command
from shardnode.ops.audit import audit
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.shell import sql
from tests.storage.two_nodes import ANN, BOB, CYD, TwoNodes

OPEN = {
    "granted": (0, 0, 0),
    "listed": (0, 0, 0),
    "bob's bid prepared by ann": (1, 0, 0),
    "and by bob": (1, 0, 0),
    "settled by bob": (1, 100, 0),
    "and by ann": (0, 0, 0),
    "cyd's bid prepared by ann": (1, 0, 0),
    "and by cyd": (1, 0, 0),
    "settled by ann, bob's refund under way": (1, 100, 0),
    "settled by cyd too": (0, 100, 0),
    "refund taken in": (0, 0, 0),
    "and known to be": (0, 0, 0),
    "won, the item under way": (0, 134, 1),
    "item taken in": (0, 89, 1),
}
"""After each step: open trades, and what is between stores or waits to be claimed, gold and items."""


@pytest.mark.parametrize("last", OPEN)
def test_a_house_is_balanced_whenever_it_is_stopped(tmp_path: Path, last: str) -> None:
    """Trades half prepared and half settled, transfers under way and taken twice over: all of it is accounted for."""
    directories = TwoNodes(tmp_path).run_to(last)
    report = audit(directories)
    assert report.faults == []
    assert report.balanced
    assert (report.open_trades, report.gold.in_flight, report.items.in_flight) == OPEN[last]
    assert report.gold.granted == 1_050


def test_an_operator_reads_it_as_ever(tmp_path: Path) -> None:
    """The command over both directories: exit 0, and the open trade in its JSON."""
    directories = TwoNodes(tmp_path).run_to("settled by bob")
    ran = CliRunner().invoke(audit_command, [*map(str, directories), "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["open_trades"] == 1


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_directory_is_named_by_what_it_takes_with_it(tmp_path: Path, missing: int) -> None:
    """One node's directory alone is off, and the report says that others belong to it."""
    directories = TwoNodes(tmp_path).run_to("settled by cyd too")
    report = audit([directories[1 - missing]])
    assert not report.balanced
    if missing == 1:
        assert (
            f"1 stores that others exchanged gold or goods with are in none of these directories, {BOB}"
            in report.faults[0]
        )
        assert "name the directories of all nodes" in report.faults[0]
    assert audit(directories).balanced


@pytest.mark.parametrize(
    ("last", "fact", "said"),
    [
        ("settled by cyd too", "transfer/", f"transfers from store {ANN} to {BOB}: 1 sent, 0 taken in"),
        ("won, the item under way", "transfer/", f"transfers from store {ANN} to {CYD}: 1 sent, 0 taken in"),
        ("settled by bob", "finished/", "went elsewhere"),
    ],
)
def test_what_no_fact_explains_is_off(tmp_path: Path, last: str, fact: str, said: str) -> None:
    """Without the node's note of it, a transfer that did not arrive, or half a trade, is a loss."""
    directories = TwoNodes(tmp_path).run_to(last)
    assert audit(directories).balanced
    for directory in directories:
        sql(directory / "node.sqlite", "DELETE FROM facts WHERE key LIKE ?", f"{fact}%")
    report = audit(directories)
    assert not report.balanced
    assert any(said in found for found in report.faults), report.faults


def test_directories_of_different_houses_are_refused(tmp_path: Path) -> None:
    """Another naming key is another house, and a directory named twice, or its copy, would count everything double."""
    directories = TwoNodes(tmp_path).run_to("listed")
    stranger = SqliteStorage(tmp_path / "stranger", b"another house's naming key, 32 b.")
    stranger.open()
    stranger.close()
    with pytest.raises(StorageFault, match=f"stranger: belongs to another house than {directories[0]}, .* together"):
        audit([*directories, tmp_path / "stranger"])
    with pytest.raises(StorageFault, match=f"{directories[0]}: is {directories[0]} again.*once"):
        audit([*directories, directories[0]])
