"""Who calls: tokens, roles, and what a session may do before, between and after logins."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.conformance.contract import BAD_PARAMS, REQUIRED, UNKNOWN_METHOD
from tests.conformance.house import House

IN_AN_HOUR = 3600
ADMIN = ("admin.grant", "admin.take", "admin.player")


def test_login_tells_who_the_caller_is(house: House) -> None:
    """The token's `sub` and `role`, the node's time and the latest seq."""
    before_ms = time.time_ns() // 1_000_000
    name = house.new_name()
    for role in ("player", "service", "operator"):
        result = house.visitor().call("session.login", token=house.issuer.token(name, role))
        assert (result["player"], result["role"], result["seq"]) == (name, role, 0)
        assert abs(result["server_time_ms"] - before_ms) < 60_000


def test_login_takes_redirects(house: House) -> None:
    """A client may ask to be redirected, with a boolean only; one node redirects nobody."""
    token = house.issuer.token(house.new_name())
    visitor = house.visitor()
    assert visitor.refusal("session.login", token=token, redirects=1).data["path"] == "redirects"
    visitor.call("session.login", token=token, redirects=True)
    visitor.call("player.get")


@pytest.mark.parametrize("name", ["a", "x" * 64, "A-Z_a-z_0-9", "-", "_", "0"])
def test_a_player_may_have_any_name_of_the_alphabet(house: House, name: str) -> None:
    """1 to 64 characters of `A-Z a-z 0-9 _ -` name a player."""
    assert house.enter(name).call("player.get")["player"] == name


def test_before_login_nothing_may_be_called(house: House) -> None:
    """Every method but `session.login` answers `unauthenticated`."""
    visitor = house.visitor()
    for method, params in REQUIRED.items():
        if method != "session.login":
            assert visitor.refusal(method, **params).reason == "unauthenticated", method


def test_params_are_checked_before_the_login(house: House) -> None:
    """Bad params and unknown methods are told even to nobody."""
    visitor = house.visitor()
    assert visitor.refusal("listing.get").code == BAD_PARAMS
    assert visitor.refusal("player.get", x=1).code == BAD_PARAMS
    assert visitor.refusal("no.such").code == UNKNOWN_METHOD


def test_a_second_login_changes_the_player(house: House) -> None:
    """The session is then the second token's player's, role included."""
    player = house.newcomer(gold=5)
    second = house.new_name()
    assert player.call("session.login", token=house.issuer.token(second, "operator"))["player"] == second
    assert player.call("player.get")["gold"]["available"] == 0
    player.call("admin.player", player=player.name)


def test_a_failed_second_login_leaves_the_session_as_it_was(house: House) -> None:
    """Whatever is wrong with the second token, the first one still holds."""
    player = house.newcomer()
    for token, reason in (
        ("nonsense", "token_invalid"),
        (house.issuer.token("other", ttl_s=-1), "token_expired"),
        (house.issuer.sign({"sub": "other"}), "token_invalid"),
    ):
        assert player.refusal("session.login", token=token).reason == reason
        assert player.call("player.get")["player"] == player.name


def test_an_expired_token_is_refused_as_such(house: House) -> None:
    """A token past its `exp` gives `token_expired`, and no session."""
    visitor = house.visitor()
    assert visitor.refusal("session.login", token=house.issuer.token("late", ttl_s=-60)).reason == "token_expired"
    assert visitor.refusal("player.get").reason == "unauthenticated"


def test_a_token_that_expires_ends_the_right_to_call_until_the_next_login(house: House) -> None:
    """The session calls until `exp`, then gets `token_expired` for every method but `session.login`, which mends it."""
    name = house.new_name()
    player, clock = house.visitor(), house.newcomer(items=1)
    player.call("session.login", token=house.issuer.token(name, ttl_s=2))
    assert player.call("player.get")["player"] == name
    clock.call("listing.create", item=clock.items[0], start_bid=1, duration_s=2)
    clock.event("listing.expired")
    for method, params in REQUIRED.items():
        if method != "session.login":
            assert player.refusal(method, **params).reason == "token_expired", method
    player.call("session.login", token=house.issuer.token(name))
    assert player.call("player.get")["player"] == name


def _claims(**change: Any) -> dict[str, Any]:
    claims = {"sub": "mallory", "role": "player", "exp": int(time.time()) + IN_AN_HOUR, **change}
    return {name: value for name, value in claims.items() if value is not None}


@pytest.mark.parametrize(
    "change",
    [
        {"sub": None},
        {"role": None},
        {"exp": None},
        {"sub": ""},
        {"sub": "x" * 65},
        {"sub": "with space"},
        {"sub": "dot.dot"},
        {"sub": "line\n"},
        {"sub": "é"},
        {"role": "house"},
        {"role": "Player"},
        {"role": ""},
        {"role": ["service"]},
        {"exp": "tomorrow"},
        {"exp": 10**30},
        {"exp": True},
        {"exp": [1]},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_invalid(house: House, change: dict[str, Any]) -> None:
    """`sub` is a player's name, `role` one of three, `exp` an instant; all three are there."""
    token = house.issuer.sign(_claims(**change))
    assert house.visitor().refusal("session.login", token=token).reason == "token_invalid"


