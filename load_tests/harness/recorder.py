"""What comes of the requests of one generator: latencies as HDR histograms, outcomes by reason.

A latency counts from when the request was meant to start. In an open loop a request that has to wait, because the
player's last is still unanswered, waits in the measurement too; without that, a server that stalls would be asked less
just when it is slow, and the stall would be seen once instead of by everybody whom it held up ("coordinated omission":
Gil Tene, "How NOT to Measure Latency", 2013; the histogram is his HdrHistogram). The service time, from when the
request was really sent, is kept beside.
"""

from collections import Counter

import msgspec
from hdrh.histogram import HdrHistogram

from load_tests.results import Percentiles

LATENCY_MAX_US = 3_600_000_000
"""One hour; what takes longer is recorded as that."""
DIGITS = 3
SECOND_DIGITS = 2
"""Of a single second, to keep many of them."""
SECOND_MAX_US = 600_000_000
FAILED = frozenset(("no_answer", "not_sent"))
"""Outcomes without an answer."""


def latencies(encoded: str | None = None) -> HdrHistogram:
    """An empty histogram of microseconds, or one as `text_of` wrote it."""
    histogram = HdrHistogram(1, LATENCY_MAX_US, DIGITS)
    if encoded is not None:
        histogram.decode_and_add(encoded)
    return histogram


def second_of(encoded: str | None = None) -> HdrHistogram:
    """The same of a single second."""
    histogram = HdrHistogram(1, SECOND_MAX_US, SECOND_DIGITS)
    if encoded is not None:
        histogram.decode_and_add(encoded)
    return histogram


def text_of(histogram: HdrHistogram) -> str:
    """HDR's own compressed form, in base64."""
    encoded: bytes = histogram.encode()
    return encoded.decode()


def percentiles(histogram: HdrHistogram) -> Percentiles:
    """The shares that reports show."""
    if not histogram.get_total_count():
        return Percentiles()
    p50, p90, p99, p999 = (int(histogram.get_value_at_percentile(share)) for share in (50, 90, 99, 99.9))
    return Percentiles(p50, p90, p99, p999, int(histogram.get_max_value()))


def _record(histogram: HdrHistogram, latency_us: int) -> None:
    """One more; what is beyond the histogram counts as its largest."""
    if not histogram.record_value(latency_us):
        histogram.record_value(histogram.highest_trackable_value)


class ActCounts(msgspec.Struct, frozen=True):
    """One kind of act, from one generator. Histograms are HDR's text."""

    latency: str
    service: str
    outcomes: dict[str, int]
    """Of every attempt."""
    answers: int
    failures: int
    """Requests that ended otherwise than the game has it."""


class SecondCounts(msgspec.Struct, frozen=True):
    """One second, from one generator: answers that came in it."""

    latency: str
    answers: int
    failures: int


class _Act:
    __slots__ = ("answers", "at_once", "failures", "latency", "outcomes", "service")

    def __init__(self) -> None:
        self.latency = latencies()
        self.service = latencies()
        self.at_once = latencies()
        """Of requests that were sent when they were meant to: both in one."""
        self.outcomes: Counter[str] = Counter()
        self.answers = 0
        self.failures = 0

    def counts(self) -> ActCounts:
        self.latency.add(self.at_once)
        self.service.add(self.at_once)
        return ActCounts(text_of(self.latency), text_of(self.service), dict(self.outcomes), self.answers, self.failures)


class _Second:
    __slots__ = ("answers", "failures", "latency")

    def __init__(self) -> None:
        self.latency = second_of()
        self.answers = 0
        self.failures = 0


class Recorder:
    """Keeps what is measured between two instants (seconds of the monotonic clock), and nothing else.

    A request belongs to the measurement by when it was meant to start, and to a second by when its answer came.
    """

    def __init__(self, from_s: float, until_s: float) -> None:
        self._from_s = from_s
        self._until_s = until_s
        self._acts: dict[str, _Act] = {}
        self._seconds = [_Second() for _ in range(max(1, -int(-(until_s - from_s) // 1)))]
        self._late = latencies()

    def answered(
        self, act: str, meant_at_s: float, sent_at_s: float, now_s: float, outcome: str, *, expected: bool
    ) -> None:
        """A request is over: `outcome` is "ok" or a reason; `expected` of an answer that is part of the game."""
        if not self._from_s <= meant_at_s < self._until_s:
            return
        latency_us = int((now_s - meant_at_s) * 1e6)
        counts = self._act(act)
        if sent_at_s > meant_at_s:
            _record(counts.latency, latency_us)
            _record(counts.service, int((now_s - sent_at_s) * 1e6))
        else:
            _record(counts.at_once, latency_us)
        counts.outcomes[outcome] += 1
        answered = outcome not in FAILED
        counts.answers += answered
        counts.failures += not expected
        if now_s < self._until_s:
            second = self._seconds[int(now_s - self._from_s)]
            _record(second.latency, latency_us)
            second.answers += answered
            second.failures += not expected

    def repeated(self, act: str, meant_at_s: float, outcome: str) -> None:
        """An attempt came to nothing, and there will be another; the request goes on, and so does its latency."""
        if self._from_s <= meant_at_s < self._until_s:
            self._act(act).outcomes[outcome] += 1

    def late(self, meant_at_s: float, now_s: float) -> None:
        """A request was begun as soon as the generator came to it, and nothing else held it up."""
        if self._from_s <= meant_at_s < self._until_s:
            _record(self._late, int((now_s - meant_at_s) * 1e6))

    def acts(self) -> dict[str, ActCounts]:
        """By kind; to be asked for once, when all is over."""
        return {name: act.counts() for name, act in self._acts.items()}

    def seconds(self) -> list[SecondCounts]:
        """One after the other; the last may be shorter."""
        return [SecondCounts(text_of(each.latency), each.answers, each.failures) for each in self._seconds]

    def late_text(self) -> str:
        """How late the generator itself was."""
        return text_of(self._late)

    def _act(self, name: str) -> _Act:
        act = self._acts.get(name)
        if act is None:
            act = self._acts[name] = _Act()
        return act
