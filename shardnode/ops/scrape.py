"""What a node counts, read from its page for Prometheus by somebody beside it."""

from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

TIMEOUT_S = 5.0


class NodeSilent(Exception):
    """The node does not show its metrics; the text says why."""


class Samples:
    """What one node counted, or several together."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._samples = tuple(samples)

    def __add__(self, other: "Samples") -> "Samples":
        return Samples((*self._samples, *other._samples))

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name that have these labels."""
        return sum(each.value for each in self._samples if each.name == name and labels.items() <= each.labels.items())


def scrape(url: str) -> Samples:
    """All samples of the node that serves players at `url`, without TLS. Raises NodeSilent."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, HTTPException) as error:
        raise NodeSilent(f"{url} does not show its metrics: {error}; is a node running there?") from error
    finally:
        connection.close()
    return Samples(sample for family in text_string_to_metric_families(text) for sample in family.samples)