def test_a_token_may_say_more(house: House) -> None:
    """Other claims, as issuers add them, are nobody's business here."""
    now_s = int(time.time())
    more = {"iss": "a guild", "iat": now_s, "nbf": now_s - 5, "jti": "7", "mood": {"a": 1}}
    assert house.visitor().call("session.login", token=house.issuer.sign(_claims(**more)))["player"] == "mallory"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forged(house: House) -> dict[str, str]:
    good = house.issuer.token("mallory", "service")
    head, claims, signature = good.split(".")
    public = house.issuer.public_file.read_bytes()
    return {
        "of another key": jwt.encode(_claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "unsigned": jwt.encode(_claims(), None, algorithm="none"),
        "unsigned, with a signature": f"{_part({'alg': 'none'})}.{claims}.{signature}",
        "signed with the public key": _hs256(public),
        "with another's claims": f"{head}.{_part(_claims(role='service'))}.{signature}",
        "without its signature": f"{head}.{claims}.",
        "in two parts": f"{head}.{claims}",
        "cut short": good[:-4],
        "in no alphabet": "ä.ö.ü",
        "of nothing": "..",
        "no JSON": ".".join([base64.urlsafe_b64encode(b"{").decode()] * 3),
        "an array": f"{head}.{_part([1, 2])}.{signature}",
    }


def _hs256(secret: bytes) -> str:
    """PyJWT refuses to sign with a public key as a secret; a forger does not."""
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(_claims())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_forged_token_is_invalid(house: House) -> None:
    """Neither another's key, nor none, nor the public key taken for a secret, nor a changed text gets in."""
    visitor = house.visitor()
    for what, token in _forged(house).items():
        assert visitor.refusal("session.login", token=token).reason == "token_invalid", what
    assert visitor.refusal("player.get").reason == "unauthenticated"


def test_players_and_operators_may_not_do_what_services_do(house: House) -> None:
    """`admin.grant` and `admin.take` are a service's; an operator may look at players, a player may nothing of it."""
    for role, forbidden in (("player", ADMIN), ("operator", ADMIN[:2]), ("service", ())):
        caller = house.enter(house.new_name(), role)
        for method in ADMIN:
            answer = caller.ask(method, {**REQUIRED[method], "player": caller.name})
            is_forbidden = answer.get("error", {}).get("data", {}).get("reason") == "forbidden"
            assert is_forbidden == (method in forbidden), (role, method)


def test_params_are_checked_before_the_role(house: House) -> None:
    """Who may not call a method still hears first that its params are wrong."""
    player = house.newcomer()
    assert player.refusal("admin.grant", player="x", key="k", gold=-1).code == BAD_PARAMS
    assert player.refusal("admin.grant", player="x").code == BAD_PARAMS


def test_a_token_serves_many_sessions_at_once(house: House) -> None:
    """A player may be connected more than once; each session is told everything."""
    name = house.new_name()
    token = house.issuer.token(name)
    sessions = [house.visitor() for _ in range(3)]
    for session in sessions:
        session.call("session.login", token=token)
    item = house.grant(name, items=[{"base": house.base}])["items"][0]["item"]
    listing = sessions[0].call("listing.create", item=item, start_bid=1, duration_s=3600)["listing"]["listing"]
    sessions[1].call("listing.cancel", listing=listing)
    first, *others = [session.event() for session in sessions]
    assert first["type"] == "delivery.arrived"
    assert all(event == first for event in others)


def test_a_session_is_told_only_what_concerns_who_is_logged_in(house: House) -> None:
    """After a second login the first player's pushes go elsewhere."""
    name = house.new_name()
    session, faithful = house.enter(name), house.enter(name)
    session.call("session.login", token=house.issuer.token(house.new_name()))
    item = house.grant(name, items=[{"base": house.base}])["items"][0]["item"]
    listing = faithful.call("listing.create", item=item, start_bid=1, duration_s=3600)["listing"]["listing"]
    faithful.call("listing.cancel", listing=listing)
    assert faithful.event()["type"] == "delivery.arrived"
    session.call("player.get")
    assert session.events_heard() == []
