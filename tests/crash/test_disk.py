"""Disks that fill up, fail, or change: the node stops or refuses, says what to do next, and loses nothing."""

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from clients.errors import Unavailable
from clients.session import Settings
from clients.twisted_client import connect
from tests.crash.crowd import SERVICE
from tests.crash.house import NEVER, PLAYERS, House, assert_balanced, content
from tests.crash.loop import Loop
from tests.processes import NodeProcess, Nodes

STOPPED_ITSELF, COULD_NOT_START = 1, 2
DISK_MIB = 8
FEW = 60
"""Answers that make a house worth losing."""


@pytest.fixture
def house(nodes: Nodes, loop: Loop) -> House:
    """A house that has not been opened yet."""
    return House(nodes, loop, seed=1)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory, loop: Loop) -> Iterator[Path]:
    """The data directory that a killed node left behind, with much in the journal that is in no store's file."""
    nodes = Nodes(tmp_path_factory.mktemp("crashed"))
    try:
        house = House(nodes, loop, seed=2)
        node = house.serve_and_trade(FEW)
        house.stop(node)
        node = house.serve_and_trade(FEW, NEVER)
        node.kill()
        house.trade.cut_off()
        yield nodes.data
    finally:
        nodes.end()


class SmallDisk:
    """A disk of its own, in a mount namespace that a process holds open. `here` is where this process sees `place`."""

    def __init__(self, place: Path, holder: int) -> None:
        self.place = place
        self.here = Path(f"/proc/{holder}/root{place}")
        self.inside = ("nsenter", f"--target={holder}", "--user", "--mount", "--preserve-credentials")
        """A command to start others by, so that they see it."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of DISK_MIB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = f'mount -t tmpfs -o size={DISK_MIB}m none "$0" && echo mounted && exec cat'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(place)]
    try:
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("a small disk needs `unshare`, which is Linux's")
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            pytest.skip("a small disk needs a mount namespace, which this machine does not give to its users")
        yield SmallDisk(place, holder.pid)
        holder.stdin.close()


def test_a_full_disk_stops_the_node(nodes: Nodes, loop: Loop, small_disk: SmallDisk) -> None:
    """The node stops when its disk is full, starts again only when there is room, and has all that it acknowledged."""
    nodes.data = small_disk.here / "data"
    house = House(nodes, loop, seed=3)
    place = small_disk.place / "data"
    node = house.serve(data=place, before=small_disk.inside)
    house.trade.begin()
    house.trade.until_answered(FEW)
    fillers = [small_disk.here / "filler", small_disk.here / "filler of what the node left"]
    fill(fillers[0])
    assert house.until_ended(node) == STOPPED_ITSELF
    house.trade.cut_off()
    assert_told(node, place, "free space")
    fill(fillers[1])
    refused = house.start(data=place, before=small_disk.inside)
    assert refused.exit_code() == COULD_NOT_START
    assert_told(refused, place, "free space")
    for filler in fillers:
        filler.unlink()
    node = house.serve(data=place, before=small_disk.inside)
    house.assert_nothing_is_lost()
    node.kill()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process's files, as only Linux can")
def test_a_journal_that_cannot_be_written_stops_the_node(house: House) -> None:
    """A failed write to the journal stops the node before anybody is told what it would have made durable."""
    node = house.serve_and_trade(FEW, NEVER)
    journal = house.data / "node.sqlite-wal"
    size = journal.stat().st_size
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, size))
    assert house.until_ended(node) == STOPPED_ITSELF
    house.trade.cut_off()
    assert_told(node, house.data / "node.sqlite", "start again")
    assert_balanced(house.data)
    house.serve()
    house.assert_nothing_is_lost()


def test_stores_that_cannot_be_written_stop_the_node(house: House) -> None:
    """Where no file can be made for a store the node stops, and the journal still has everything."""
    node = house.serve(before=obeying_permissions())
    stores = house.data / "stores"
    stores.chmod(0o500)
    house.trade.begin()
    ended = house.until_ended(node)
    house.trade.cut_off()
    stores.chmod(0o700)
    assert ended == STOPPED_ITSELF
    assert_told(node, stores, "right to write")
    house.serve()
    house.assert_nothing_is_lost()


def test_a_stop_that_cannot_write_the_stores_says_so(house: House) -> None:
    """A node told to stop that cannot write its checkpoints ends at once, says why, and the journal has everything."""
    node = house.serve(NEVER, before=obeying_permissions())
    house.trade.begin()
    house.trade.until_answered(FEW)
    stores = house.data / "stores"
    stores.chmod(0o500)
    node.process.terminate()
    ended = house.until_ended(node)
    house.trade.cut_off()
    stores.chmod(0o700)
    assert ended == STOPPED_ITSELF
    assert_told(node, stores, "right to write")
    house.serve()
    house.assert_nothing_is_lost()


def test_a_directory_that_cannot_be_written_refuses_the_start(house: House, crashed: Path) -> None:
    """A node that may not write its data directory says so and does not start; with the right it has everything."""
    shutil.copytree(crashed, house.data)
    house.data.chmod(0o500)
    node = house.start(before=obeying_permissions())
    code = node.exit_code()
    house.data.chmod(0o700)
    assert code == COULD_NOT_START
    assert_told(node, house.data, "right to write")
    assert content(house.data) == content(crashed)


def test_a_file_is_no_data_directory(house: House, tmp_path: Path) -> None:
    """A data directory that cannot be one refuses the start."""
    place = tmp_path / "file"
    place.touch()
    node = house.start(data=place / "data")
    assert node.exit_code() == COULD_NOT_START
    assert_told(node, place, "choose a data directory")


def test_a_second_node_is_refused(house: House) -> None:
    """A second node on a directory in use is told which process to stop, and the first goes on unharmed."""
    node = house.serve_and_trade(FEW)
    second = house.start()
    assert second.exit_code() == COULD_NOT_START
    assert_told(second, house.data, f"in use by process {node.process.pid}; stop it first")
    house.trade.until_answered(FEW)
    house.trade.rest()
    house.assert_nothing_is_lost()


def change_last_record(data: Path) -> None:
    """Change one bit of the last record."""
    with closing(sqlite3.connect(data / "node.sqlite")) as database, database:
        last, payload = database.execute(
            "SELECT last_position, payload FROM batches ORDER BY last_position DESC LIMIT 1"
        ).fetchone()
        changed = payload[:-1] + bytes([payload[-1] ^ 1])
        database.execute("UPDATE batches SET payload = ? WHERE last_position = ?", (changed, last))


def halve_without_log(data: Path) -> None:
    """Cut off the second half of a database that has all its content in one file."""
    with closing(sqlite3.connect(data / "node.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    halve(data / "node.sqlite")


def flip_bits(path: Path) -> None:
    """Change all bits of a few bytes in the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 16)
    content[middle] = bytes(byte ^ 0xFF for byte in content[middle])
    path.write_bytes(content)


