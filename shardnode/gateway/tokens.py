"""Tokens: who may call, as JWTs (RFC 7519) signed with the house's own Ed25519 key, or with an operator's issuer's key.

The algorithm is pinned to the kind of key and never taken from the token: EdDSA for Ed25519, ES256 for P-256, RS256 for
RSA. Claims are `sub` (the player), `role`, and `exp`; `nbf` is heeded when there.
"""

import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from auction.commands import PlayerName
from shardnode.wire.errors import TokenExpired, TokenInvalid
from shardnode.wire.methods import TOKEN_CHARACTERS_MAX, TokenRole

PRIVATE_KEY_FILE = "token-key.pem"
PUBLIC_KEY_FILE = "token-key.pub.pem"
RSA_BITS_MIN = 2_048
EXPIRES_S_MAX = 2**53 // 1000
"""The latest `exp`: instants in milliseconds stay exact in every client."""

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class KeyFault(Exception):
    """A key file cannot be used; the text says which and what to do."""


class Identity(msgspec.Struct, frozen=True):
    """Who a good token names, and until when."""

    player: str
    role: TokenRole
    expires_at_ms: int


_INSTANTS = msgspec.Meta(ge=0, le=EXPIRES_S_MAX)
Seconds = Annotated[int, _INSTANTS] | Annotated[float, _INSTANTS]
"""Instants in seconds since the epoch, as JWTs have them."""


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token must say; it may say more."""

    sub: PlayerName
    role: TokenRole
    exp: Seconds
    nbf: Seconds = 0


class Verifier:
    """Judges tokens by the public keys it was given; a token is good when one of them signed it."""

    def __init__(self, keys: list[PublicKey]) -> None:
        assert keys, "a house without a token key lets nobody in"
        self._keys = [(key, _algorithm(key)) for key in keys]

    def verify(self, token: str, now_ms: int) -> Identity:
        """Who the token names. Raises TokenInvalid, TokenExpired, both with what to do next."""
        try:
            claims = msgspec.convert(self._payload(token), Claims)
        except msgspec.ValidationError as error:
            raise TokenInvalid(f"the token's claims are wrong: {error}") from error
        if claims.nbf * 1000 > now_ms:
            raise TokenInvalid("the token is not good yet (nbf)")
        expires_at_ms = int(claims.exp * 1000)
        if expires_at_ms <= now_ms:
            raise TokenExpired
        return Identity(claims.sub, claims.role, expires_at_ms)

    def _payload(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise TokenInvalid(f"the token is longer than {TOKEN_CHARACTERS_MAX} characters")
        for key, algorithm in self._keys:
            try:
                return jwt.decode(token, key, algorithms=[algorithm], options=_BY_THE_HOUSES_CLOCK)
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue
            except (jwt.InvalidTokenError, RecursionError, ValueError) as error:
                raise TokenInvalid("the token is no JWT that this house can read") from error
        raise TokenInvalid("the token was not signed with a key of this house")


_BY_THE_HOUSES_CLOCK: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
"""Instants are judged in `Verifier.verify`, and not by PyJWT, which would look at the machine's clock."""


class SigningKey:
    """The house's own key: it makes tokens that `Verifier` accepts."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public(self) -> Ed25519PublicKey:
        """The part that verifies."""
        return self._key.public_key()

    def mint(self, player: str, role: TokenRole, expires_at_s: int) -> str:
        """A token naming `player` until an instant in seconds since the epoch. Raises ValueError for no player name."""
        claims = msgspec.convert({"sub": player, "role": role, "exp": expires_at_s}, Claims)
        return jwt.encode(msgspec.to_builtins(claims), self._key, algorithm="EdDSA")


def signing_key(directory: Path) -> SigningKey:
    """The house's key in a data directory, made there (mode 0600, whole or not at all) if it has none.

    Whoever comes first makes it, a starting node or `auction token`; all others then use the same. Raises KeyFault.
    """
    path = directory / PRIVATE_KEY_FILE
    try:
        if not path.exists():
            _create(path, _private_pem(Ed25519PrivateKey.generate()), 0o600)
        key = _read_private(path)
        public = directory / PUBLIC_KEY_FILE
        if not public.exists():
            _create(public, _public_pem(key.public_key()), 0o644)
    except OSError as error:
        raise KeyFault(
            f"cannot use the token key in {directory}: {error}; give this user read and write access"
        ) from error
    return SigningKey(key)


def install_signing_key(directory: Path, source: Path) -> None:
    """Give a data directory the key of its cluster, as its own. Raises KeyFault where it has another one already."""
    path = directory / PRIVATE_KEY_FILE
    try:
        key = _read_private(source)
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path, _private_pem(key), 0o600)
        own = _read_private(path)
    except OSError as error:
        raise KeyFault(
            f"cannot copy the token key {source} to {directory}: {error}; give this user access to both"
        ) from error
    if own.private_bytes_raw() != key.private_bytes_raw():
        raise KeyFault(
            f"{path} is another token key than the cluster's, {source}; choose the data directory that belongs to this "
            f"cluster, or remove {path} and {directory / PUBLIC_KEY_FILE}, which voids the tokens made with them"
        )


def issuer_key(path: Path) -> PublicKey:
    """An operator's public key (PEM): Ed25519, P-256, or RSA of RSA_BITS_MIN and more. Raises KeyFault."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise KeyFault(f"cannot read the token key {path}: {error}; name a readable file") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFault(f"{path} holds no public key in PEM form; give the issuer's public key") from error
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise KeyFault(f"{path}: an RSA key of {key.key_size} bits is too weak; use {RSA_BITS_MIN} or more")
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise KeyFault(f"{path}: tokens are signed with Ed25519, P-256 or RSA keys, not with {key.curve.name}")
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
        raise KeyFault(f"{path}: tokens are signed with Ed25519, P-256 or RSA keys, not with this kind")
    return key


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFault(f"{path} is damaged; put it back from a backup, or remove it to void every token") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFault(f"{path} holds no Ed25519 key; put the house's own back from a backup")
    return key


def _algorithm(key: PublicKey) -> str:
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA"
    return "ES256" if isinstance(key, EllipticCurvePublicKey) else "RS256"


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _create(path: Path, content: bytes, mode: int) -> None:
    """Make a durable file, whole or not at all; one that somebody else made meanwhile stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
