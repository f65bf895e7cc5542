"""House rules: an operator's file over a world's rules."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worlddata.house_rules import overlay_rules
from worlddata.identity import content_hash
from worlddata.loading import PACKAGED_SOURCES
from worlddata.problems import SourceError
from worlddata.toml_sources import read_sources
from worlddata.types import BASIS_POINTS, DAY_S, MAX_AMOUNT, BuyLimit, Catalog, Rate, Rules


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Return the packaged world."""
    return read_sources(PACKAGED_SOURCES)


def refusal(catalog: Catalog, text: str) -> str:
    """Return what an operator is told about a text."""
    with pytest.raises(SourceError) as raised:
        overlay_rules(catalog, text)
    return str(raised.value)


def test_an_overlay_changes_what_it_names(catalog: Catalog) -> None:
    """The named rules change, all others and the rest of the world stay."""
    house = overlay_rules(catalog, "[rules]\nfee_bp = 700\ndurations_s = [2, 5, 2_592_000]\n")
    assert house.rules == Rules(fee_bp=700, durations_s=(2, 5, 30 * DAY_S))
    unruled = msgspec.structs.replace(house, version=catalog.version, hash=catalog.hash, rules=catalog.rules)
    assert unruled == catalog


def test_an_overlay_names_limits_and_rates(catalog: Catalog) -> None:
    """Rules by name are tables of their own; they take the place of the world's, and make another world."""
    limits = "[rules.buy_limits.scrap_iron]\nquantity = 10\nwindow_s = 60\n"
    house = overlay_rules(catalog, limits + "[rules.rates.trade]\nper_s = 3\nburst = 4\n")
    assert house.rules == Rules(buy_limits={"scrap_iron": BuyLimit(10, 60)}, rates={"trade": Rate(3, 4)})
    assert overlay_rules(house, "[rules]\nrates = {}\n").rules.buy_limits == house.rules.buy_limits
    assert overlay_rules(house, "[rules]\nrates = {}\n") == overlay_rules(catalog, limits)
    assert len({catalog.hash, house.hash, overlay_rules(catalog, limits).hash}) == 3


def test_an_overlay_has_an_identity_of_its_own(catalog: Catalog) -> None:
    """Version and hash tell house rules from the world's own, and one set of them from another."""
    house = overlay_rules(catalog, "[rules]\nfee_bp = 700\n")
    other = overlay_rules(catalog, "[rules]\nfee_bp = 701\n")
    assert re.fullmatch(re.escape(catalog.version) + r"\+rules\.[0-9a-f]{8}", house.version)
    assert house.hash == content_hash(house)
    assert len({catalog.version, house.version, other.version}) == 3
    assert len({catalog.hash, house.hash, other.hash}) == 3


def test_the_same_rules_are_the_same_world(catalog: Catalog) -> None:
    """What counts is what holds in the end: order and repetition of defaults change nothing, nor does no change."""
    house = overlay_rules(catalog, "[rules]\nfee_bp = 700\nmax_bids = 5\n")
    assert overlay_rules(catalog, "[rules]\nmax_bids = 5\nfee_bp = 700\nmax_listings = 10\n") == house
    assert overlay_rules(catalog, "[rules]\nfee_bp = 1500\n") == catalog


def test_an_overlay_over_an_overlay(catalog: Catalog) -> None:
    """Overlays do not pile up in the version."""
    twice = overlay_rules(overlay_rules(catalog, "[rules]\nfee_bp = 700\n"), "[rules]\nmax_bids = 5\n")
    assert twice == overlay_rules(catalog, "[rules]\nfee_bp = 700\nmax_bids = 5\n")


def test_a_file_is_named_in_what_is_told(catalog: Catalog, tmp_path: Path) -> None:
    """An operator is told the file, the key, and what it may be."""
    file = tmp_path / "house.toml"
    file.write_text("[rules]\nfee_bp = 700\n")
    assert overlay_rules(catalog, file).rules.fee_bp == 700
    file.write_text("[rules]\nfee = 700\nmax_bids = 0\n")
    with pytest.raises(SourceError) as raised:
        overlay_rules(catalog, file)
    assert str(raised.value).splitlines() == [
        f"{file}, rules: unknown key 'fee'; did you mean 'fee_bp'?",
        f"{file}, rules: max_bids = 0: expected `int` >= 1",
    ]


