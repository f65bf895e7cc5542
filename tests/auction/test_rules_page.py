"""docs/rules.md says what the rules do."""

import re
from pathlib import Path
from typing import get_args

from auction.commands import Command
from auction.refusals import REASONS
from auction.state import (
    CLOSED_LISTINGS_KEPT,
    KEYS_KEPT_S,
    KEYS_MAX,
    LEDGER_KEPT,
    LOST_BIDS_KEPT,
    NOTICES_KEPT,
    UNTOLD_KEYS_KEPT,
)
from worlddata.types import Rules

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)`[^|]*\| (.*) \|$", PAGE, flags=re.MULTILINE))


def test_every_rule_stands_there_with_its_default() -> None:
    """The table of figures is that of the code."""
    for rule in Rules.__struct_fields__:
        default = getattr(Rules(), rule)
        told = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        assert ROWS[rule].split(" | ")[0] == told, rule


def test_every_command_and_refusal_stands_there() -> None:
    """Each command has its row, and each reason is named; the search's own cursor alone expires."""
    assert {command.__name__ for command in get_args(Command)} <= set(ROWS)
    assert {reason for reason in REASONS if f"`{reason}`" not in PAGE} == {"cursor_expired"}


def test_what_a_store_keeps_stands_there() -> None:
    """The numbers kept are those of the code."""
    for number in (NOTICES_KEPT, LEDGER_KEPT, CLOSED_LISTINGS_KEPT, LOST_BIDS_KEPT, KEYS_MAX, UNTOLD_KEYS_KEPT):
        assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", PAGE), number
    assert KEYS_KEPT_S == 24 * 3_600