def halve(path: Path) -> None:
    """Cut off the second half of a file."""
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a changed record": change_last_record,
    "a changed log": lambda data: flip_bits(data / "node.sqlite-wal"),
    "half a log": lambda data: halve(data / "node.sqlite-wal"),
    "no log": lambda data: (data / "node.sqlite-wal").unlink(),
    "half a database": halve_without_log,
    "no database": lambda data: (data / "node.sqlite").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_refuses_the_start(house: House, crashed: Path, damage: str) -> None:
    """A node whose journal lost or changed anything does not start, and keeps its hands off everything else."""
    shutil.copytree(crashed, house.data)
    DAMAGES[damage](house.data)
    node = house.start()
    assert node.exit_code() == COULD_NOT_START
    assert_told(node, house.data / "node.sqlite", "restore the whole data directory from its latest backup")
    for name in ("node.sqlite", "node.sqlite-wal"):
        shutil.copyfile(crashed / name, house.data / name)
    assert content(house.data) == content(crashed)


def test_a_damaged_store_concerns_its_player_only(house: House) -> None:
    """A player whose file is damaged is told `unavailable`, all others go on; with the file back nothing is lost."""
    ash, *_ = PLAYERS
    house.stop(house.serve_and_trade(FEW))
    node = house.serve_and_trade(FEW, NEVER)
    file = store_file(house, ash)
    node.kill()
    house.trade.cut_off()
    backup = file.read_bytes()
    halve(file)

    node = house.serve()
    with pytest.raises(Unavailable, match="tell an operator"):
        house.loop.run(ask_once(house, node, ash))
    house.trade.begin()
    house.trade.until_answered(FEW)
    node.process.terminate()
    assert house.until_ended(node) == 0, node.log
    house.trade.cut_off()
    assert str(file) in node.log and "restore the file" in node.log

    file.write_bytes(backup)
    assert_balanced(house.data)
    house.serve()
    house.assert_nothing_is_lost()


def test_a_store_ahead_of_the_journal_concerns_its_player_only(house: House, tmp_path: Path) -> None:
    """A file that knows more than the journal, out of another backup, is refused by name, and the others go on."""
    ash, birch, *_ = PLAYERS
    older, newer = tmp_path / "older", tmp_path / "newer"
    house.stop(house.serve_and_trade(FEW))
    shutil.copytree(house.data, older)
    node = house.serve_and_trade(FEW)
    file = store_file(house, ash)
    house.stop(node)
    shutil.copytree(house.data, newer)
    mixed = older / file.relative_to(house.data)
    shutil.copyfile(file, mixed)

    node = house.start(data=older)
    with pytest.raises(Unavailable, match="tell an operator"):
        house.loop.run(ask_once(house, node, ash))
    house.loop.run(ask_once(house, node, birch))
    node.process.terminate()
    assert house.until_ended(node) == 0, node.log
    assert str(mixed) in node.log and "restore both from the same backup" in node.log

    house.serve()
    house.assert_nothing_is_lost()


async def ask_once(house: House, node: NodeProcess, player: str) -> None:
    """Ask for a player's wallet, and take the first answer for good."""
    at_once = Settings(deadline_s=0.001)
    client = await connect(node.url(), house.nodes.token(player), reactor=house.loop.reactor, settings=at_once)
    try:
        await client.wallet()
    finally:
        client.close()


def store_file(house: House, player: str) -> Path:
    """Where a player's store lies; the house must be open."""
    shown = house.loop.run(house.crowd.clients[SERVICE].inspect(player))
    return house.data / "stores" / shown.store[:2] / f"{shown.store}.sqlite"


def assert_told(node: NodeProcess, where: Path, what: str) -> None:
    """The node's last words name the place and say what to do about it."""
    last = node.log.splitlines()[-1]
    assert str(where) in last and what in last, node.log


def fill(path: Path) -> None:
    """Take all the room on a disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC, error


def obeying_permissions() -> list[str]:
    """How to start a command whom permissions bind, as they do not bind root."""
    return ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
