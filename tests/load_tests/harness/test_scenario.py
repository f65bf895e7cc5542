"""Scenarios as data: those that come along, and what is said of those that cannot be run."""

from pathlib import Path

import pytest

from load_tests import scenario
from load_tests.harness.acts import ACTS
from load_tests.scenario import Closed, Open, ScenarioFault

DOCUMENT = Path(__file__).parents[3] / "docs" / "load-testing.md"
WHOLE = """
about = "Bids for a moment."
players = 2
seconds = 1
acts = { bid = 1 }
pace = { loop = "closed" }
market = { listings = 3 }
"""


@pytest.mark.parametrize("name", scenario.names())
def test_scenarios_that_come_along_can_be_run(name: str) -> None:
    """Each is read, says in a sentence what it is about, and does what the harness knows."""
    read = scenario.load(name)
    assert read.about.endswith(".")
    assert read.acts.keys() <= ACTS.keys()


def test_the_scenario_of_the_documentation_can_be_run() -> None:
    """What docs/load-testing.md shows as an example is one."""
    example = DOCUMENT.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    assert scenario.parse(example, "the example").players == 100


def test_every_kind_of_load_is_there() -> None:
    """Searches, few and many listings, buyouts, commodities, both storms, and all of it together."""
    wanted = {"browse", "bid_war", "wide_bids", "buyout_rush", "commodity_day", "login_storm", "reconnect_storm"}
    assert wanted | {"mixed_evening"} == set(scenario.names())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("players = 2", "player = 2"), "unknown field `player`"),
        (("listings = 3", "listing = 3"), "unknown field `listing`"),
        (("bid = 1", "steal = 1"), "steal"),
        (("bid = 1", "bid = 0"), "> 0"),
        (('"closed"', '"sideways"'), "sideways"),
        (("acts = { bid = 1 }", "acts = { bid = 1"), "is no TOML"),
        (("bid = 1", "sell = 1"), "set market.items"),
        (("bid = 1", "buy_pieces = 1"), "set market.commodities"),
        (("listings = 3", "listings = 0"), "set market.listings"),
        (("players = 2", "players = 0"), ">= 1"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_refused(change: tuple[str, str], said: str) -> None:
    """Whatever is unknown, out of bounds or without a market to act on is named, with the file it stands in."""
    with pytest.raises(ScenarioFault, match=f"mine: .*{said}|mine .*{said}"):
        scenario.parse(WHOLE.replace(*change), "mine")


def test_a_scenario_that_is_not_there_names_those_that_are() -> None:
    """Whoever mistypes a name reads the right ones."""
    with pytest.raises(ScenarioFault, match="bid_war, browse"):
        scenario.load("bidwar")


def test_options_change_a_scenario_and_nothing_else() -> None:
    """Length, players, listings and rate are set as asked, and a short run has a short warm-up."""
    changed = scenario.changed(scenario.load("browse"), seconds=0.4, players=3, listings=5, rate=9.0)
    assert (changed.seconds, changed.players, changed.market.listings) == (0.4, 3, 5)
    assert isinstance(changed.pace, Open) and changed.pace.arrivals_per_s == 9.0
    assert changed.warm_up_s == changed.pace.ramp_s == 0.1


def test_a_closed_loop_has_no_rate() -> None:
    """Asked for a rate, it says what to set instead."""
    assert isinstance(scenario.load("bid_war").pace, Closed)
    with pytest.raises(ScenarioFault, match="set players"):
        scenario.changed(scenario.load("bid_war"), rate=10.0)
