"""Options: who overrides whom, and what is told of mistakes."""

from pathlib import Path

import pytest

from shardnode.node.config import Config, ConfigProblem, read_config, show_config


def test_defaults_hold_where_nothing_is_said() -> None:
    """Without flags, environment and file the node has its defaults."""
    held = read_config({}, {}, None)
    assert held.config == Config()
    assert set(held.origins.values()) == {"default"}


def test_flags_override_the_environment_which_overrides_the_file(tmp_path: Path) -> None:
    """Each option comes from the strongest place that names it, and the node knows which."""
    file = tmp_path / "node.toml"
    file.write_text('host = "file"\nport = 1\nnode_id = "file"\n')
    held = read_config({"node_id": "flag"}, {"AUCTION_PORT": "2", "AUCTION_NODE_ID": "env"}, file)
    assert (held.config.host, held.config.port, held.config.node_id) == ("file", 2, "flag")
    assert [held.origins[name] for name in ("host", "port", "node_id", "data")] == [
        str(file),
        "AUCTION_PORT",
        "--node-id",
        "default",
    ]


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    """AUCTION_CONFIG does what --config does."""
    file = tmp_path / "node.toml"
    file.write_text("port = 9\n")
    assert read_config({}, {"AUCTION_CONFIG": str(file)}, None).config.port == 9


@pytest.mark.parametrize(
    ("flags", "environment", "text", "told"),
    [
        ({"port": 70_000}, {}, "", ["--port", "70000", "65535"]),
        ({}, {"AUCTION_STORE_IDLE_S": "soon"}, "", ["AUCTION_STORE_IDLE_S", "soon"]),
        ({}, {}, "prot = 7\n", ["node.toml", "prot", "port"]),
        ({}, {}, "port = \n", ["node.toml", "TOML"]),
        ({"log_format": "xml"}, {}, "", ["--log-format", "xml", "choose one of auto, json, pretty"]),
        ({"tls_cert": "a.pem"}, {}, "", ["tls_cert", "tls_key"]),
    ],
)
def test_a_mistake_names_option_origin_and_mend(
    tmp_path: Path, flags: dict[str, object], environment: dict[str, str], text: str, told: list[str]
) -> None:
    """An option that cannot be used is refused with where it came from and what would do."""
    file = tmp_path / "node.toml"
    file.write_text(text)
    with pytest.raises(ConfigProblem) as problem:
        read_config(flags, environment, file)
    assert all(part in str(problem.value) for part in told)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A configuration file that is not there is an error, not an empty configuration."""
    with pytest.raises(ConfigProblem, match=r"none\.toml"):
        read_config({}, {}, tmp_path / "none.toml")


def test_what_is_shown_can_be_used_as_a_file(tmp_path: Path) -> None:
    """`--show-config` prints TOML that gives the same configuration again."""
    held = read_config({"port": 8000, "rules": "house.toml"}, {}, None)
    file = tmp_path / "shown.toml"
    file.write_text(show_config(held))
    assert read_config({}, {}, file).config == held.config
