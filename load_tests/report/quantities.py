"""How numbers are written for people: three digits that count, and the unit behind them."""

from math import floor, isfinite, log10

NOTHING = "–"


def digits(value: float) -> str:
    """Three significant digits, never with an exponent; whole numbers of more digits are written in full."""
    if not isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    behind_the_point = max(0, 2 - floor(log10(abs(value))))
    return f"{value:,.{behind_the_point}f}"


def duration(microseconds: float) -> str:
    """In the unit that leaves the fewest zeros."""
    if microseconds < 1_000:
        return f"{digits(microseconds)} µs"
    if microseconds < 1_000_000:
        return f"{digits(microseconds / 1_000)} ms"
    return f"{digits(microseconds / 1_000_000)} s"


def megabytes(size_bytes: float) -> str:
    """Millions of bytes."""
    return f"{digits(size_bytes / 1e6)} MB"


def share(part: float, whole: float) -> str:
    """A part in percent; of nothing there is none."""
    return f"{digits(100 * part / whole)}%" if whole else NOTHING


def counted(count: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else many}"
