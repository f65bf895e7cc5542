"""`auction trades`: what a stopped node left open, and what a running one tells."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from auction.ids import player_store
from auction.state import Account, PreparedLeg
from shardnode.agreement.effects import OpenTrade
from shardnode.agreement.facts import finished_key, prepared_key, register_key
from shardnode.agreement.messages import Ballot, Outcome, Participant, Party, Prepared, Register, TradeId, Value
from shardnode.cli import main
from shardnode.gateway.tokens import Verifier, signing_key
from shardnode.ops.open_trades import TRADES_MAX, OpenTrades, told
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.port import Append, Entry, Snapshot
from shardnode.storage.sqlite_storage import SqliteStorage

NAMING_KEY = bytes(range(32))
ANN, BOB = (player_store(NAMING_KEY, name) for name in ("ann", "bob"))
PARTY = Party((Participant(ANN, "n1"), Participant(BOB, "n2")), ("n1", "n2", "n3"))
UNDECIDED, COMMITTED, FOREIGN = (TradeId(1, node, 5, seq) for node, seq in (("n2", 7), ("n2", 8), ("n3", 1)))


def trades(data: Path, *words: str) -> Result:
    """Run the command on a wide terminal."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["trades", "--data", str(data), *words])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A stopped node: one store holds two trades, one of them committed in another store here; one vote as acceptor."""
    storage = SqliteStorage(tmp_path / "n1", NAMING_KEY)
    storage.open()
    facts = {prepared_key(trade, ANN): Prepared(trade, ANN, PARTY) for trade in (UNDECIDED, COMMITTED)} | {
        finished_key(COMMITTED, BOB): Outcome(COMMITTED, BOB, Value(True, b"sold")),
        register_key(FOREIGN): Register(FOREIGN, Ballot(0, "n3", 5), Ballot(0, "n3", 5), Value(True)),
        register_key(UNDECIDED): Register(UNDECIDED, Ballot(2, "n1", 5), None, None),
        "peer/n2": Outcome(COMMITTED, "nobody", Value(False)),
    }
    storage.journal.append(Append([Entry(1, {ANN: b"\x90"})], {}, 1, facts))
    now_ms = int(time.time() * 1000)
    legs = {str(trade): leg(trade, now_ms - 60_000) for trade in (UNDECIDED, COMMITTED)}
    storage.stores.save([Snapshot(ANN, "player", 1, {"account": {0: Account("ann", ANN)}, "trades": legs})])
    storage.close()
    return tmp_path / "n1"


def leg(trade: TradeId, at_ms: int) -> PreparedLeg:
    """What ann's store promised."""
    return PreparedLeg(str(trade), f"{BOB}.l{trade.seq}", "buyer", "bid", b"", b"", 5, None, at_ms)


def test_a_stopped_node_shows_what_it_holds_and_what_it_voted(data: Path) -> None:
    """Prepared trades come first with their age, then the acceptor's registers, whose age nobody kept."""
    ran = trades(data, "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["open"] == 4
    rows = [(row["trade"], row["role"], row["state"], row["waits_for"]) for row in found["trades"]]
    assert rows == [
        ("1.n2.5.7", "participant", "PREPARED", ["n2"]),
        ("1.n2.5.8", "participant", "COMMITTING", []),
        ("1.n2.5.7", "acceptor", "PROMISED", ["n2"]),
        ("1.n3.5.1", "acceptor", "ACCEPTED", ["n3"]),
    ]
    assert found["trades"][0]["participants"] == {ANN: "n1", BOB: "n2"}
    assert [row["age_s"] is not None and 60 <= row["age_s"] < 120 for row in found["trades"]] == [
        True,
        True,
        False,
        False,
    ]


def test_a_person_gets_a_table(data: Path) -> None:
    """Without --json the same comes as a table; a node without open trades says so."""
    ran = trades(data)
    assert ran.exit_code == 0
    for seen in ("4 open trades", "1.n2.5.7", "prepared", f"{BOB} at n2", "unknown"):
        assert seen in ran.stdout
    idle = SqliteStorage(data.parent / "n2", NAMING_KEY)
    idle.open()
    idle.close()
    assert "0 open trades" in trades(data.parent / "n2").stdout


def test_a_directory_that_cannot_be_read_exits_2(tmp_path: Path) -> None:
    """No data directory, in words, and nothing on standard output."""
    ran = trades(tmp_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "node.sqlite: is not there" in ran.stderr


class Page(http.server.BaseHTTPRequestHandler):
    """What a node's /trades answers."""

    answer = b""
    status = 200
    asked: tuple[str, str]

    def do_GET(self) -> None:
        """Answer."""
        type(self).asked = (self.path, self.headers["authorization"])
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[type[Page]]:
    """A running node, as far as the command can see: the directory is locked, and something serves where it says."""
    handler = type("Answering", (Page,), {})
    directory = DataDirectory(tmp_path)
    directory.open()
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        directory.url.write_text(f"ws://127.0.0.1:{server.server_port}/ws\n")
        server.timeout = 10
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield handler
        thread.join()
    directory.close()


def test_a_running_node_is_asked_with_an_operators_token(page: type[Page], tmp_path: Path) -> None:
    """What its agreement tells is shown; the token is one that the house made for an operator."""
    page.answer = msgspec.json.encode(
        told([OpenTrade(UNDECIDED, "coordinator", "TELLING", 1.5, PARTY, ("n2",))]),
    )
    ran = trades(tmp_path, "--json")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout) == {
        "open": 1,
        "trades": [
            {
                "trade": "1.n2.5.7",
                "role": "coordinator",
                "state": "TELLING",
                "age_s": 1.5,
                "participants": {ANN: "n1", BOB: "n2"},
                "waits_for": ["n2"],
            }
        ],
    }
    path, authorization = page.asked
    identity = Verifier([signing_key(tmp_path).public]).verify(
        authorization.removeprefix("Bearer "), int(time.time() * 1000)
    )
    assert (path, identity.role) == ("/trades", "operator")


@pytest.mark.parametrize(("status", "answer"), [(404, b"no such page"), (200, b"<html>"), (200, b'{"open":1}')])
def test_a_node_that_answers_otherwise_is_a_fault(page: type[Page], tmp_path: Path, status: int, answer: bytes) -> None:
    """Another version, or another program on that port: exit 2, with the address."""
    page.status, page.answer = status, answer
    ran = trades(tmp_path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "the node at ws://127.0.0.1:" in ran.stderr


def test_only_so_many_trades_are_told_the_oldest() -> None:
    """However many are open, a page stays of a size that can be read; the number of all is told."""
    crowd = [
        OpenTrade(TradeId(1, "n1", 1, age), "acceptor", "PROMISED", float(age), None, ())
        for age in range(TRADES_MAX + 5)
    ]
    page = told(crowd)
    assert isinstance(page, OpenTrades)
    assert (page.open, len(page.trades), page.trades[0].age_s) == (TRADES_MAX + 5, TRADES_MAX, TRADES_MAX + 4.0)
