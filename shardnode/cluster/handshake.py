"""Who may join: two nodes prove to each other that they know the cluster's secret, then say who they are.

    step             each side sends                                and goes on when
    challenge        a fresh nonce                                  it has the other's
    proof            HMAC(secret, its role, both nonces)            the other's is right: no stranger
    hello            who it is, sealed likewise                     nothing speaks against the other
    verdict          welcome, or why not, sealed likewise           the other says welcome, too

Both sides take the same steps at the same time; each waits for the other's. A seal names the role (who dialled, who
was dialled) and the step, so what one side sent proves nothing when it is sent back to it, and both nonces, so nothing
of an earlier handshake is good in a later one. Challenge and response with a shared key: ISO/IEC 9798-4, mechanism of
mutual authentication; HMAC: RFC 2104, with SHA-256. A stranger hears no more than that it is refused.

No sockets and no clock: bytes in, bytes and an end out.
"""

import hmac
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

PEER_PROTOCOL = "auction.peer.v1"
"""What nodes speak, as a WebSocket subprotocol and under every seal."""
NONCE_BYTES = 32
HANDSHAKE_BYTES_MAX = 4_096
"""The largest message of a handshake."""
REASON_CHARACTERS_MAX = 1_000

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding another's bytes may raise."""

Role = Literal["dialling", "dialled"]
OTHER: dict[Role, Role] = {"dialling": "dialled", "dialled": "dialling"}

WRONG_SECRET = "it does not know this cluster's secret; compare the secret files of both nodes"  # noqa: S105 - a sentence
TAKEN_FOR_A_STRANGER = "it takes this node for a stranger; compare the secret files of both nodes"


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """What a node says of itself."""

    cluster: str
    node: str
    identity: str
    since_epoch: int
    version: int
    """Of its map, as `epoch` and `digest`."""
    epoch: int
    digest: str
    catalog: str
    """The hash of its world, rules included."""
    world: str
    """Its version, as people write it."""
    position: int
    """The highest durable position of its journal."""


class Challenge(msgspec.Struct, frozen=True, array_like=True, tag="challenge"):
    """The first step."""

    nonce: bytes


class Proof(msgspec.Struct, frozen=True, array_like=True, tag="proof"):
    """The second step."""

    seal: bytes


class Introduction(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The third step: a Hello, encoded."""

    hello: bytes
    seal: bytes


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="verdict"):
    """The last step: the reason why not, empty for welcome."""

    reason: str
    seal: bytes


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """In place of any step, to somebody who has not proved anything."""


Message = Challenge | Proof | Introduction | Verdict | Refused


class Step(msgspec.Struct, frozen=True):
    """What comes of a message: what to send and, at the end, either who it is or why nothing comes of it."""

    send: tuple[bytes, ...] = ()
    welcome: Hello | None = None
    refusal: str | None = None
    node: str | None = None
    """Who it said it is, when that was proved."""


class Handshake:
    """One side of a handshake. `judge` says what speaks against a Hello, or None."""

    def __init__(
        self, *, role: Role, secret: bytes, nonce: bytes, hello: Hello, judge: Callable[[Hello], str | None]
    ) -> None:
        assert len(nonce) == NONCE_BYTES
        self._role = role
        self._secret = secret
        self._nonce = nonce
        self._other_nonce = b""
        self._hello = hello
        self._judge = judge
        self._theirs: Hello | None = None
        self._objection: str | None = None
        self._awaited: type[Message] | None = Challenge

    def begin(self) -> bytes:
        """The first message."""
        return _encode(Challenge(self._nonce))

    def receive(self, data: bytes) -> Step:
        """Take the other side's next message; after a refusal or welcome there is none."""
        assert self._awaited is not None, "the handshake is over"
        try:
            message = _decode(data)
        except UNREADABLE as error:
            return self._refuse_stranger(f"it does not speak {PEER_PROTOCOL}: {error}")
        if isinstance(message, Refused):
            return self._end(Step(refusal=TAKEN_FOR_A_STRANGER))
        if type(message) is not self._awaited:
            return self._refuse_stranger("it does not keep to the order of the handshake")
        return _TABLE[type(message)](self, message)

    def _prove(self, challenge: Challenge) -> Step:
        if len(challenge.nonce) != NONCE_BYTES:
            return self._refuse_stranger("its nonce has a wrong length")
        self._other_nonce = challenge.nonce
        self._awaited = Proof
        return Step((_encode(Proof(self._seal(self._role, b"proof"))),))

    def _introduce(self, proof: Proof) -> Step:
        if not self._is_sealed(proof.seal, b"proof"):
            return self._refuse_stranger(WRONG_SECRET)
        self._awaited = Introduction
        hello = _encode(self._hello)
        return Step((_encode(Introduction(hello, self._seal(self._role, b"hello", hello))),))

    def _pass_verdict(self, introduction: Introduction) -> Step:
        if not self._is_sealed(introduction.seal, b"hello", introduction.hello):
            return self._refuse_stranger("its hello was changed on the way")
        try:
            self._theirs = _decode_hello(introduction.hello)
            self._objection = self._judge(self._theirs)
        except UNREADABLE:
            self._objection = f"it does not speak {PEER_PROTOCOL} as this node does; run one release on all nodes"
        reason = (self._objection or "")[:REASON_CHARACTERS_MAX]
        verdict = _encode(Verdict(reason, self._seal(self._role, b"verdict", reason.encode())))
        if self._objection is not None:
            return self._end(Step((verdict,), refusal=self._objection))
        self._awaited = Verdict
        return Step((verdict,))

    def _conclude(self, verdict: Verdict) -> Step:
        if not self._is_sealed(verdict.seal, b"verdict", verdict.reason.encode()):
            return self._refuse_stranger("its verdict was changed on the way")
        if verdict.reason:
            return self._end(Step(refusal=f"it says: {verdict.reason}"))
        return self._end(Step(welcome=self._theirs))

    def _refuse_stranger(self, why: str) -> Step:
        return self._end(Step((_encode(Refused()),), refusal=why))

    def _end(self, step: Step) -> Step:
        self._awaited = None
        return replace(step, node=None if self._theirs is None else self._theirs.node)

    def _is_sealed(self, seal: bytes, step: bytes, content: bytes = b"") -> bool:
        return hmac.compare_digest(seal, self._seal(OTHER[self._role], step, content))

    def _seal(self, role: Role, step: bytes, content: bytes = b"") -> bytes:
        """Everything but the content has a fixed length or ends with a zero byte, so no two messages seal alike."""
        dialling, dialled = self._nonce, self._other_nonce
        if self._role == "dialled":
            dialling, dialled = dialled, dialling
        text = b"\0".join((PEER_PROTOCOL.encode(), role.encode(), step, dialling + dialled + content))
        return hmac.digest(self._secret, text, "sha256")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode

_TABLE: dict[type, Callable[[Handshake, Any], Step]] = {
    Challenge: Handshake._prove,
    Proof: Handshake._introduce,
    Introduction: Handshake._pass_verdict,
    Verdict: Handshake._conclude,
}
"""Awaited message → what to do with it."""