def test_a_file_that_is_not_there(catalog: Catalog, tmp_path: Path) -> None:
    """A missing file is told by its name."""
    with pytest.raises(SourceError, match=r"nowhere\.toml: cannot be read .*; check that it is there"):
        overlay_rules(catalog, tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "write one table [rules], and nothing outside it"),
        ("fee_bp = 700", "write one table [rules], and nothing outside it"),
        ("[rules]\n[bases.x]", "write one table [rules], and nothing outside it"),
        ("[[rules]]", "write one table [rules], and nothing outside it"),
        ("[rules", "is not TOML"),
        ("[rules]\nfee_bp = 700\nfee_bp = 700", "is not TOML"),
        ("[rules]\nfee_bp = 1500.0", "fee_bp = 1500.0: expected `int`, got `float`"),
        ('[rules]\nfee_bp = "1500"', "fee_bp = '1500': expected `int`, got `str`"),
        ("[rules]\nfee_bp = false", "fee_bp = False: expected `int`, got `bool`"),
        ("[rules]\nfee_bp = -1", "fee_bp = -1: expected `int` >= 0"),
        (f"[rules]\nprice_max = {MAX_AMOUNT + 1}", f"expected `int` <= {MAX_AMOUNT}"),
        (f"[rules]\nprice_max = {2**64}", "price_max = 18446744073709551616: "),
        ("[rules]\ndurations_s = 60", "durations_s = 60: expected `array`, got `int`"),
        ("[rules]\ndurations_s = []", "durations_s = []: expected `array` of length >= 1"),
        ("[rules]\ndurations_s = [1]", "expected `int` >= 2 - at `durations_s[0]`"),
        ("[rules]\ndurations_s = [60, 2_592_001]", "expected `int` <= 2592000 - at `durations_s[1]`"),
        ("[rules]\ndurations_s = [60, 60]", "durations_s = [60, 60] names a duration twice; name each once"),
        ("[rules]\nprice_min = 10\nprice_max = 9", "price_min = 10 is above price_max = 9; lower it"),
        ("[rules]\nincrement_min = 10\nprice_max = 9", "increment_min = 10 is above price_max = 9"),
        (
            "[rules]\noffer_expires_s = 9\noffer_expires_max_s = 8",
            "offer_expires_s = 9 is above offer_expires_max_s = 8",
        ),
        ("[rules]\nbuy_limits = 3", "buy_limits = 3: expected `object`, got `int`"),
        ("[rules]\nbuy_limits.scrap_iron = 3", "buy_limits.scrap_iron = 3; make it a table with keys"),
        ("[rules.buy_limits.scrap_iron]\nquantity = 1", "buy_limits.scrap_iron: 'window_s' is missing; add"),
        (
            "[rules.buy_limits.scrap_iron]\nquantity = 0\nwindow_s = 2",
            "buy_limits.scrap_iron: quantity = 0: expected `int` >= 1",
        ),
        ("[rules.buy_limits.'Iron!']\nquantity = 1\nwindow_s = 2", "buy_limits.Iron! = 'Iron!': expected 1–48 of"),
        (
            "[rules.buy_limits.scrap_irn]\nquantity = 1\nwindow_s = 2",
            "buy_limits names an unknown commodity 'scrap_irn'; did you mean 'scrap_iron'?",
        ),
        ("[rules.rates.serch]\nper_s = 1\nburst = 1", "unknown key 'rates.serch'; did you mean 'search'?"),
        ("[rules.rates.search]\nper_s = 1\nburts = 1", "rates.search: unknown key 'burts'; did you mean 'burst'?"),
    ],
)
def test_what_is_refused(catalog: Catalog, text: str, told: str) -> None:
    """Unknown keys, wrong types, values out of range and rules at odds with each other are refused with their mend."""
    assert told in refusal(catalog, text)


@given(
    fee_bp=st.integers(0, BASIS_POINTS),
    prices=st.tuples(st.integers(1, MAX_AMOUNT), st.integers(1, MAX_AMOUNT)).map(sorted),
    durations_s=st.lists(st.integers(2, 30 * DAY_S), min_size=1, max_size=32, unique=True),
)
def test_every_sound_overlay_is_taken(catalog: Catalog, fee_bp: int, prices: list[int], durations_s: list[int]) -> None:
    """Whatever keeps the documented bounds becomes the rules, to the number."""
    price_min, price_max = prices
    text = (
        f"[rules]\nfee_bp = {fee_bp}\nprice_min = {price_min}\nprice_max = {price_max}\ndurations_s = {durations_s}\n"
    )
    rules = overlay_rules(catalog, text).rules
    assert rules == Rules(fee_bp=fee_bp, price_min=price_min, price_max=price_max, durations_s=tuple(durations_s))
