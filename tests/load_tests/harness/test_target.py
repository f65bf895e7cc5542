"""The server of a run: its rules, whose tokens it trusts, and how patiently it is asked afterwards."""

import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from load_tests.harness.checks import Asker, Unreadable
from load_tests.harness.target import rules_text
from load_tests.house import KeyFault, signer
from load_tests.websocket import Connection
from tests.load_tests.harness.fake_node import fake_node
from tests.load_tests.harness.making import listing

BUSY: dict[str, Any] = {
    "error": {"code": -32005, "message": "", "data": {"reason": "rate_limited", "retry_after_ms": 500}}
}
FOUND: dict[str, Any] = {"result": {"listing": listing("l1", 7)}}
KEYS: dict[str, Any] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65_537, 2_048),
}


def _pem(key: Any, path: Path) -> Path:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form))
    return path


def test_a_scenarios_rules_lie_over_those_of_load_tests() -> None:
    """What the scenario names is as it says, all else stays as load tests have it."""
    rules = tomllib.loads(rules_text({"max_bids": 7, "durations_s": [3_600, 7_200]}))["rules"]
    assert (rules["max_bids"], rules["durations_s"], rules["increment_bp"]) == (7, [3_600, 7_200], 0)


@pytest.mark.parametrize("algorithm", KEYS)
def test_tokens_are_signed_as_the_key_is(algorithm: str, tmp_path: Path) -> None:
    """Ed25519, P-256 and RSA keys make tokens of the algorithm that a house pins to them."""
    key: Any = KEYS[algorithm]()
    token = signer(_pem(key, tmp_path / "key.pem")).token("ann", "service")
    claims = jwt.decode(token, key.public_key(), algorithms=[algorithm])
    assert (claims["sub"], claims["role"]) == ("ann", "service")


def test_keys_that_sign_no_tokens_are_told(tmp_path: Path) -> None:
    """A missing file, one without a key, and a key of another kind are each named with what to do."""
    with pytest.raises(KeyFault, match="name a readable file"):
        signer(tmp_path / "nothing.pem")
    (tmp_path / "text.pem").write_text("no key")
    with pytest.raises(KeyFault, match="name the issuer's own"):
        signer(tmp_path / "text.pem")
    with pytest.raises(KeyFault, match="Ed25519, P-256 or RSA"):
        signer(_pem(ed448.Ed448PrivateKey.generate(), tmp_path / "other.pem"))


def test_checks_wait_where_the_server_says_so() -> None:
    """A server that is busy for the moment is asked again when it said, and loses nothing by it."""
    answers = iter([BUSY, BUSY])
    waited: list[float] = []
    with fake_node(lambda _method, _params: next(answers, FOUND)) as node, closing(Connection(node.url)) as connection:
        found = Asker(connection, None, waited.append).listing("l1")
    assert found is not None and found.price == 7
    assert waited == [0.5, 0.5]


def test_checks_do_not_wait_for_ever() -> None:
    """A server that never has time for a check fails the run, which then proves nothing."""
    with fake_node(lambda _method, _params: BUSY) as node, closing(Connection(node.url)) as connection:
        with pytest.raises(Unreadable, match="was refused"):
            Asker(connection, None, lambda _seconds: None).listing("l1")
        assert len(node.asked) > 10
