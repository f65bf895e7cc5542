"""The pages beside the WebSocket, on the same port; all of it over TLS where a certificate is given."""

import json
import ssl
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.client import Encoding
from tests.conformance.contract import RESULTS
from tests.conformance.house import House, Issuer, running
from tests.conformance.pages import get, self_signed
from tests.conformance.websocket import Closed, WebSocket


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_serving_node_is_alive_and_ready(url: str, path: str) -> None:
    """Both pages are 200."""
    assert get(url, path)[0] == 200


def test_metrics_are_prometheus_text(url: str, house: House) -> None:
    """They parse, and a request that was made is counted in them."""
    house.newcomer().call("player.get")
    status, content_type, body = get(url, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    families = list(text_string_to_metric_families(body.decode()))
    samples = [sample for family in families for sample in family.samples]
    assert any("player.get" in sample.labels.values() and sample.value >= 1 for sample in samples)


def test_the_openrpc_document_describes_what_is_served(url: str) -> None:
    """It is JSON, and has each method by name with its params and result."""
    status, content_type, body = get(url, "/openrpc.json")
    assert status == 200
    assert content_type.startswith("application/json")
    document = json.loads(body)
    assert document["openrpc"].startswith("1.")
    methods = {method["name"]: method for method in document["methods"]}
    assert methods.keys() == RESULTS.keys()
    assert all({"name", "params", "result"} <= method.keys() for method in methods.values())


def test_a_page_that_is_not_there_is_404(url: str) -> None:
    """So a typing error is told from a node that is down."""
    assert get(url, "/nothing-here")[0] == 404


def test_a_node_with_a_certificate_speaks_tls(tmp_path: Path, issuer: Issuer, encoding: Encoding) -> None:
    """Sockets are `wss`, pages `https`, and both show the operator's certificate."""
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(cafile=certificate)
    options = ("--tls-cert", certificate, "--tls-key", key, "--token-key", issuer.public_file)
    with running(tmp_path, *options) as (url, _), House(url, issuer, encoding) as house:
        assert url.startswith("wss://")
        player = house.visitor(tls=tls)
        player.call("session.login", token=issuer.token("alice"))
        assert player.call("player.get")["player"] == "alice"
        big = player.call("world.bases", limit=100)
        assert len(big["bases"]) == 100
        assert get(url, "/readyz", tls)[0] == 200
        with pytest.raises((Closed, ConnectionError)), WebSocket(url):
            pass
