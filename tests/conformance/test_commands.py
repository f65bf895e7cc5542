"""The node's own commands, as a person or a script meets them: tokens, options, rules, and the process itself."""

import os
import signal
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.conformance.client import JSON, Client
from tests.conformance.house import House, Issuer, running
from tests.conformance.websocket import Closed
from tests.processes import AUCTION

IN_AN_HOUR_S = 3600


def auction(*words: str | Path, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command and wait for its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUCTION_")}
    return subprocess.run(
        [AUCTION, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**inherited, **(environment or {})},
    )


def printed_token(data: Path, *words: str) -> str:
    """What `auction token` prints: one line, and nothing else anywhere."""
    done = auction("token", "--data", data, *words)
    assert (done.returncode, done.stderr) == (0, ""), done
    line, end = done.stdout.split("\n")
    assert end == ""
    return line


def test_a_printed_token_is_good_on_the_houses_node(tmp_path: Path) -> None:
    """It may be printed before the first start, or while the node runs, and is still good after a restart."""
    data = tmp_path / "data"
    early = printed_token(data, "--sub", "alice")
    with running(tmp_path) as (url, _), Client(url, JSON) as client:
        late = printed_token(data, "--sub", "bob", "--role", "operator")
        for token, player, role in ((early, "alice", "player"), (late, "bob", "operator")):
            result = client.call("session.login", token=token)
            assert (result["player"], result["role"]) == (player, role)
    with running(tmp_path) as (url, _), Client(url, JSON) as client:
        for token in (early, late):
            client.call("session.login", token=token)


def test_a_printed_token_names_a_player_for_a_while(tmp_path: Path) -> None:
    """A player for a day unless told otherwise; `--ttl-s` says how long."""
    claims = jwt.decode(printed_token(tmp_path, "--sub", "bob"), options={"verify_signature": False})
    assert (claims["sub"], claims["role"]) == ("bob", "player")
    short = jwt.decode(printed_token(tmp_path, "--sub", "bob", "--ttl-s", "5"), options={"verify_signature": False})
    assert short["exp"] < claims["exp"]


@pytest.mark.parametrize(
    "words", [("--sub", "no name"), ("--sub", ""), (), ("--sub", "bob", "--role", "king")], ids=str
)
def test_a_token_for_nobody_is_not_printed(tmp_path: Path, words: tuple[str, ...]) -> None:
    """What is wrong is said on standard error, and standard output stays empty."""
    done = auction("token", "--data", tmp_path, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "--" in done.stderr


def test_the_token_key_is_private(tmp_path: Path) -> None:
    """Nobody but the owner may read the house's private key."""
    printed_token(tmp_path, "--sub", "bob")
    private = [path for path in tmp_path.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o600]


def _pem(key: Any) -> bytes:
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_an_operators_own_issuer_signs_tokens_with_its_one_algorithm(tmp_path: Path, algorithm: str) -> None:
    """Tokens of the issuer's key are good beside the house's own; the algorithm is the key's, whatever a token says."""
    key: Any = {
        "EdDSA": Ed25519PrivateKey.generate,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2048),
    }[algorithm]()
    public = tmp_path / "issuer.pem"
    public.write_bytes(_pem(key))
    claims = {"sub": "carol", "role": "operator", "exp": 4_000_000_000}
    with running(tmp_path, "--token-key", public) as (url, _), Client(url, JSON) as client:
        good = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "any"})
        assert client.call("session.login", token=good)["player"] == "carol"
        client.call("session.login", token=printed_token(tmp_path / "data", "--sub", "dave"))
        forged = [
            jwt.encode(claims, None, algorithm="none"),
            jwt.encode(claims, "x" * 64, algorithm="HS256"),
            good.rpartition(".")[0] + ".",
            jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
            jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        ]
        if algorithm == "RS256":
            forged += [jwt.encode(claims, key, algorithm=other) for other in ("RS512", "PS256")]
        for token in forged:
            assert client.refusal("session.login", token=token).reason == "token_invalid"
        assert client.call("player.get")["player"] == "dave"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "issuer.pem"),
        (b"nonsense", "PEM"),
        (_pem(rsa.generate_private_key(public_exponent=65_537, key_size=1024)), "2048"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    ],
    ids=["missing", "no key", "weak", "another curve"],
)
def test_an_issuers_key_that_is_no_good_refuses_the_start(tmp_path: Path, content: bytes | None, word: str) -> None:
    """The message names the file and what would do."""
    public = tmp_path / "issuer.pem"
    if content is not None:
        public.write_bytes(content)
    done = auction("serve", "--data", tmp_path / "data", "--port", "0", "--token-key", public)
    assert (done.returncode, done.stdout) == (2, "")
    assert "issuer.pem" in done.stderr
    assert word in done.stderr.replace("2_048", "2048")


