"""The audit: balanced for what the rules made, off for anything else, and it says what."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auction.state import Bid, TransferMark
from auction.stores import KINDS
from shardnode.cli.audit import audit_command
from shardnode.ops.audit import TABLES_COUNTED, UNCOUNTED, audit
from shardnode.storage.port import Snapshot
from tests.auction.house import House, store_of
from tests.storage.histories import every_kind, trade, write
from tests.storage.rows import all_rows
from tests.storage.shell import sql, store_file


def run(*arguments: str | Path) -> Result:
    """`auction audit`."""
    return CliRunner().invoke(audit_command, [str(argument) for argument in arguments])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A house with trades, its files complete."""
    house = trade()
    write(house, tmp_path / "data", len(house.records)).close()
    return tmp_path / "data"


def change(data: Path, player: str, **tables: dict) -> None:
    """Put rows into a store's file that no rule put there."""
    house = trade()
    storage = write(House(), data / "scratch", 0)
    snapshot = Snapshot(store_of(player), "player", 0, all_rows(house.state(player)))
    for name, rows in tables.items():
        snapshot.changes[name] |= rows
    storage.stores.save([snapshot])
    storage.close()
    file = store_file(data, store_of(player))
    shutil.copy(store_file(data / "scratch", store_of(player)), file)
    shutil.rmtree(data / "scratch")
    sql(file, "UPDATE store SET position = ?", len(house.records))


def test_a_house_that_the_rules_made_is_balanced(data: Path) -> None:
    """The JSON form, with every figure: gold and goods in each place, and their sums."""
    ran = run(data, "--json")
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout)
    assert report["gold"].keys() == {"granted", "burned", "wallets", "escrow", "in_flight"}
    assert report["items"].keys() == {"granted", "burned", "held", "escrow", "in_flight", "duplicates"}
    gold, items = report["gold"], report["items"]
    assert gold["granted"] == 2_500
    assert gold["granted"] - gold["burned"] == gold["wallets"] + gold["escrow"] + gold["in_flight"]
    assert gold["escrow"] == 60
    assert gold["burned"] > 0
    assert gold["in_flight"] > 0
    assert (items["granted"], items["held"], items["escrow"], items["in_flight"]) == (5, 2, 1, 2)
    assert report["commodities"] == {"tin": {"granted": 7, "burned": 0, "held": 7, "escrow": 0, "in_flight": 0}}
    assert (report["stores"], report["open_trades"], report["balanced"]) == (3, 0, True)


@pytest.mark.parametrize("saved", [0, 17, 18, 19, 20, 21])
def test_stores_of_every_kind_are_counted(tmp_path: Path, saved: int) -> None:
    """Gold and goods with a market's orders, on their way into stashes, in complete files and in journals: balanced."""
    house = every_kind()
    write(house, tmp_path / "data", saved).close()
    report = audit([tmp_path / "data"])
    assert report.faults == []
    assert report.balanced
    assert report.stores == 5
    tin = report.commodities["tin"]
    assert (tin.granted, tin.held + tin.escrow + tin.in_flight) == (16, 16)
    assert tin.in_flight == 5


def test_what_the_audit_leaves_unread_is_named_by_tables_that_there_are() -> None:
    """All tables count but those known to be none of its business: a new one counts unless somebody says otherwise."""
    tables = {name for state_class in KINDS.values() for name in state_class.TABLES}
    assert tables > UNCOUNTED
    assert tables == TABLES_COUNTED | UNCOUNTED
    assert {"account", "items", "orders", "book", "offers", "trades", "transfers_in"} <= TABLES_COUNTED


def test_a_person_gets_a_table(data: Path) -> None:
    """Without --json the figures come as a table, and the verdict in words."""
    ran = run(data)
    assert ran.exit_code == 0
    assert "2,500" in ran.stdout
    assert "\nbalanced" in ran.stdout


def test_a_house_over_several_directories_is_one(data: Path, tmp_path: Path) -> None:
    """The stores of a house balance together, whichever directory each lies in; one directory alone does not."""
    other = tmp_path / "other"
    write(House(), other, 0).close()
    for node in (data / "node.sqlite", other / "node.sqlite"):
        sql(node, "DELETE FROM batches")
        sql(node, "UPDATE node SET cut_position = 100")
    moved = store_file(other, store_of("bob"))
    moved.parent.mkdir()
    shutil.move(store_file(data, store_of("bob")), moved)
    assert audit([data, other]).balanced
    assert not audit([data]).balanced
    assert not audit([other]).balanced


def test_gold_out_of_nothing_is_found(data: Path) -> None:
    """A wallet that holds more than its books say: exit 1, and both the sum and the store are named."""
    account = trade().state("bob").owner()
    change(data, "bob", account={0: type(account)(**{**_fields(account), "gold": account.gold + 1})})
    ran = run(data, "--json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["balanced"] is False
    assert f"store {store_of('bob')}: the ledger's balances do not add up" in ran.stderr


def test_an_item_in_two_places_is_found(data: Path) -> None:
    """An item id in two stashes is a duplicate, by name."""
    item = next(iter(trade().state("ann").items))
    change(data, "bob", items={item.item: item})
    ran = run(data, "--json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["items"]["duplicates"] == [item.item]
    assert f"item {item.item} is in more than one place" in ran.stderr


def test_a_standing_bid_that_no_listing_knows_is_found(data: Path) -> None:
    """A leader's maximum stands in the bidder's store and with the listing, or the audit says where not."""
    change(data, "cyd", bids={"nowhere.l1": Bid("nowhere.l1", 9, True, 1)})
    assert audit([data]).faults == ["listing nowhere.l1: led by nobody in its own store, by cyd with 9 in the bidder's"]


def test_a_transfer_that_was_not_taken_is_found(data: Path) -> None:
    """What one store sent and the other did not take is off, by both names and numbers."""
    change(data, "cyd", transfers_out={store_of("ann"): TransferMark(store_of("ann"), 3)})
    assert audit([data]).faults == [f"transfers from store {store_of('cyd')} to {store_of('ann')}: 3 sent, 0 taken in"]


def test_lost_records_are_found(data: Path) -> None:
    """A journal that ends before what was acknowledged is off, even where the rest balances."""
    (data / "journal.end").write_bytes(b"%020d" % 99)
    report = audit([data])
    assert not report.balanced
    assert "acknowledged records are missing" in report.faults[0]


def test_what_cannot_be_read_exits_2(data: Path, tmp_path: Path) -> None:
    """A missing directory, every damaged store, and a directory in use are told on stderr; nothing is on stdout."""
    ran = run(tmp_path / "nothing")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "is not there" in ran.stderr
    for player in ("ann", "bob"):
        store_file(data, store_of(player)).write_bytes(b"x" * 4_096)
    ran = run(data, "--json")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert store_of("ann") in ran.stderr
    assert store_of("bob") in ran.stderr
    open_one = write(House(), tmp_path / "running", 0)
    ran = run(tmp_path / "running")
    assert ran.exit_code == 2
    assert "in use by process" in ran.stderr
    open_one.close()


def _fields(row: object) -> dict:
    return {name: getattr(row, name) for name in row.__struct_fields__}
