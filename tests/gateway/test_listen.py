"""Listening: with and without TLS, and what is said when it cannot be done."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.testing import MemoryReactorClock, RaisingMemoryReactor
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.test.iosim import FakeTransport, IOPump, connect

from shardnode.gateway.listen import BACKLOG, ListenFault, ListenOptions, Tls, listen
from tests.gateway.rig import House, frame


def outcome(listening: "Deferred[Any]") -> Any:
    """What a Deferred that has fired gave; its failure is raised."""
    results: list[Any] = []
    listening.addCallbacks(results.append, results.append)
    (result,) = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    return result


def write_pair(directory: Path) -> Tls:
    """A certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    tls = Tls(directory / "cert.pem", directory / "key.pem")
    tls.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    tls.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return tls


@pytest.mark.parametrize(("host", "interface"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "0.0.0.0")])
def test_the_node_listens_where_it_is_told(host: str, interface: str) -> None:
    """Host and port are the operator's, for both families of addresses."""
    reactor, site = MemoryReactorClock(), House().gateway().site
    outcome(listen(reactor, site, ListenOptions(host=host, port=7_780)))
    assert reactor.tcpServers == [(7_780, site, BACKLOG, interface)]


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    """The fault names host and port."""
    error = CannotListenError("127.0.0.1", 7_780, OSError(98, "Address already in use"))
    reactor = RaisingMemoryReactor(listenException=error)
    with pytest.raises(ListenFault, match=r"127\.0\.0\.1 port 7780: .*already in use; choose another"):
        outcome(listen(reactor, House().gateway().site, ListenOptions(host="127.0.0.1", port=7_780)))


class Browser(Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        """Something was heard."""
        self.received += data


class TlsConnection:
    """A browser that is connected by TLS, in memory, to what a node listens with."""

    def __init__(self, reactor: MemoryReactorClock, tls: Tls, house: House) -> None:
        ((_, server_factory, _, _),) = reactor.tcpServers
        trusted = trustRootFromCertificates([Certificate.loadPEM(tls.certificate.read_bytes())])
        browser_factory = Factory.forProtocol(Browser)
        context = optionsForClientTLS("localhost", trustRoot=trusted)
        client = TLSMemoryBIOFactory(context, True, browser_factory, reactor).buildProtocol(None)
        server = server_factory.buildProtocol(None)
        self._clocks = (reactor, house.clock)
        self._pump: IOPump = connect(
            server, FakeTransport(server, isServer=True), client, FakeTransport(client, isServer=False)
        )
        self.browser: Any = client.wrappedProtocol

    def ask(self, request: bytes) -> bytes:
        """What the node answers."""
        self.browser.received = b""
        self.browser.transport.write(request)
        self.flush()
        return bytes(self.browser.received)

    def flush(self) -> None:
        """Let everything arrive."""
        for _ in range(10):
            for clock in self._clocks:
                clock.advance(0)
            self._pump.flush()


def test_tls_serves_pages_and_websockets(tmp_path: Path) -> None:
    """With certificate and key everything on the port is TLS, and a client that trusts the certificate is served."""
    tls = write_pair(tmp_path)
    reactor, house = MemoryReactorClock(), House()
    outcome(listen(reactor, house.gateway().site, ListenOptions(host="127.0.0.1", port=7_780, tls=tls)))
    connection = TlsConnection(reactor, tls, house)
    assert connection.ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"alive\n")
    connection = TlsConnection(reactor, tls, house)
    hello = connection.ask(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert hello.startswith(b"HTTP/1.1 101 ")
    assert b'"method":"hello"' in hello
    answer = connection.ask(frame(1, b'{"jsonrpc":"2.0","id":1,"method":"player.get"}'))
    assert b'"unauthenticated"' in answer
    connection.browser.transport.loseConnection()
    connection.flush()
    assert house.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        ("nowhere.pem", "key.pem", "cannot read .*nowhere.pem"),
        ("cert.pem", "nowhere.pem", "cannot read .*nowhere.pem"),
        ("key.pem", "key.pem", "are no certificate and its unencrypted private key"),
        ("cert.pem", "cert.pem", "are no certificate and its unencrypted private key"),
        ("cert.pem", "other/key.pem", "are no certificate and its unencrypted private key"),
    ],
)
def test_files_that_are_no_pair_are_told_by_name(tmp_path: Path, certificate: str, key: str, why: str) -> None:
    """A missing file, one of the wrong kind, and a key of another certificate: each refuses the start."""
    (tmp_path / "other").mkdir()
    write_pair(tmp_path)
    write_pair(tmp_path / "other")
    tls = Tls(tmp_path / certificate, tmp_path / key)
    with pytest.raises(ListenFault, match=why):
        outcome(listen(MemoryReactorClock(), House().gateway().site, ListenOptions(host="::1", port=0, tls=tls)))
