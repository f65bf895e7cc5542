"""Costs and runs for the tests of the model, in round figures."""

from random import Random

from load_tests.capacity.calibration import Calibration
from load_tests.capacity.house import Setting
from load_tests.capacity.load import Load, Outcome, simulate

COSTS = Calibration(
    machine="a made-up one",
    wake_up_s=30e-6,
    batch_s=60e-6,
    bid_s=100e-6,
    coordinator_s=240e-6,
    participant_s=120e-6,
    acceptor_s=20e-6,
    coordinator_records=3.0,
    participant_records=2.0,
    acceptor_records=1.0,
    frame_s=14e-6,
    link_s=2e-3,
    feed_row_s=12e-6,
    index_row_s=5e-6,
    journal_batch_s=150e-6,
    journal_record_s=15e-6,
    journal_fact_s=25e-6,
    commit_wait_s=500e-6,
    fsync_s=200e-6,
    push_s=10e-6,
    login_s=600e-6,
    search_s=350e-6,
    wake_s=1e-3,
    request_s=40e-6,
    checkpoint_s=1e-3,
    generator_s=20e-6,
    node_bytes=1e8,
    store_bytes=6e3,
    connection_bytes=14e3,
    row_bytes=300.0,
    messages_a_trade=12.0,
)


def latency(random: Random) -> float:
    """A message's way, in seconds."""
    return random.uniform(0.0001, 0.0002)


def run(setting: Setting, load: Load, seed: int = 1) -> Outcome:
    """Simulate a house with these costs."""
    return simulate(setting, load, COSTS, latency, seed)
