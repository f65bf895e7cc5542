"""Dialling one node, again and again, until there is a link and whenever it is gone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.base import DelayedCall
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure

from shardnode.cluster.file import ClusterFault
from shardnode.cluster.map import NodeEntry

DIAL_S = 2.0
"""How long a TCP connection may take."""
BACK_OFF_MIN_S = 0.1
BACK_OFF_MAX_S = 2.0
"""The wait before the next attempt doubles from the least to the most; each is cut short by up to half, by chance."""

Connect = Callable[[NodeEntry, Any], "Deferred[Any]"]
"""Opens a TCP connection to a node, with TLS where the cluster has it, for a protocol factory."""


def connector(reactor: Any, tls_ca: Path | None) -> Connect:
    """Connect by the reactor; with a CA, to nodes alone whose certificate it signed for their host. ClusterFault."""
    trust = None if tls_ca is None else _trust(tls_ca)

    def connect(node: NodeEntry, factory: Any) -> "Deferred[Any]":
        endpoint: Any = HostnameEndpoint(reactor, node.host, node.port, timeout=DIAL_S)
        if trust is not None:
            endpoint = wrapClientTLS(optionsForClientTLS(node.host, trust), endpoint)
        return endpoint.connect(factory)  # type: ignore[no-any-return]  # Twisted's endpoints are untyped here

    return connect


class Dialler:
    """Dials by `attempt`, which fires when there is a TCP connection; tell it what became of that."""

    def __init__(
        self,
        reactor: Any,
        attempt: Callable[[], "Deferred[Any]"],
        unreachable: Callable[[str], None],
        jitter: Callable[[], float],
    ) -> None:
        self._reactor = reactor
        self._attempt = attempt
        self._unreachable = unreachable
        self._jitter = jitter
        self._pending: Deferred[Any] | None = None
        self._again: DelayedCall | None = None
        self._wait_s = BACK_OFF_MIN_S
        self._linked_at_s: float | None = None
        self._stopped = False

    def dial(self) -> None:
        """Try now."""
        self._again = None
        self._pending = pending = self._attempt()
        pending.addCallbacks(self._connected, self._failed)

    def linked(self) -> None:
        """There is a link."""
        self._linked_at_s = self._reactor.seconds()

    def lost(self) -> None:
        """The connection is gone, whatever had become of it: try again soon, the sooner the longer it was of use."""
        if self._stopped or self._again is not None or self._pending is not None:
            return
        if self._linked_at_s is not None and self._reactor.seconds() - self._linked_at_s >= BACK_OFF_MAX_S:
            self._wait_s = BACK_OFF_MIN_S
        self._linked_at_s = None
        self._again = self._reactor.callLater(self._wait_s * (1 - self._jitter() / 2), self.dial)
        self._wait_s = min(2 * self._wait_s, BACK_OFF_MAX_S)

    def hurry(self) -> None:
        """The node's address has changed: what was learnt of the old one does not count."""
        self._wait_s = BACK_OFF_MIN_S
        if self._again is not None:
            self._again.cancel()
            self.dial()

    def stop(self) -> None:
        """Dial no more."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._pending is not None:
            self._pending.cancel()

    def _connected(self, _socket: object) -> None:
        self._pending = None

    def _failed(self, failure: Failure) -> None:
        self._pending = None
        if not failure.check(CancelledError):
            self._unreachable(failure.getErrorMessage())
        self.lost()


def _trust(tls_ca: Path) -> Any:
    try:
        certificates = x509.load_pem_x509_certificates(tls_ca.read_bytes())
    except (OSError, ValueError) as error:
        raise ClusterFault(f"{tls_ca}: holds no certificates in PEM form ({error}); give the cluster's CA") from error
    return trustRootFromCertificates([Certificate.loadPEM(each.public_bytes(Encoding.PEM)) for each in certificates])
