"""docs/protocol.md says what the code's tables say: every name of either is in the other."""

import re
from pathlib import Path

import msgspec
import pytest

from auction import commands, results
from auction.house_state import Freeze
from auction.refusals import REASONS
from auction.state import NOTICES_KEPT, Assets, Item, LedgerEntry, Notice, Wanted
from shardnode.gateway.limits import GatewayLimits
from shardnode.watches.engine import WatchLimits
from shardnode.wire.errors import CODES
from shardnode.wire.events import EVENTS, WATCHED, Hello, Matches, Price, World
from shardnode.wire.methods import METHODS
from shardnode.wire.transport import CloseCode
from worlddata.types import MAX_AMOUNT, BuyLimit, Category, Range, Rarity, Rate, Rules, Stat

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()

OBJECTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "Item": (Item,),
    "Listing": (results.ListingView,),
    "Bid": (results.BidView,),
    "Delivery": (results.DeliveryView,),
    "Gold": (results.Gold,),
    "Stash": (results.Stash,),
    "Category": (Category,),
    "Rarity": (Rarity,),
    "Stat": (Stat,),
    "Base": (results.BaseView,),
    "Commodity": (results.CommodityView,),
    "Range": (results.Span, Range),
    "Bounds": (commands.Bounds,),
    "StatBounds": (commands.StatBounds,),
    "GrantedItem": (commands.GrantedItem,),
    "LedgerEntry": (LedgerEntry,),
    "Level": (results.Level,),
    "Returned": (results.Returned,),
    "Order": (results.OrderView,),
    "BookLevel": (results.BookLevel,),
    "LastPrice": (results.LastPrice,),
    "Candle": (results.CandleView,),
    "OfferSide": (commands.OfferSide,),
    "Offer": (results.OfferView,),
    "Assets": (Assets,),
    "Wanted": (Wanted,),
    "ListingFilter": (commands.ListingFilter,),
    "Watch": (results.WatchView,),
    "Matches": (Matches,),
    "Price": (Price,),
    "Freeze": (Freeze,),
    "Market": (results.Market,),
    "Hello": (Hello,),
    "World": (World,),
    "Event": (Notice,),
}
"""Heading of each object's section → the classes it describes."""


def sections() -> dict[str, str]:
    """Heading → text, for the headings of the third level."""
    found = {}
    for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        found[heading.replace("`", "").removesuffix(" *")] = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    return found


SECTIONS = sections()


def first_column(text: str) -> list[str]:
    """The names in the first column of a section's table."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def chapter(heading: str) -> str:
    """Text of a chapter, its sections included."""
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def marked(kind: type[msgspec.Struct]) -> set[str]:
    """A class's fields as the page writes them: those that may be left out with a question mark."""
    return {field.encode_name + ("" if field.required else "?") for field in msgspec.structs.fields(kind)}


def test_every_section_is_a_method_an_object_or_an_event() -> None:
    """The page has a section for each of them, and no others but those on close codes and on what watches tell."""
    assert set(SECTIONS) == {*METHODS, *OBJECTS, *EVENTS, "Close codes", "Watches"}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_params(name: str) -> None:
    """The table of params is that of the command, with those marked that may be left out."""
    assert set(first_column(SECTIONS[name])) == marked(METHODS[name].params)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_result(name: str) -> None:
    """The result names all of its members."""
    match = re.search(r"\*\*Result\*\* `\{([^}]*)\}`", SECTIONS[name])
    assert match is not None
    assert [part for part in match[1].split(", ") if part] == list(METHODS[name].result.__struct_encode_fields__)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_its_refusals(name: str) -> None:
    """Those of the method table, no more and no fewer."""
    match = re.search(r"^Refused: (.*?)\.$", SECTIONS[name], flags=re.MULTILINE | re.DOTALL)
    told = set() if match is None else {reason for reason in re.findall(r"`(\w+)`", match[1]) if reason in REASONS}
    assert told == set(METHODS[name].refusals)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_marked_as_what_it_is(name: str) -> None:
    """Mutations have their star, and methods of some roles say whose."""
    method = METHODS[name]
    assert (f"### `{name}` *\n" in PAGE) == method.mutation
    match = re.search(r"^For roles? (.*?)\.", SECTIONS[name], flags=re.MULTILINE)
    assert ("player" in method.roles) == (match is None)
    if match is not None:
        assert tuple(re.findall(r"`(\w+)`", match[1])) == method.roles


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_its_fields(name: str) -> None:
    """The table of fields is that of the class; what a client sends marks what may be left out."""
    for kind in OBJECTS[name]:
        sent = kind.__module__ == "auction.commands"
        expected = marked(kind) if sent else set(kind.__struct_encode_fields__)
        assert set(first_column(SECTIONS[name])) == expected


