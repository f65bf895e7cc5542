"""`auction audit-log`: the entries of a whole house, in the order of time."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shardnode.cli.audit_log import audit_log_command
from tests.auction.house import START_MS, House
from tests.cli.test_trace import on_disk
from worlddata.types import Rules


def run(*words: str | Path) -> Result:
    """`auction audit-log`."""
    return CliRunner().invoke(audit_log_command, [str(word) for word in words])


@pytest.fixture
def data(tmp_path: Path) -> list[Path]:
    """Two directories of a house in which things were granted, sold for much, and frozen, a minute apart."""
    house = House(Rules(audit_worth=100))
    (item,) = house.grant("al", items=1)
    house.now_ms += 60_000
    house.grant("bo", gold=500)
    house.now_ms += 60_000
    house.done(house.buy_out("bo", house.create("al", item=item, buyout=100), 100))
    house.now_ms += 60_000
    house.freeze("player", "al")
    return on_disk(house, tmp_path)


def test_everything_is_there_in_the_order_of_time(data: list[Path]) -> None:
    """Of all stores of all directories, whatever of it is in files and whatever only in journals."""
    shown = run(*data)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert [line[:19] for line in lines] == [f"2023-11-14 22:{minute}:20" for minute in (13, 14, 15, 16)]
    assert lines[1] == "2023-11-14 22:14:20  mint (service)  admin.grant worth 500  in bo: 500 gold"
    assert lines[2].startswith("2023-11-14 22:15:20  bo (player)  trade ")
    assert lines[3] == (
        "2023-11-14 22:16:20  ops (operator)  admin.freeze player/al  in house: player/al, claims allowed"
    )


def test_json_has_every_field(data: list[Path]) -> None:
    """An array of the same entries."""
    first, *_, last = json.loads(run("--json", *data).stdout)
    assert (first["at_ms"], first["store"], first["number"], first["action"]) == (START_MS, "al", 1, "admin.grant")
    assert (last["who"], last["role"], last["ref"], last["worth"]) == ("ops", "operator", "player/al", 0)


@pytest.mark.parametrize(
    ("since", "count"),
    [
        ("2023-11-14", 4),
        ("2023-11-14T22:14:20", 3),
        ("2023-11-14T22:14:21+00:00", 2),
        (str(START_MS + 180_000), 1),
        ("20231115", 0),
    ],
)
def test_it_begins_where_it_is_asked_to(data: list[Path], since: str, count: int) -> None:
    """At a date, an instant, or milliseconds since the epoch, the instant itself included."""
    assert len(json.loads(run("--json", "--since", since, *data).stdout)) == count


@pytest.mark.parametrize(("name", "actions"), [("bo", ["admin.grant", "trade"]), ("ops", ["admin.freeze"]), ("x", [])])
def test_one_name_alone(data: list[Path], name: str, actions: list[str]) -> None:
    """What it did, and what was done to it."""
    assert [entry["action"] for entry in json.loads(run("--json", "--name", name, *data).stdout)] == actions


def test_what_makes_no_sense_is_told(data: list[Path], tmp_path: Path) -> None:
    """An instant that is none, and a directory that no node used, are exit code 2."""
    wrong = run("--since", "yesterday", *data)
    assert (wrong.exit_code, "write one like 2026-03-01" in wrong.stderr) == (2, True)
    nothing = run(tmp_path)
    assert (nothing.exit_code, "name a data directory that a node has used" in nothing.stderr) == (2, True)
