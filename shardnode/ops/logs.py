"""Structured logs: one JSON line an event, or coloured lines on a terminal, both on standard error.

The parts of the node log through `twisted.logger.Logger` with the event's name as the format and its figures as
keywords: `log.info("listening", url=url)`. The libraries' own messages come through the same observers.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    globalLogBeginner,
)
from zope.interface import implementer

LogFormat = Literal["auto", "json", "pretty"]
OUR_PARTS = ("shardnode", "clients")
"""Whose level is an option; of the libraries warnings and worse are heard."""
_COLOURS = {"debug": "2", "info": "32", "warn": "33", "error": "31", "critical": "1;31"}


def _fields(event: LogEvent) -> dict[str, Any]:
    return {name: value for name, value in event.items() if not name.startswith("log_") and _plain(value)}


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | tuple | dict)


def _text(event: LogEvent) -> str:
    return eventAsText(event, includeTraceback=True, includeTimestamp=False, includeSystem=False)


@implementer(ILogObserver)
class JsonObserver:
    """One JSON object a line: `at`, `level`, `part`, `event`, then the event's own figures."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        line = {
            "at": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
            "level": event["log_level"].name,
            "part": event.get("log_namespace", ""),
            "event": _text(event),
            **{name: value for name, value in _fields(event).items() if name not in {"at", "level", "part", "event"}},
        }
        self._stream.write(json.dumps(line, default=str) + "\n")
        self._stream.flush()


@implementer(ILogObserver)
class PrettyObserver:
    """One readable line an event, for a person."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: LogEvent) -> None:
        """Write one event."""
        at = datetime.fromtimestamp(event["log_time"]).strftime("%H:%M:%S.%f")[:-3]
        level = event["log_level"].name
        figures = " ".join(f"{name}={value}" for name, value in _fields(event).items())
        colour = _COLOURS[level]
        self._stream.write(f"{at} \x1b[{colour}m{level:<8}\x1b[0m {_text(event)} {figures}\n")
        self._stream.flush()


def start_logging(form: LogFormat, level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything that is logged from here on to a stream; `auto` is pretty on a terminal, JSON elsewhere."""
    pretty = form == "pretty" or (form == "auto" and stream.isatty())
    observer: Any = PrettyObserver(stream) if pretty else JsonObserver(stream)
    wanted: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    for part in OUR_PARTS:
        wanted.setLogLevelForNamespace(part, LogLevel.levelWithName(level))
    wanted.setLogLevelForNamespace("shardnode.gateway.site", LogLevel.warn)  # Twisted's own notes on our site
    wanted.setLogLevelForNamespace("autobahn", LogLevel.error)  # what clients do wrong is answered and counted
    filtering: Any = FilteringLogObserver(observer, [wanted])
    globalLogBeginner.beginLoggingTo([filtering], redirectStandardIO=False)
