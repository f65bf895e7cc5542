"""The report of one run: a page for somebody who was not there."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from load_tests.report import charts, node_metrics, words
from load_tests.report.chart import Chart, show
from load_tests.report.document import bullets, element, figures, save, section, table
from load_tests.report.quantities import NOTHING, digits, duration, megabytes, share
from load_tests.results import Percentiles, RunResult

LATENCY_HEAD = ("half", "90%", "99%", "99.9%", "slowest")
REASONS_IN_CELL = 4


def write_report(result: RunResult, path: Path) -> None:
    """Write the report of a run as one HTML file that needs no other. Raises ResultsFault where it cannot be read."""
    told = words.verdict(result)
    save(
        path,
        f"{told.heading}: {result.scenario}, {words.target(result)}",
        _head(result),
        verdict(told, words.lost(result.checks)),
        figures(_key_figures(result)),
        _latency(result),
        _work(result),
        _answers(result),
        *_node(result),
        _generator(result),
        _facts(result),
    )


def verdict(told: words.Verdict, lost: Iterable[str]) -> Element:
    """The first thing that is read."""
    panel = element("section", element("h2", told.heading), class_=f"verdict {told.mood}")
    panel.extend(element("p", sentence) for sentence in told.sentences)
    named = bullets(lost)
    if len(named):
        panel.append(element("details", element("summary", "What was lost"), named, open=""))
    return panel


def plots(shown: Iterable[Chart]) -> Element:
    """Plots beside each other where there is room."""
    return element("div", *(show(chart) for chart in shown), class_="plots")


def _head(result: RunResult) -> Element:
    return element(
        "header",
        element("p", "Load test", class_="eyebrow"),
        element("h1", result.scenario),
        element("p", result.about),
        element("p", words.what_was_run(result), class_="muted"),
    )


def _key_figures(result: RunResult) -> Iterator[tuple[str, str, str]]:
    offered = "" if result.offered_per_s is None else f"of {digits(result.offered_per_s)} offered"
    yield "answers a second", digits(result.per_s), offered or f"{result.answers:,} in all"
    yield "latency, half", duration(result.latency_us.p50), "of the answers took no longer"
    yield "latency, 99%", duration(result.latency_us.p99), "one in a hundred took longer"
    yield "latency, 99.9%", duration(result.latency_us.p999), f"slowest {duration(result.latency_us.max)}"
    yield "failed", share(result.failures, result.requests), f"{result.failures:,} of {result.requests:,} requests"
    if result.servers:
        yield "server CPU an answer", duration(result.cpu_us_per_answer), "all server processes"
        sizes = (sum(each) for each in zip(*(process.rss_bytes for process in result.servers), strict=False))
        yield "server memory", megabytes(max(sizes, default=0)), "at its peak, all processes"


def _latency(result: RunResult) -> Element:
    drawn = (
        charts.throughput(result),
        charts.latency_over_time(result),
        charts.latency_by_percentile(result),
    )
    return section("Throughput and latency", plots(drawn))


def _work(result: RunResult) -> Element:
    own = [charts.generators(result)] if result.generators else []
    seen = [charts.cpu(result), charts.memory(result), *own]
    if result.servers:
        return section("CPU and memory", plots([charts.cpu_per_answer(result), *seen]))
    return section("CPU and memory", element("p", "The server's processes were not ours to see."), plots(seen))


def _answers(result: RunResult) -> Element:
    acts = table(
        "By what players did; latencies as shares of the answers that took no longer",
        ("act", "answers", *LATENCY_HEAD, "other outcomes than ok"),
        (
            (name, f"{act.answers:,}", *_percentiles(act.latency_us), _outcomes(act.outcomes))
            for name, act in result.acts.items()
        ),
    )
    if not result.errors:
        return section("What was answered", acts, element("p", "No request was refused, failed or left unanswered."))
    most = max(result.errors.values())
    reasons = table(
        "Requests that did not end with ok, by reason; a refusal by the rules is an answer like others, and no failure",
        ("reason", "requests", "of all", ""),
        (
            (reason, f"{count:,}", share(count, result.requests), _bar(count / most))
            for reason, count in sorted(result.errors.items(), key=lambda item: -item[1])
        ),
    )
    return section("What was answered", acts, reasons)


def _percentiles(latency_us: Percentiles) -> Iterator[str]:
    for name in latency_us.__struct_fields__:
        value: int = getattr(latency_us, name)
        yield duration(value) if value else NOTHING


def _outcomes(outcomes: dict[str, int]) -> Element:
    others = sorted(
        ((reason, count) for reason, count in outcomes.items() if reason != "ok"), key=lambda item: -item[1]
    )
    named = [f"{reason} {count:,}" for reason, count in others[:REASONS_IN_CELL]]
    rest = sum(count for _, count in others[REASONS_IN_CELL:])
    return element("span", ", ".join([*named, *([f"others {rest:,}"] if rest else [])]) or NOTHING, class_="words")


def _bar(part: float) -> Element:
    return element("span", element("span", style=f"width: {100 * part:.1f}%"), class_="bar")


def _node(result: RunResult) -> Iterator[Element]:
    time = charts.timeline(result)
    drawn = node_metrics.charts(result.metrics, time.at_s)
    if drawn:
        yield section("Inside the nodes", plots(drawn))


def _generator(result: RunResult) -> Element:
    said = element("p", words.lag(result))
    if not result.late_us.max:
        return section("The load generator", said)
    lag = table(
        "How long after its time the generator began a request though it could have",
        ("", *LATENCY_HEAD),
        (
            ("the generator's own lag", *_percentiles(result.late_us)),
            ("latency, for comparison", *_percentiles(result.latency_us)),
        ),
    )
    return section("The load generator", said, lag)


def _facts(result: RunResult) -> Element:
    where = result.machine
    rows: tuple[tuple[str, str | Element], ...] = (
        ("scenario", result.scenario),
        ("again", element("code", words.command(result))),
        ("target", words.target(result)),
        ("load", words.load(result)),
        ("seed", str(result.seed)),
        ("commit", result.commit or "not known"),
        ("started", words.started(result)),
        ("measured", f"{digits(result.seconds)} s"),
        ("machine", words.machine(where)),
        ("system", where.system),
        ("Python", where.python),
        (
            "fsync beside the data",
            "the server is elsewhere" if where.fsync_ms is None else f"{digits(where.fsync_ms)} ms",
        ),
    )
    facts = table("What one needs to run it again", ("", ""), rows)
    facts.set("class", "wide facts")
    return section("The run", facts)
