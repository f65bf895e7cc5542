"""Options of a node that is part of a cluster: what the cluster's file says, and who may say otherwise."""

from pathlib import Path

import pytest

from shardnode.cluster.file import read_cluster
from shardnode.node.config import ConfigProblem, read_config, show_config
from tests.cluster.test_file import made


def test_host_and_port_are_the_files(tmp_path: Path) -> None:
    """A node of a cluster needs its name, the file and its data directory, and listens where the others look for it."""
    path = made(tmp_path)
    held = read_config({"cluster": path, "node_id": "n2"}, {}, None)
    assert (held.config.host, held.config.port) == ("127.0.0.1", 7_002)
    assert held.origins["port"] == held.origins["host"] == str(path)
    assert held.cluster == read_cluster(path)
    assert f"port = 7002  # {path}" in show_config(held)


def test_what_agrees_with_the_file_may_be_said(tmp_path: Path) -> None:
    """The same host and port again do no harm, and a node may listen on every address."""
    path = made(tmp_path)
    flags = {"cluster": path, "node_id": "n2", "port": 7_002}
    assert read_config({**flags, "host": "127.0.0.1"}, {}, None).config.host == "127.0.0.1"
    everywhere = read_config({**flags, "host": "0.0.0.0"}, {}, None)
    assert (everywhere.config.host, everywhere.origins["host"]) == ("0.0.0.0", "--host")


@pytest.mark.parametrize(
    ("flags", "environment", "told"),
    [
        ({"node_id": None}, {}, "has the nodes n1, n2, n3; say with --node-id"),
        ({"node_id": "n9"}, {}, "--node-id: .* has no node 'n9'; choose one of n1, n2, n3"),
        ({"port": 7_001}, {}, "--port: port 7001 is not the one of n2"),
        ({}, {"AUCTION_HOST": "127.0.0.2"}, "AUCTION_HOST: host 127.0.0.2 is not the one of n2"),
        ({"tls_cert": "a.pem", "tls_key": "b.pem"}, {}, "set tls_ca there"),
        ({"cluster": "nowhere.toml"}, {}, "nowhere.toml: cannot be read"),
    ],
)
def test_what_disagrees_with_the_file_is_refused(
    tmp_path: Path, flags: dict[str, object], environment: dict[str, str], told: str
) -> None:
    """The message names the option, where it came from, what the file has, and the mend."""
    path = made(tmp_path)
    with pytest.raises(ConfigProblem, match=told):
        read_config({"cluster": path, "node_id": "n2", **flags}, environment, None)


def test_a_cluster_with_tls_needs_a_certificate(tmp_path: Path) -> None:
    """Nodes that verify each other must have something to show."""
    path = made(tmp_path)
    (tmp_path / "ca.pem").write_text("a certificate")
    path.write_text(path.read_text().replace("slots = 4096", 'slots = 4096\ntls_ca = "ca.pem"'))
    with pytest.raises(ConfigProblem, match="tls_cert and tls_key for each node"):
        read_config({"cluster": path, "node_id": "n2"}, {}, None)