def test_show_config_says_what_holds_and_where_it_came_from(tmp_path: Path) -> None:
    """Flags override the environment, which overrides the file, which overrides defaults; nothing is started."""
    file = tmp_path / "node.toml"
    file.write_text('host = "127.0.0.2"\nnode_id = "from-file"\nrequests_per_s = 7\n')
    environment = {"AUCTION_NODE_ID": "from-environment", "AUCTION_STOP_S": "3"}
    done = auction(
        "serve",
        "--data",
        tmp_path / "data",
        "--config",
        file,
        "--port",
        "8001",
        "--show-config",
        environment=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = tomllib.loads(done.stdout)
    assert (shown["host"], shown["node_id"], shown["port"], shown["stop_s"], shown["requests_per_s"]) == (
        "127.0.0.2",
        "from-environment",
        8001,
        3.0,
        7,
    )
    origins = {line.split(" = ")[0]: line.rpartition("# ")[2] for line in done.stdout.splitlines() if " = " in line}
    assert origins["host"] == str(file)
    assert origins["node_id"] == "AUCTION_NODE_ID"
    assert origins["port"] == "--port"
    assert origins["dirty_stores_max"] == "default"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("words", "environment", "named"),
    [
        (("--port", "70000"), {}, "--port"),
        (("--tls-cert", "x.pem"), {}, "tls_key"),
        (("--config", "no-such-file.toml"), {}, "no-such-file.toml"),
        ((), {"AUCTION_REQUESTS_PER_S": "many"}, "AUCTION_REQUESTS_PER_S"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_used_is_named(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], named: str
) -> None:
    """The start is refused with what is wrong and where it came from, and no traceback."""
    done = auction("serve", "--data", tmp_path / "data", *words, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[rules]\nfee = 5\n", "fee"),
        ("[rules]\ndurations_s = [1]\n", "durations_s"),
        ("[rules]\ndurations_s = [2592001]\n", "durations_s"),
        ("fee_bp = 1\n", "[rules]"),
        ("[rules\n", "rules.toml"),
        (None, "rules.toml"),
    ],
    ids=str,
)
def test_house_rules_that_make_no_sense_refuse_the_start(tmp_path: Path, text: str | None, named: str) -> None:
    """File, entry and what is wrong with it are said, and no traceback."""
    rules = tmp_path / "rules.toml"
    if text is not None:
        rules.write_text(text)
    done = auction("serve", "--data", tmp_path / "data", "--port", "0", "--rules", rules)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(rules) in done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_house_rules_make_a_world_of_their_own(tmp_path: Path, issuer: Issuer) -> None:
    """Version and hash tell worlds with different rules apart; 2 s and 30 days are durations that may be offered."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[rules]\ndurations_s = [2, 2592000]\n")
    worlds = []
    for options in ((), ("--rules", rules)):
        with running(tmp_path, "--token-key", issuer.public_file, *options) as (url, _), House(url, issuer) as house:
            worlds.append(house.newcomer().call("world.describe"))
    plain, ruled = worlds
    assert ruled["rules"] == {**plain["rules"], "durations_s": [2, 2_592_000]}
    assert plain["rules"]["durations_s"] == [3600, 43_200, 86_400, 172_800]
    assert ruled["version"] != plain["version"]
    assert ruled["hash"] != plain["hash"]


def test_the_process_id_is_in_the_data_directory_while_the_node_runs(tmp_path: Path) -> None:
    """A script finds the node by `node.pid`, which is gone when the node has stopped."""
    pid_file = tmp_path / "data" / "node.pid"
    with running(tmp_path) as (_, node):
        assert int(pid_file.read_text()) == node.process.pid
    assert not pid_file.exists()


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_node_stops_by_signal(tmp_path: Path, by: signal.Signals) -> None:
    """Cleanly, exit code 0, with somebody connected."""
    with running(tmp_path) as (url, node), Client(url, JSON) as client:
        node.process.send_signal(by)
        with pytest.raises(Closed):
            client.socket.receive()
        assert node.exit_code() == 0


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    """A person who is impatient, or a terminal that tells the whole family, does not disturb a node that stops."""
    with running(tmp_path) as (url, node), Client(url, JSON) as client:
        for by in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            node.process.send_signal(by)
        with pytest.raises(Closed):
            client.socket.receive()
        assert node.exit_code() == 0
