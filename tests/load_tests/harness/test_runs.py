"""Whole runs for a moment each, as a person starts them, against a house that stands and houses of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from load_tests import results, scenario
from load_tests.__main__ import main
from load_tests.harness import run as runs
from load_tests.harness.generators import Generators
from load_tests.harness.messages import Checked
from load_tests.house import House, call, running_house
from load_tests.results import RunResult
from load_tests.scenario import Open

CHECKPOINTS = {"AUCTION_CHECKPOINT_INTERVAL_S": "0.2"}
"""A market is on disk sooner, and the run begins."""
ROOMY = """[rules]
increment_bp = 0
max_bids = 1000
max_listings = 500
max_orders = 500
stash_capacity = 2000
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the standing house keeps its data."""
    return tmp_path_factory.mktemp("house")


@pytest.fixture(scope="module")
def house(data: Path) -> Iterator[House]:
    """A house that runs already."""
    with running_house(data, ROOMY, CHECKPOINTS) as running:
        yield running


def _run(out: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["run", *words, "--out", str(out)])


def _kept(out: Path) -> RunResult:
    (record,) = out.glob("*.json")
    assert record.with_suffix(".html").stat().st_size > 1_000
    return results.read(record)


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_runs_against_a_server_that_stands(name: str, house: House, data: Path, tmp_path: Path) -> None:
    """By its URL and the key that it trusts: all acts are done, nothing fails, and nothing acknowledged is missing."""
    key = data / "data" / "token-key.pem"
    played = scenario.load(name)
    rate = ["--rate", "150"] if isinstance(played.pace, Open) else []
    listings = ["--listings", "20"] if played.market.listings else []
    size = ["--seconds", "0.3", "--players", "12", *rate, *listings]
    done = _run(tmp_path, name, "--url", house.server.url, "--token-key", str(key), *size)
    assert done.exit_code == 0, done.output
    kept = _kept(tmp_path)
    assert kept.failures == 0, kept.errors
    assert kept.answers > 10
    assert kept.checks.passed and kept.checks.balanced is None
    assert set(kept.acts) <= {*played.acts, "search"}
    assert len(kept.generators) == 1 and kept.servers == []
    assert kept.metrics["auction_request_seconds_count"][-1] > kept.answers


def test_a_house_of_its_own_is_started_watched_and_audited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a URL a node is started: its processes are sampled, its metrics scraped, its books audited in the end."""
    monkeypatch.setenv(*next(iter(CHECKPOINTS.items())))
    done = _run(tmp_path, "bid_war", "--seconds", "1.2", "--players", "8")
    assert done.exit_code == 0, done.output
    kept = _kept(tmp_path)
    assert "the audit balances" in done.output
    assert kept.checks.balanced is True and kept.checks.acknowledged >= kept.acts["bid"].outcomes["ok"]
    assert len(kept.timeline) == len(kept.servers[0].cpu_s) == len(kept.generators[0].rss_bytes) == 2
    assert kept.cpu_us_per_answer > 0 and kept.servers[0].rss_bytes[0] > 1_000_000
    assert kept.loop == "closed" and kept.offered_per_s is None and kept.nodes == 1


def test_several_nodes_are_played_each_by_those_at_home_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two nodes and two generators: trades cross nodes, and nothing is lost on the way."""
    monkeypatch.setenv(*next(iter(CHECKPOINTS.items())))
    size = ["--seconds", "0.5", "--players", "16", "--listings", "20", "--rate", "150"]
    done = _run(tmp_path, "mixed_evening", "--nodes", "2", "--connect", "home", "--generators", "2", *size)
    assert done.exit_code == 0, done.output
    kept = _kept(tmp_path)
    assert [each.name for each in kept.servers] == ["n1", "n2"] and len(kept.generators) == 2
    assert kept.nodes == 2 and kept.checks.balanced is True


def test_a_run_that_loses_something_fails_and_says_so(
    house: House, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One gold that vanishes before the checks is enough: the exit code is 1, and record and terminal name it."""
    check = Generators.check

    def steal_and_check(generators: Generators) -> list[Checked]:
        service = house.connect("thief", "service")
        call(service, "admin.take", player="load-7-player-0", gold=1, key="theft")
        service.close()
        return check(generators)

    monkeypatch.setattr(Generators, "check", steal_and_check)
    monkeypatch.setattr(runs, "PATIENCE_S", 0.2)
    monkeypatch.setattr(runs.time, "time_ns", lambda: 7_000_000)
    key = str(data / "data" / "token-key.pem")
    words = ["browse", "--url", house.server.url, "--token-key", key, "--seconds", "0.2", "--listings", "5"]
    done = _run(tmp_path, *words, "--players", "3")
    assert done.exit_code == 1
    assert "FAILED: 1 of" in done.output and "load-7-player-0: has 999999999 gold where 1000000000" in done.output
    assert _kept(tmp_path).checks.lost_count == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bidwar"], "choose one of bid_war"),
        (["bid_war", "--rate", "5"], "has no arrival rate"),
        (["bid_war", "--url", "ws://127.0.0.1:1/ws"], "--token-key"),
        (["commodity_day", "--target", "standard"], "does not speak commodity.book"),
        (["bid_war", "--url", "ws://x", "--nodes", "2"], "leave out --target and --nodes"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_starts(words: list[str], said: str, tmp_path: Path) -> None:
    """Each mistake is named with what to do instead, and nothing is written."""
    done = _run(tmp_path, *words)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_told(data: Path, house: House, tmp_path: Path) -> None:
    """Whoever names a place where nobody listens, or the wrong key, reads what to start and which key to give."""
    del house
    key = str(data / "data" / "token-key.pem")
    done = _run(tmp_path, "bid_war", "--url", "ws://127.0.0.1:1/ws", "--token-key", key)
    assert done.exit_code == 1 and "start the server" in done.output
    wrong = _run(tmp_path, "bid_war", "--url", "wss://127.0.0.1:1/ws", "--token-key", key)
    assert wrong.exit_code == 1 and "do not speak TLS" in wrong.output


def test_scenarios_are_listed() -> None:
    """`list` has each of them with its sentence."""
    done = CliRunner().invoke(main, ["list"])
    assert done.exit_code == 0
    assert all(name in done.output for name in scenario.names())


def test_compare_goes_by_what_is_named(tmp_path: Path) -> None:
    """Files are laid side by side; the names of the architectures mean that these are measured."""
    missing = CliRunner().invoke(main, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert missing.exit_code == 1 and "cannot be read" in missing.output
    both = CliRunner().invoke(main, ["compare", "fractal", "standard", "--help"])
    assert both.exit_code == 0 and "standard architecture" in both.output
    alone = CliRunner().invoke(main, ["compare", "--help"])
    assert alone.exit_code == 0 and "A B" in alone.output