def test_no_object_is_left_out() -> None:
    """Every class that a result, an event or params carry has its section."""
    described = {kind for kinds in OBJECTS.values() for kind in kinds} | {Rules, BuyLimit, Rate}
    tops = {method.result for method in METHODS.values()} | {method.params for method in METHODS.values()}
    carried = _structs_in([*tops, Hello, Notice, *WATCHED])
    assert carried - tops - set(WATCHED) <= described
    assert described <= carried


def _structs_in(kinds: list[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """The classes, and all that their fields are made of."""
    found: set[type[msgspec.Struct]] = set()

    def walk(part: object) -> None:
        if isinstance(part, msgspec.inspect.StructType):
            if part.cls in found:
                return
            found.add(part.cls)
        if isinstance(part, msgspec.inspect.Type | msgspec.inspect.Field):
            for name in part.__struct_fields__:
                walk(getattr(part, name))
        elif isinstance(part, tuple):
            for one in part:
                walk(one)

    for kind in kinds:
        walk(msgspec.inspect.type_info(kind))
    return found


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_its_data(name: str) -> None:
    """The table of an event's data is that of its class."""
    assert first_column(SECTIONS[name]) == list(EVENTS[name].__struct_encode_fields__)


def test_rules_have_their_defaults() -> None:
    """Each rule stands in the table, with the value that it has unless somebody overrules it."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", chapter("Rules"), flags=re.MULTILINE))
    told = {name: text.replace("2^53 − 1", str(MAX_AMOUNT)) for name, text in rows.items()}
    expected = {name: str(value).strip("()") for name, value in msgspec.structs.asdict(Rules()).items()}
    assert told == expected


def test_reasons_stand_under_their_codes() -> None:
    """The table of errors has every reason once, under its code."""
    told: dict[str, int] = {}
    code = 0
    for head, reasons in re.findall(r"^\| (−\d+)? ?\| ([^|]*)\|", chapter("Errors"), flags=re.MULTILINE):
        code = int(head.replace("−", "-")) if head else code
        for reason in re.findall(r"`(\w+)`", reasons):
            assert reason not in told
            told[reason] = code
    assert told == CODES


def test_close_codes_are_told() -> None:
    """The table of close codes is the code's."""
    assert {int(code) for code in first_column(SECTIONS["Close codes"])} == set(CloseCode)


def test_bounds_are_told_with_their_defaults() -> None:
    """The figures of the table of bounds are those of the gateway's limits."""
    limits = GatewayLimits()
    for figure in (
        limits.message_bytes_max,
        limits.requests_per_s,
        limits.requests_burst,
        limits.flood_requests,
        limits.in_flight_max,
        limits.sockets_max,
        limits.sockets_per_address_max,
    ):
        assert f"{figure:,}" in chapter("Transport")
    assert f"{limits.unsent_bytes_max // 2**20} MiB" in chapter("Transport")
    assert f"{limits.http_body_bytes_max // 2**10} KiB of body" in chapter("Transport")
    assert f"pings every {limits.ping_every_s:.0f} s" in chapter("Transport")
    assert f"nothing for {limits.silence_max_s:.0f} s" in chapter("Transport")


def test_how_many_events_are_kept_is_told() -> None:
    """A store keeps so many, whatever their age, which is more than the seven days that the page promises."""
    assert chapter("Events").count(f"{NOTICES_KEPT:,}") == 3


def test_what_watches_tell_is_told_with_its_bounds() -> None:
    """How many listings one push shows, and how often a player hears one."""
    limits = WatchLimits()
    assert f"up to {limits.shown_max}" in SECTIONS["Matches"]
    assert limits.round_s == 0.5 and "at most two of these pushes in a second" in PAGE
    assert f"{GatewayLimits().unsent_for_watches_max // 1024} KiB" in SECTIONS["Watches"]


def test_links_within_the_page_lead_to_headings() -> None:
    """Each link to a heading has its heading."""
    headings = re.findall(r"^#{2,3} (.*)$", PAGE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
