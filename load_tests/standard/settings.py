"""What the supervisor tells a worker, as JSON on its command line."""

from pathlib import Path
from typing import Literal

import msgspec

RulesIn = Literal["database", "workers"]
"""Where bids and buyouts are decided."""


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's place among the others."""

    name: str
    data: Path
    """Where the catalog's file is."""
    rules: Path | None
    token_keys: list[Path]
    postgres: Path
    """Directory of PostgreSQL's socket."""
    redis: Path
    """Redis' socket."""
    connections: int
    """To PostgreSQL."""
    socket: Path | None
    """Where to listen for nginx; without one on `port`."""
    port: int
    rules_in: RulesIn
    sweeps: bool
    """Whether this worker ends listings that are due."""

    def encoded(self) -> str:
        """As one word of a command line."""
        return msgspec.json.encode(self, enc_hook=str).decode()


def decoded(text: str) -> WorkerSettings:
    """Settings from a command line."""
    return msgspec.json.decode(text, type=WorkerSettings, dec_hook=lambda kind, value: kind(value))
