"""Listening: one TCP port, with TLS when a certificate is given."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL.crypto import X509, PKey
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
    reactor: object, site: Any, options: ListenOptions
) -> Generator["Deferred[IListeningPort]", IListeningPort, IListeningPort]:
    """Serve a protocol factory: a gateway's `site`. Fails with ListenFault."""
    factory = site
    if options.tls is not None:
        factory = TLSMemoryBIOFactory(_certificate_options(options.tls), False, site)
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
        first, *issuers = x509.load_pem_x509_certificates(tls.certificate.read_bytes())
        key = load_pem_private_key(tls.key.read_bytes(), password=None)
        options = CertificateOptions(
            privateKey=PKey.from_cryptography_key(key),  # type: ignore[arg-type]  # judged right below
            certificate=X509.from_cryptography(first),
            extraCertChain=[X509.from_cryptography(issuer) for issuer in issuers],
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
