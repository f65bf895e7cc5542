"""A scenario is data: one TOML file that says which market is made, who plays, what they do, and at which pace.

`load_tests/scenarios` has ours; the path of a file of your own goes wherever a name goes. docs/load-testing.md says
how to write one.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

SUFFIX = ".toml"
PLAYERS_MAX = 100_000
SECONDS_MAX = 86_400.0

ActName = Literal[
    "search",
    "look",
    "wallet",
    "bid",
    "buyout",
    "sell",
    "deliveries",
    "claim",
    "book",
    "buy_pieces",
    "sell_pieces",
    "cancel_order",
    "login",
    "reconnect",
]
"""What a player can do; `load_tests.harness.acts` says how."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=SECONDS_MAX)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]


class ScenarioFault(Exception):
    """A scenario cannot be run as it is written; the text says what to change."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file; what it does not know it refuses."""


class Market(_Table, frozen=True, kw_only=True):
    """What is there when the first request starts."""

    listings: Count = 0
    """Open listings, of sellers who do nothing else."""
    listings_a_seller: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    """At most; the rule `max_listings` may cut it."""
    start_bid: Amount | None = 100
    """From where on they can be bid for; None, where they can only be bought out."""
    buyout: Amount | None = None
    """For what they can be bought out; without one they can only be bid for."""
    gold: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 10**9
    """Of each player."""
    items: Annotated[int, msgspec.Meta(ge=0, le=200)] = 0
    """That each player can sell."""
    commodities: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """In which they trade."""
    pieces: Count = 0
    """Of each of these that each player holds."""


class Open(_Table, frozen=True, kw_only=True, tag="open", tag_field="loop"):
    """Requests start when they are meant to, whatever the server does: Poisson arrivals, of all players together."""

    arrivals_per_s: Positive
    ramp_s: Seconds = 0.0
    """Over which the rate rises evenly from nothing; it counts from the beginning of the warm-up."""
    waiting_max: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 100_000
    """Requests of one generator that wait because their player's last is in flight; one more fails as `not_sent`."""


class Closed(_Table, frozen=True, kw_only=True, tag="closed", tag_field="loop"):
    """Each player has one request in flight, thinks when it is answered, and makes the next."""

    think_s: Seconds = 0.0
    """On the average; the time is exponentially distributed, and 0 is none."""


class Scenario(_Table, frozen=True, kw_only=True):
    """One scenario, with its file's name aside."""

    about: Annotated[str, msgspec.Meta(min_length=10, max_length=300)]
    """One sentence."""
    players: Annotated[int, msgspec.Meta(ge=1, le=PLAYERS_MAX)]
    seconds: Annotated[float, msgspec.Meta(gt=0, le=SECONDS_MAX)]
    """Measured time."""
    warm_up_s: Seconds = 2.0
    """Load before that, which is not measured."""
    pace: Open | Closed
    acts: Annotated[dict[ActName, Positive], msgspec.Meta(min_length=1)]
    """By weight, whatever the weights add up to."""
    market: Market = Market()
    rules: dict[str, Any] = {}
    """Rules of the house, over those of `load_tests.house.HOUSE_RULES`; a house that is not ours keeps its own."""


def names() -> list[str]:
    """Of the scenarios that come along."""
    return sorted(each.name.removesuffix(SUFFIX) for each in _folder().iterdir() if each.name.endswith(SUFFIX))


def load(name: str) -> Scenario:
    """A scenario that comes along, by its name, or any by the path of its file. Raises ScenarioFault."""
    own = Path(name)
    place = own if own.suffix == SUFFIX else _folder() / f"{name}{SUFFIX}"
    try:
        text = place.read_text("utf-8")
    except FileNotFoundError as error:
        raise ScenarioFault(
            f"there is no scenario {name}: choose one of {', '.join(names())}, or name a file that ends with {SUFFIX}"
        ) from error
    except OSError as error:
        raise ScenarioFault(f"{name} cannot be read ({error.strerror}): name a readable file") from error
    return parse(text, name)


def parse(text: str, name: str) -> Scenario:
    """A scenario from its text. Raises ScenarioFault, which names it."""
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioFault(f"{name} is no TOML: {error}; mend that line") from error
    except msgspec.ValidationError as error:
        raise ScenarioFault(f"{name}: {error}; docs/load-testing.md has the fields and what they may be") from error
    _check(scenario, name)
    return scenario


def name_of(name: str) -> str:
    """What a run of it is called: the file's name without folder and suffix."""
    return Path(name).name.removesuffix(SUFFIX)


def changed(
    scenario: Scenario,
    *,
    seconds: float | None = None,
    players: int | None = None,
    listings: int | None = None,
    rate: float | None = None,
) -> Scenario:
    """The same with another length, number of players or listings, or arrival rate. Raises ScenarioFault."""
    pace = scenario.pace
    if rate is not None:
        if isinstance(pace, Closed):
            raise ScenarioFault("its loop is closed, so that it has no arrival rate: set players, or think_s in a copy")
        pace = msgspec.structs.replace(pace, arrivals_per_s=rate)
    if seconds is not None:
        scenario = msgspec.structs.replace(
            scenario, seconds=seconds, warm_up_s=min(scenario.warm_up_s, max(seconds / 4, 0.1))
        )
        if isinstance(pace, Open):
            pace = msgspec.structs.replace(pace, ramp_s=min(pace.ramp_s, scenario.warm_up_s))
    if players is not None:
        scenario = msgspec.structs.replace(scenario, players=players)
    if listings is not None:
        market = msgspec.structs.replace(scenario.market, listings=listings)
        scenario = msgspec.structs.replace(scenario, market=market)
    return msgspec.structs.replace(scenario, pace=pace)


def _check(scenario: Scenario, name: str) -> None:
    """What types cannot say: each act finds the market that it needs. Raises ScenarioFault."""
    market = scenario.market
    holds: Mapping[str, tuple[bool, str]] = {
        "look": (market.listings > 0, "market.listings"),
        "bid": (market.listings > 0 and market.start_bid is not None, "market.listings and market.start_bid"),
        "sell": (market.items > 0, "market.items"),
        "book": (market.commodities > 0, "market.commodities"),
        "buy_pieces": (market.commodities > 0, "market.commodities"),
        "sell_pieces": (market.commodities > 0 and market.pieces > 0, "market.commodities and market.pieces"),
        "cancel_order": (market.commodities > 0, "market.commodities"),
        "buyout": (market.items > 0 or market.buyout is not None, "market.buyout, or market.items and the act sell"),
    }
    for act in scenario.acts:
        there, needed = holds.get(act, (True, ""))
        if not there:
            raise ScenarioFault(f"{name}: the act {act} finds nothing in this market; set {needed}")
    if market.listings and market.start_bid is None and market.buyout is None:
        raise ScenarioFault(f"{name}: its listings have no price; set market.start_bid, market.buyout, or both")


def _folder() -> Any:
    return files("load_tests") / "scenarios"
