"""The pages beside the WebSocket, on the same port; all of it over TLS where a certificate is given."""

import datetime
import http.client
import ipaddress
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.client import Encoding
from tests.conformance.contract import RESULTS
from tests.conformance.house import House, Issuer, running
from tests.conformance.websocket import Closed, WebSocket


def get(url: str, path: str, tls: ssl.SSLContext | None = None) -> tuple[int, str, bytes]:
    """Status, content type and body of a page of the node at a WebSocket's URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    if tls is None:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    else:
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=10, context=tls)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers["content-type"], response.read()
    finally:
        connection.close()


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    directory = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the house of these tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, key_file


def test_a_node_with_a_certificate_speaks_tls(
    certificate: tuple[Path, Path], tmp_path: Path, issuer: Issuer, encoding: Encoding
) -> None:
    """Sockets are `wss`, pages `https`, and both show the operator's certificate."""
    tls = ssl.create_default_context(cafile=certificate[0])
    options = ("--tls-cert", certificate[0], "--tls-key", certificate[1], "--token-key", issuer.public_file)
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
