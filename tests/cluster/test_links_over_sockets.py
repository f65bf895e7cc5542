"""Links over real sockets on this machine, through the port that clients use as well, with and without TLS."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shardnode.cluster.dialler import connector
from shardnode.cluster.file import ClusterFault
from shardnode.gateway.listen import Tls
from tests.gateway.test_listen import write_pair

TALK_S = 30.0
"""How long two nodes may take; on a quiet machine it takes a second."""
ALL_WHOLE = {"whole": [True, True], "complaints": [], "left": [], "counted": 0}
"""Nor do peers count among the clients' connections."""


def talk(host: str, tls: Tls | None = None, tls_ca: Path | None = None) -> Any:
    """What came of two nodes' talk."""
    files = [] if tls is None else [tls.certificate, tls.key, tls_ca]
    command = [sys.executable, "-m", "tests.cluster.two_nodes", host, *map(str, files)]
    ended = subprocess.run(command, capture_output=True, timeout=TALK_S, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


def test_frames_of_all_sizes_go_both_ways() -> None:
    """Two nodes find each other by the map, and nothing is lost or left."""
    assert talk("127.0.0.1") == ALL_WHOLE


def test_with_a_ca_nodes_talk_by_tls(tmp_path: Path) -> None:
    """The node that dials verifies the other's certificate, by the cluster's CA and the host in the map."""
    tls = write_pair(tmp_path)
    assert talk("localhost", tls, tls.certificate) == ALL_WHOLE


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    """What the CA signed for localhost is not good for 127.0.0.1, and the log says that it is the certificate."""
    tls = write_pair(tmp_path)
    talked = talk("127.0.0.1", tls, tls.certificate)
    assert talked["whole"] == [False, False]
    assert "erif" in talked["complaints"][0]


def test_a_certificate_that_another_ca_signed_is_refused(tmp_path: Path) -> None:
    """A node with a certificate that the cluster's CA did not sign gets no link."""
    (tmp_path / "other").mkdir()
    other = write_pair(tmp_path / "other")
    talked = talk("localhost", write_pair(tmp_path), other.certificate)
    assert talked["whole"] == [False, False]
    assert "certificate verify failed" in talked["complaints"][0]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_that_is_none_is_told_by_name(tmp_path: Path, content: str | None) -> None:
    """A missing or damaged CA file refuses the start with what to do."""
    tls_ca = tmp_path / "ca.pem"
    if content is not None:
        tls_ca.write_text(content)
    with pytest.raises(ClusterFault, match=r"ca\.pem: holds no certificates in PEM form"):
        connector(None, tls_ca)
