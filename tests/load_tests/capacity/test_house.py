"""Simulated houses: nothing is lost, runs repeat, and a sample tells what the whole does."""

from itertools import pairwise

import msgspec
import pytest

from load_tests.capacity.house import Design, Setting
from load_tests.capacity.load import Load, shares_of_slots
from tests.load_tests.capacity.houses import run

BUSY = Load(players_a_node=8, warm_s=0.05, seconds=0.2)


@pytest.mark.parametrize("nodes", [1, 2, 3, 6])
@pytest.mark.parametrize("design", [Design(), Design("other", spread_acceptors=True, tell_every_s=0.02, index_parts=2)])
def test_what_was_offered_is_done_refused_or_under_way(nodes: int, design: Design) -> None:
    """Bids are conserved, and of a closed loop exactly as many are under way as there are players, at most."""
    outcome = run(Setting(nodes=nodes, design=design), BUSY)
    assert outcome.done > 100
    assert outcome.offered == outcome.done + outcome.refused + outcome.in_flight
    assert 0 < outcome.in_flight <= 8 * nodes
    assert outcome.refused == 0


def test_the_same_seed_gives_the_same_run_and_another_gives_another() -> None:
    """A run is repeatable to the last digit."""
    setting = Setting(nodes=4, sample=None)
    assert run(setting, BUSY, seed=3) == run(setting, BUSY, seed=3) != run(setting, BUSY, seed=4)


def test_more_nodes_do_more_where_no_trade_leaves_its_node() -> None:
    """With all trades at home and no index to keep, throughput grows with the nodes."""
    apart = Design("apart", index_parts=1_000)
    done = [
        run(Setting(nodes=nodes, locality=1.0, rivals_at_home=True, design=apart), BUSY).per_s for nodes in (1, 2, 4, 8)
    ]
    assert all(more > 1.8 * less for less, more in pairwise(done)), done


def test_trades_across_nodes_cost_more_and_take_longer() -> None:
    """Two nodes do less than twice of what one does, and answer later."""
    one, two = (run(Setting(nodes=nodes), BUSY) for nodes in (1, 2))
    assert two.per_s < 1.6 * one.per_s
    assert two.p50_ms > one.p50_ms


def test_the_same_few_acceptors_are_the_first_to_be_busy() -> None:
    """As the program is, acceptors are busier than other nodes; with acceptors for each trade they are not."""
    load = Load(per_node_s=150, warm_s=0.2, seconds=0.4)
    few = run(Setting(nodes=40, sample=6), load)
    spread = run(Setting(nodes=40, sample=6, design=Design("spread", spread_acceptors=True)), load)
    assert few.acceptor > 1.5 * few.reactor
    assert spread.acceptor < 1.2 * spread.reactor


def test_a_sample_tells_what_the_whole_does() -> None:
    """The background in the place of most nodes gives the same load, latency and batches as simulating each."""
    load = Load(per_node_s=120, warm_s=0.3, seconds=0.4)
    whole, sample = (run(Setting(nodes=24, sample=sample), load) for sample in (None, 12))
    for name, within in (("reactor", 0.15), ("acceptor", 0.25), ("journal", 0.1), ("p50_ms", 0.2), ("per_s", 0.1)):
        assert getattr(sample, name) == pytest.approx(getattr(whole, name), rel=within), name
    assert sample.rows_heard_per_s == pytest.approx(whole.rows_heard_per_s, rel=0.15)
    assert sample.events < whole.events / 2


def test_one_listing_is_sold_one_trade_at_a_time() -> None:
    """A bid war on one listing does far less than bids on many, its waiters are bounded, and the rest is refused."""
    war = run(Setting(nodes=4, hot_share=1.0), Load(players_a_node=12, warm_s=0.1, seconds=0.3))
    peace = run(Setting(nodes=4), Load(players_a_node=12, warm_s=0.1, seconds=0.3))
    assert war.per_s < peace.per_s / 3
    assert war.refused > 0
    assert war.offered == war.done + war.refused + war.in_flight


def test_nodes_that_share_cores_do_less() -> None:
    """Three nodes on two cores, with the generator there as well, do less than on machines of their own."""
    apart = run(Setting(nodes=3), BUSY)
    together = run(Setting(nodes=3, cores=2), BUSY)
    assert together.per_s < 0.8 * apart.per_s


def test_slots_are_shared_out_whole() -> None:
    """Shares are around 1, and of a thousand nodes the largest has five slots where the average has 4.1."""
    assert shares_of_slots(4, 4) == [1.0] * 4
    shares = shares_of_slots(1_000, 12)
    assert max(shares) == pytest.approx(5 / 4.096)
    assert min(shares) == pytest.approx(4 / 4.096)


def test_outcomes_can_be_kept() -> None:
    """What a run gave goes into JSON and comes back."""
    outcome = run(Setting(nodes=2), BUSY)
    assert msgspec.json.decode(msgspec.json.encode(outcome), type=type(outcome)) == outcome
