"""What an operator asks of a running node, as Prometheus metrics.

The hot path only adds to plain integers; the families are made when somebody scrapes. Gauges are read at that moment
from functions that the parts of the node hand in, so no part has to remember to report.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from shardnode.ops.compiled import is_compiled

SECONDS_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
RECORDS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


class Histogram:
    """Counts by bucket; `bounds` are inclusive upper bounds, and one more bucket takes what is beyond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Prometheus' form: counts of values up to each bound, the last bound being infinite."""
        below = 0
        buckets = []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
        return buckets


class Metrics:
    """All counters of one node. Method names are known ones or "unknown", so labels are bounded."""

    def __init__(self, node: str, world: str) -> None:
        self._node = node
        self._world = world
        self._requests: dict[tuple[str, str], Histogram] = {}
        self._batch_records = Histogram(RECORDS_BUCKETS)
        self._batch_seconds = Histogram(SECONDS_BUCKETS)
        self._gate_seconds = Histogram(SECONDS_BUCKETS)
        self._replay_seconds = Histogram(SECONDS_BUCKETS)
        self._checkpoint_seconds = Histogram(SECONDS_BUCKETS)
        self._replayed_records = 0
        self._checkpointed_stores = 0
        self._timers_fired = 0
        self._trades: dict[tuple[str, str, str], int] = {}
        self._peer_frames = 0
        self._peer_messages = 0
        self._limits: dict[str, int] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._labelled: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def request_done(self, method: str, outcome: str, seconds: float) -> None:
        """A request was answered: "ok", a refusal's or fault's reason."""
        histogram = self._requests.get((method, outcome))
        if histogram is None:
            histogram = self._requests[method, outcome] = Histogram(SECONDS_BUCKETS)
        histogram.observe(seconds)

    def batch_committed(self, records: int, seconds: float) -> None:
        """The journal made a batch durable; seconds from hand-over to the reactor hearing of it."""
        self._batch_records.observe(records)
        self._batch_seconds.observe(seconds)

    def gate_waited(self, seconds: float) -> None:
        """An answer waited this long for what it depends on."""
        self._gate_seconds.observe(seconds)

    def store_woken(self, replayed: int, seconds: float) -> None:
        """A store was loaded, and this many records replayed into it."""
        self._replayed_records += replayed
        self._replay_seconds.observe(seconds)

    def checkpointed(self, stores: int, seconds: float) -> None:
        """Stores were written to their files."""
        self._checkpointed_stores += stores
        self._checkpoint_seconds.observe(seconds)

    def timer_fired(self) -> None:
        """A listing was ended by its timer."""
        self._timers_fired += 1

    def trade_done(self, kind: str, scope: str, outcome: str) -> None:
        """A trade of a player here, of a kind in `auction.state.TradeKind`, or an "order" for pieces: "within" the
        node, or "across" nodes; it was "committed", "aborted", told "in_doubt", or "resolved", decided after that.
        """
        self._trades[kind, scope, outcome] = self._trades.get((kind, scope, outcome), 0) + 1

    def frame_sent(self, messages: int) -> None:
        """One turn's messages left for another node."""
        self._peer_frames += 1
        self._peer_messages += messages

    def limit_hit(self, name: str) -> None:
        """A bound of the node was met; `name` is the bound's option."""
        self._limits[name] = self._limits.get(name, 0) + 1

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show `auction_<name>` as whatever `value` says at each scrape."""
        assert name not in self._gauges, name
        self._gauges[name] = (text, value)

    def gauges(self, name: str, text: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        """Show `auction_<name>` for whatever values of a label, bounded by who hands them in, there are at a scrape."""
        assert name not in self._labelled, name
        self._labelled[name] = (text, label, values)

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' collector protocol."""
        info = InfoMetricFamily("auction_node", "Which node this is, which world it serves, and whether it is compiled")
        compiled = "yes" if is_compiled() else "no"
        info.add_metric([], {"node": self._node, "world": self._world, "compiled": compiled})
        yield info
        requests = HistogramMetricFamily(
            "auction_request_seconds", "Requests by method and outcome, receipt to answer", labels=["method", "outcome"]
        )
        for (method, outcome), histogram in self._requests.items():
            requests.add_metric([method, outcome], histogram.cumulative(), histogram.total)
        yield requests
        yield from self._histograms(
            ("auction_journal_batch_records", "Records in a journal batch", self._batch_records),
            ("auction_journal_commit_seconds", "Journal commits, the fsync included", self._batch_seconds),
            ("auction_gate_wait_seconds", "How long answers waited to be durable", self._gate_seconds),
            ("auction_store_wake_seconds", "Loading a store and replaying what its file lacks", self._replay_seconds),
            ("auction_checkpoint_seconds", "Writing dirty stores to their files, a pass", self._checkpoint_seconds),
        )
        for name, text, count in (
            ("auction_replayed_records", "Records replayed into woken stores", self._replayed_records),
            ("auction_checkpointed_stores", "Stores written to their files", self._checkpointed_stores),
            ("auction_timers_fired", "Listings ended by their timers", self._timers_fired),
            ("auction_peer_frames", "Frames sent to other nodes, heartbeats aside", self._peer_frames),
            ("auction_peer_messages", "Messages in these frames", self._peer_messages),
        ):
            yield CounterMetricFamily(name, text, value=count)
        trades = CounterMetricFamily(
            "auction_trades", "Trades of players here, within the node or across", labels=["kind", "scope", "outcome"]
        )
        for labels, count in self._trades.items():
            trades.add_metric(labels, count)
        yield trades
        limits = CounterMetricFamily("auction_limit_hits", "How often a bound of the node was met", labels=["limit"])
        for name, count in self._limits.items():
            limits.add_metric([name], count)
        yield limits
        for name, (text, value) in self._gauges.items():
            yield GaugeMetricFamily(f"auction_{name}", text, value=value())
        for name, (text, label, values) in self._labelled.items():
            family = GaugeMetricFamily(f"auction_{name}", text, labels=[label])
            for labelled, number in values().items():
                family.add_metric([labelled], number)
            yield family

    @staticmethod
    def _histograms(*rows: tuple[str, str, Histogram]) -> Iterable[Metric]:
        for name, text, histogram in rows:
            yield HistogramMetricFamily(name, text, buckets=histogram.cumulative(), sum_value=histogram.total)
