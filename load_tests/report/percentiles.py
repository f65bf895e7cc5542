"""Latency by percentile, out of a run's histogram, in the form that Gil Tene's HdrHistogram plots have."""

import zlib
from collections.abc import Sequence

import msgspec
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from load_tests.results import ResultsFault

POINTS_PER_DECADE = 60
"""Enough for a smooth line; each further decade of the horizontal axis is one more nine."""


class Curve(msgspec.Struct, frozen=True):
    """The latency that a share p of the answers did not exceed, for ever greater p."""

    rarity: Sequence[float]
    """1 ÷ (1 − p): 2 for the median, 100 for the 99th percentile."""
    latency_ms: Sequence[float]


def curve(histogram: str) -> Curve:
    """The curve of a kept histogram, up to its slowest answer; empty where it has none. Raises ResultsFault."""
    try:
        counted = HdrHistogram.decode(histogram)
    except (TypeError, ValueError, zlib.error, HdrCookieException, HdrLengthException) as error:
        raise ResultsFault(f"the record's histogram cannot be read ({error!r}): run the scenario again") from error
    answers = counted.get_total_count()
    if not answers:
        return Curve([], [])
    slowest = 2 * answers
    steps = len(str(slowest)) * POINTS_PER_DECADE
    percent_by_rarity = {slowest ** (step / steps): 100 - 100 / slowest ** (step / steps) for step in range(steps + 1)}
    latency_us = counted.get_percentile_to_value_dict(percent_by_rarity.values())
    return Curve(list(percent_by_rarity), [latency_us[percent] / 1000 for percent in percent_by_rarity.values()])
