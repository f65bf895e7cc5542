"""Tokens: who may come in, whose key may say so, and where the house keeps its own."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from shardnode.cli.token import token_command
from shardnode.gateway.tokens import (
    PRIVATE_KEY_FILE,
    PUBLIC_KEY_FILE,
    Identity,
    KeyFault,
    SigningKey,
    Verifier,
    install_signing_key,
    issuer_key,
    signing_key,
)
from shardnode.wire.errors import TokenExpired, TokenInvalid
from tests.gateway.rig import KEY, NOW_S

NOW_MS = NOW_S * 1000
HOUSE = Verifier([KEY.public])
CLAIMS: dict[str, Any] = {"sub": "alice", "role": "player", "exp": NOW_S + 60}
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(7, ec.SECP256R1())
RSA = rsa.generate_private_key(65_537, 2_048)


def public_pem(key: Any) -> bytes:
    """The file that an operator gives with --token-key."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def forged(header: object, payload: object, signature: bytes = b"x") -> str:
    """A token of any parts, signed by nobody."""
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_token_of_the_house_names_its_bearer() -> None:
    """What was minted is what is read: player, role, and until when."""
    token = KEY.mint("alice", "operator", NOW_S + 60)
    assert HOUSE.verify(token, NOW_MS) == Identity("alice", "operator", NOW_MS + 60_000)


def test_a_token_is_good_until_its_exp_and_not_at_it() -> None:
    """The bound is judged by the house's clock, to the millisecond."""
    token = KEY.mint("alice", "player", NOW_S)
    HOUSE.verify(token, NOW_MS - 1)
    with pytest.raises(TokenExpired, match="log"):
        HOUSE.verify(token, NOW_MS)


def test_fractions_of_a_second_are_heeded() -> None:
    """Other issuers may write exp as a number with a fraction."""
    token = jwt.encode({**CLAIMS, "exp": NOW_S + 0.5}, ED25519, algorithm="EdDSA")
    assert HOUSE.verify(token, NOW_MS).expires_at_ms == NOW_MS + 500


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "al ice"},
        {"sub": "x" * 65},
        {"sub": "alice\n"},
        {"role": None},
        {"role": "house"},
        {"role": "admin"},
        {"role": ["player"]},
        {"exp": None},
        {"exp": str(NOW_S + 60)},
        {"exp": True},
        {"exp": -1},
        {"exp": 10**30},
        {"nbf": NOW_S + 1},
        {"nbf": "soon"},
        {"aud": "another house"},
    ],
)
def test_claims_must_be_whole_and_right(claims: dict[str, Any]) -> None:
    """A good signature does not help a token that does not say who may do what until when."""
    merged = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    token = jwt.encode(merged, ED25519, algorithm="EdDSA", headers={"typ": "JWT"}) if _encodable(merged) else ""
    with pytest.raises(TokenInvalid, match="get a token from the house's operator"):
        HOUSE.verify(token or _signed(merged), NOW_MS)


def _encodable(claims: dict[str, Any]) -> bool:
    return isinstance(claims.get("sub", ""), str)


def _signed(claims: dict[str, Any]) -> str:
    """A token with claims that PyJWT would not write."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), ED25519, algorithm="EdDSA")


def test_claims_that_are_not_ours_are_passed_over() -> None:
    """An issuer may say more: when, by whom, under which id."""
    token = jwt.encode(
        {**CLAIMS, "iat": NOW_S + 9_999, "iss": "x", "jti": "5", "nbf": NOW_S}, ED25519, algorithm="EdDSA"
    )
    assert HOUSE.verify(token, NOW_MS).player == "alice"


@pytest.mark.parametrize(
    "token",
    [
        jwt.encode(CLAIMS, ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)), algorithm="EdDSA"),
        jwt.encode(CLAIMS, ed448.Ed448PrivateKey.generate(), algorithm="EdDSA"),
        jwt.encode(CLAIMS, P256, algorithm="ES256"),
        jwt.encode(CLAIMS, RSA, algorithm="RS256"),
        jwt.encode(CLAIMS, None, algorithm="none"),
        forged({"alg": "none"}, CLAIMS, b""),
        forged({"alg": "EdDSA"}, CLAIMS),
        forged({"alg": ["EdDSA"]}, CLAIMS),
        forged({"alg": "EdDSA", "crit": ["b64"], "b64": False}, CLAIMS),
        forged([], CLAIMS),
        forged({"alg": "EdDSA", "kid": 5}, CLAIMS),
        "",
        "a.b",
        "a.b.c",
        "ä.ö.ü",
        "x" * 5_000,
    ],
)
def test_tokens_of_others_are_refused(token: str) -> None:
    """Only the house's key counts, with its own algorithm."""
    with pytest.raises(TokenInvalid):
        HOUSE.verify(token, NOW_MS)


