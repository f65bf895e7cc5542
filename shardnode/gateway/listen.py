"""Listening: one TCP port, with TLS when a certificate is given."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL.SSL import Error as SSLError
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory

BACKLOG = 1_024
"""Connections that wait to be accepted while the node is busy."""


class ListenFault(Exception):
    """The node cannot listen as it was told; the text says why and what to do."""


class Tls(msgspec.Struct, frozen=True):
    """Files in PEM form: the certificate, followed by its issuers' if clients need them, and its private key."""

    certificate: Path
    key: Path


class ListenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen. Port 0 lets the system choose one."""

    host: str
    port: int
    tls: Tls | None = None


@inlineCallbacks
def listen(
    reactor: Any, site: Any, options: ListenOptions
) -> Generator["Deferred[IListeningPort]", IListeningPort, IListeningPort]:
    """Serve a protocol factory: a gateway's `site`. Fails with ListenFault."""
    factory = site
    if options.tls is not None:
        factory = TLSMemoryBIOFactory(_certificate_options(options.tls), False, site, reactor)
    endpoint_class = TCP6ServerEndpoint if ":" in options.host else TCP4ServerEndpoint
    endpoint = endpoint_class(reactor, options.port, backlog=BACKLOG, interface=options.host)
    try:
        return (yield endpoint.listen(factory))
    except CannotListenError as error:
        raise ListenFault(
            f"cannot listen on {options.host} port {options.port}: {error.socketError}; "
            "choose another with --host and --port"
        ) from error


def _certificate_options(tls: Tls) -> Any:  # CertificateOptions, which mypy does not know for a context factory
    try:
        certificate, *issuers = x509.load_pem_x509_certificates(tls.certificate.read_bytes())
        key = load_pem_private_key(tls.key.read_bytes(), password=None)
        # pyOpenSSL takes cryptography's objects and deprecates its own; Twisted's annotations are older than that
        options = CertificateOptions(
            privateKey=key,  # type: ignore[arg-type]  # as said above
            certificate=certificate,  # type: ignore[arg-type]  # as said above
            extraCertChain=issuers,  # type: ignore[arg-type]  # as said above
        )
        options.getContext().check_privatekey()
    except OSError as error:
        raise ListenFault(
            f"cannot read {error.filename}: {error.strerror}; name files that this user may read"
        ) from error
    except (ValueError, TypeError, SSLError) as error:
        raise ListenFault(
            f"{tls.certificate} and {tls.key} are no certificate and its unencrypted private key in PEM form: {error}"
        ) from error
    return options
