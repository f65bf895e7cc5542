"""docs/agreement-states.md is what the tables say. `REWRITE=1` writes it anew, as it does the transcripts."""

import os
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from shardnode.agreement.tables import (
    LEG,
    RECOVERY,
    REGISTER,
    TRADE,
    LegInput,
    LegState,
    RecoveryInput,
    RecoveryState,
    RegisterInput,
    RegisterState,
    TradeInput,
    TradeState,
)
from tests.project.repository import ROOT

PAGE = ROOT / "docs" / "agreement-states.md"
HEAD = """# The agreement's machines

Drawn from `shardnode/agreement/tables.py`; [agreement.md](agreement.md) tells what they are for. An input for which a
state has no arrow cannot happen there, and stops the node.
"""


def test_the_page_draws_the_tables() -> None:
    """docs/agreement-states.md has every state, input and arrow of the tables, and nothing else."""
    drawn = "\n".join(
        [
            HEAD,
            *_machine("A trade at its coordinator", TRADE, TradeState, TradeInput),
            *_machine("A store in a trade", LEG, LegState, LegInput),
            *_machine("A trade at an acceptor", REGISTER, RegisterState, RegisterInput),
            *_machine("A trade at a recoverer", RECOVERY, RecoveryState, RecoveryInput),
        ]
    )
    if os.environ.get("REWRITE"):
        PAGE.write_text(drawn, "utf-8")
    assert PAGE.read_text("utf-8") == drawn


def _machine(title: str, table: Mapping[Any, Any], states: type[Enum], inputs: type[Enum]) -> Iterator[str]:
    """The first state is where a machine begins, the last where it ends."""
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    for (state, event), after in table.items():
        arrows.setdefault((state, after), []).append(event.name)
    yield from (f"## {title}", "```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(states)).name}")
    yield from (f"    {state.name} --> {after.name}: {', '.join(names)}" for (state, after), names in arrows.items())
    yield from (f"    {list(states)[-1].name} --> [*]", "```", "| state or input | |", "|---|---|")
    yield from (f"| **{state.name}** | {state.value} |" for state in states)
    yield from (f"| {event.name} | {event.value} |" for event in inputs)
    yield ""