@pytest.mark.parametrize("name", ["HS256", "HS512"])
def test_the_public_key_is_no_shared_secret(name: str) -> None:
    """A token signed with HMAC under the public key's bytes, the classic forgery, is refused."""
    import hashlib
    import hmac

    head = base64.urlsafe_b64encode(json.dumps({"alg": name, "typ": "JWT"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).rstrip(b"=")
    digest = hashlib.sha256 if name == "HS256" else hashlib.sha512
    signature = hmac.new(public_pem(ED25519), head + b"." + body, digest).digest()
    token = b".".join((head, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
    with pytest.raises(TokenInvalid):
        HOUSE.verify(token, NOW_MS)


def test_a_token_nested_without_end_is_refused_like_others() -> None:
    """JSON that no parser can follow does not get through as an exception of the parser's."""
    head = base64.urlsafe_b64encode(b"[" * 2_900).decode().rstrip("=")
    with pytest.raises(TokenInvalid):
        HOUSE.verify(f"{head}.{head[:8]}.x", NOW_MS)


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: forged({"alg": "EdDSA"}, CLAIMS, raw)))
def test_no_text_is_a_token_by_chance(token: str) -> None:
    """Any text is refused, and only so."""
    with pytest.raises(TokenInvalid):
        HOUSE.verify(token, NOW_MS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda s: (
            st.lists(s, max_size=3)
            | st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "x"]), s, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_no_header_is_too_strange_to_be_refused(header: object) -> None:
    """A token's header is anybody's to write, and is refused whatever it is."""
    with pytest.raises(TokenInvalid):
        HOUSE.verify(forged(header, CLAIMS), NOW_MS)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(ED25519, "EdDSA"), (P256, "ES256"), (RSA, "RS256")], ids=["EdDSA", "ES256", "RS256"]
)
def test_an_operators_issuer_signs_with_its_kind_of_key(tmp_path: Path, key: Any, algorithm: str) -> None:
    """The algorithm is the key's, and no other is taken from the same key."""
    path = tmp_path / "issuer.pem"
    path.write_bytes(public_pem(key))
    verifier = Verifier([issuer_key(path)])
    assert verifier.verify(jwt.encode(CLAIMS, key, algorithm=algorithm), NOW_MS).player == "alice"
    if algorithm == "RS256":
        with pytest.raises(TokenInvalid):
            verifier.verify(jwt.encode(CLAIMS, key, algorithm="PS256"), NOW_MS)


def test_the_house_may_have_several_keys() -> None:
    """Beside an operator's issuer the house's own tokens stay good, whichever comes first."""
    tokens = [jwt.encode(CLAIMS, P256, algorithm="ES256"), KEY.mint("bob", "player", NOW_S + 60)]
    for keys in ([KEY.public, P256.public_key()], [P256.public_key(), KEY.public]):
        verifier = Verifier(keys)  # type: ignore[arg-type]  # a list of either kind
        assert [verifier.verify(token, NOW_MS).player for token in tokens] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        (public_pem(ed448.Ed448PrivateKey.generate()), "Ed25519, P-256 or RSA"),
        (public_pem(ec.generate_private_key(ec.SECP384R1())), "Ed25519, P-256 or RSA"),
        (public_pem(rsa.generate_private_key(65_537, 1_024)), "too weak"),
    ],
    ids=["empty", "damaged", "ed448", "p384", "weak"],
)
def test_a_key_that_cannot_be_used_is_refused_by_name(tmp_path: Path, content: bytes, why: str) -> None:
    """The fault names the file and says what it should hold."""
    path = tmp_path / "issuer.pem"
    path.write_bytes(content)
    with pytest.raises(KeyFault, match=why) as caught:
        issuer_key(path)
    assert str(path) in str(caught.value)
    with pytest.raises(KeyFault, match="cannot read"):
        issuer_key(tmp_path / "nothing.pem")


def test_a_private_key_is_no_public_key(tmp_path: Path) -> None:
    """An operator who names the wrong half is told so."""
    signing_key(tmp_path)
    with pytest.raises(KeyFault, match="public key"):
        issuer_key(tmp_path / PRIVATE_KEY_FILE)


def test_the_first_to_need_a_key_makes_it(tmp_path: Path) -> None:
    """The private part is for its owner alone, the public part is beside it, and nothing else is left."""
    first = signing_key(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PRIVATE_KEY_FILE, PUBLIC_KEY_FILE]
    assert stat.S_IMODE((tmp_path / PRIVATE_KEY_FILE).stat().st_mode) == 0o600
    token = signing_key(tmp_path).mint("alice", "player", NOW_S + 1)
    assert Verifier([first.public]).verify(token, NOW_MS).player == "alice"
    assert Verifier([issuer_key(tmp_path / PUBLIC_KEY_FILE)]).verify(token, NOW_MS).player == "alice"


