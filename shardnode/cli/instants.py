"""Instants on the command line: as people write them, and as they read them. All in UTC."""

from datetime import UTC, datetime

import click

DATE_DIGITS = 8
"""A date may be written so, without hyphens; more digits are milliseconds."""


def read_instant(_context: click.Context | None, _param: click.Parameter | None, text: str) -> int:
    """A date, a date and time, or milliseconds since the epoch, in milliseconds; a callback for click."""
    if text.isdecimal() and len(text) != DATE_DIGITS:
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no instant; write one like 2026-03-01 or 2026-03-01T12:00") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def in_words(at_ms: int) -> str:
    """An instant for a person."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