def test_a_key_made_meanwhile_by_another_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two who find no key at the same moment end with one and the same."""
    other = signing_key(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    late = signing_key(tmp_path)
    assert late.public == other.public
    assert sorted(path.name for path in tmp_path.iterdir()) == [PRIVATE_KEY_FILE, PUBLIC_KEY_FILE]


def test_a_damaged_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    """A new key would void every token, so that is an operator's decision."""
    path = tmp_path / PRIVATE_KEY_FILE
    for content in (b"", b"nonsense", public_pem(ED25519)):
        path.write_bytes(content)
        with pytest.raises(KeyFault, match="damaged"):
            signing_key(tmp_path)
        assert path.read_bytes() == content
    path.write_bytes(
        P256.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(KeyFault, match="no Ed25519 key"):
        signing_key(tmp_path)


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A directory that is not there, or not ours, is a fault with what to do."""
    with pytest.raises(KeyFault, match="cannot use the token key"):
        signing_key(tmp_path / "nowhere")


@pytest.mark.parametrize("player", ["", "al ice", "x" * 65])
def test_no_token_is_minted_for_no_player_name(player: str) -> None:
    """What could not be read is not written."""
    with pytest.raises(ValueError, match="sub"):
        SigningKey(ED25519).mint(player, "player", NOW_S)


def test_the_command_prints_a_token_and_nothing_else(tmp_path: Path) -> None:
    """It makes directory and key where there are none, and its tokens are good for as long as was asked."""
    data = tmp_path / "new" / "data"
    result = CliRunner().invoke(
        token_command, ["--data", str(data), "--sub", "alice", "--role", "service", "--ttl-s", "60"]
    )
    assert result.exit_code == 0
    (token,) = result.output.split()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert Verifier([signing_key(data).public]).verify(token, claims["exp"] * 1000 - 60_000) == Identity(
        "alice", "service", claims["exp"] * 1000
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sub", "al ice"], "1 to 64 of"),
        (["--sub", "alice", "--role", "house"], "'house' is not one of"),
        (["--sub", "alice", "--ttl-s", "0"], "not in the range"),
        ([], "Missing option '--sub'"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A mistake is told in one line, with exit code 2."""
    result = CliRunner().invoke(token_command, ["--data", str(tmp_path / "data"), *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_the_command_says_when_it_cannot_use_the_directory(tmp_path: Path) -> None:
    """A damaged key, or a file in the way, is told with exit code 1."""
    (tmp_path / PRIVATE_KEY_FILE).write_bytes(b"nonsense")
    result = CliRunner().invoke(token_command, ["--data", str(tmp_path), "--sub", "alice"])
    assert result.exit_code == 1
    assert "damaged" in result.output
    result = CliRunner().invoke(token_command, ["--data", str(tmp_path / PRIVATE_KEY_FILE / "x"), "--sub", "alice"])
    assert result.exit_code == 1
    assert "choose another" in result.output


def test_the_key_of_a_cluster_is_good_in_every_directory(tmp_path: Path) -> None:
    """A directory gets the cluster's key as its own, for its owner's eyes alone, and keeps it."""
    signing_key(tmp_path)
    for _ in range(2):
        install_signing_key(tmp_path / "n1", tmp_path / PRIVATE_KEY_FILE)
    assert stat.S_IMODE((tmp_path / "n1" / PRIVATE_KEY_FILE).stat().st_mode) == 0o600
    token = signing_key(tmp_path / "n1").mint("alice", "player", NOW_S + 60)
    assert Verifier([signing_key(tmp_path).public]).verify(token, NOW_S * 1000).player == "alice"


def test_a_directory_with_another_key_is_not_the_clusters(tmp_path: Path) -> None:
    """It keeps its key, and the message says what to do."""
    for name in ("cluster", "n1"):
        (tmp_path / name).mkdir()
        signing_key(tmp_path / name)
    before = (tmp_path / "n1" / PRIVATE_KEY_FILE).read_bytes()
    with pytest.raises(KeyFault, match="another token key than the cluster's"):
        install_signing_key(tmp_path / "n1", tmp_path / "cluster" / PRIVATE_KEY_FILE)
    assert (tmp_path / "n1" / PRIVATE_KEY_FILE).read_bytes() == before


def test_a_cluster_key_that_is_none_is_told_by_name(tmp_path: Path) -> None:
    """A missing or damaged key file is no reason to make another."""
    with pytest.raises(KeyFault, match=r"cannot copy the token key .*none\.pem"):
        install_signing_key(tmp_path / "n1", tmp_path / "none.pem")
    (tmp_path / "bad.pem").write_text("bad")
    with pytest.raises(KeyFault, match=r"bad\.pem is damaged"):
        install_signing_key(tmp_path / "n1", tmp_path / "bad.pem")
    assert not (tmp_path / "n1").exists()
