"""cluster.toml: what it says, what is refused and how, and how it changes."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shardnode.cluster.file import (
    CLUSTER_FILE,
    NAMING_KEY_FILE,
    SECRET_FILE,
    TOKEN_KEY_FILE,
    ClusterFault,
    check_live,
    make_cluster,
    read_cluster,
    read_map,
    replace_node,
)
from shardnode.cluster.map import SLOTS_DEFAULT, ClusterMap, NodeEntry
from tests.cluster.wires import a_map


def node_entries(count: int) -> list[NodeEntry]:
    """Nodes n1, n2, … on ports 7001, 7002, …"""
    return [
        NodeEntry(f"n{number}", "127.0.0.1", 7_000 + number, f"ws://127.0.0.1:{7_000 + number}/ws", "", 1)
        for number in range(1, count + 1)
    ]


def made(directory: Path, count: int = 3) -> Path:
    """A cluster's file, with everything that belongs to it."""
    path = make_cluster(directory, node_entries(count))
    token_key = directory / TOKEN_KEY_FILE
    token_key.write_text("a key\n")
    token_key.chmod(0o600)
    return path


def test_a_new_cluster_can_be_read(tmp_path: Path) -> None:
    """What `make_cluster` writes is what `read_cluster` reads: nodes, lives, acceptors, secrets."""
    cluster = read_cluster(made(tmp_path / "house"))
    assert cluster.map.nodes == {node.id: node for node in node_entries(3)}
    assert (cluster.map.version, cluster.map.epoch, cluster.map.acceptors) == (1, 1, ("n1", "n2", "n3"))
    assert (len(cluster.secret), len(cluster.naming_key), cluster.tls_ca) == (32, 32, None)
    assert cluster.token_key == tmp_path / "house" / TOKEN_KEY_FILE


def test_two_clusters_share_nothing(tmp_path: Path) -> None:
    """Each has an id and secrets of its own, and the two secrets of one differ."""
    one, two = (read_cluster(made(tmp_path / name)) for name in ("one", "two"))
    assert len({one.map.cluster, two.map.cluster}) == 2
    assert len({one.secret, two.secret, one.naming_key, two.naming_key}) == 4


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The files of secrets have mode 0600 from the first moment."""
    made(tmp_path)
    for name in (SECRET_FILE, NAMING_KEY_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(("nodes", "acceptors"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (9, 5)])
def test_slots_are_shared_evenly_and_acceptors_are_odd(tmp_path: Path, nodes: int, acceptors: int) -> None:
    """Every slot has a home, no node has more than one slot more than another, at most five accept."""
    cluster_map = read_map(made(tmp_path, nodes))
    shares = [cluster_map.homes.count(node) for node in cluster_map.nodes]
    assert sum(shares) == SLOTS_DEFAULT and max(shares) - min(shares) <= 1
    assert len(cluster_map.acceptors) == acceptors


def test_a_node_without_slots_is_an_acceptor_only(tmp_path: Path) -> None:
    """A witness has no stores, but takes part in agreements."""
    path = made(tmp_path)
    text = path.read_text()
    path.write_text(text.replace('["0-1364"]', "[]").replace('["1365-2729"]', '["0-2729"]'))
    cluster_map = read_map(path)
    assert "n1" not in cluster_map.homes and "n1" in cluster_map.acceptors


MISTAKES = [
    ('url = "', 'ulr = "', "ulr"),
    ("version = 1", "version = 1\nflavour = 3", "flavour"),
    ("version = 1", "version = 0", "version"),
    ("epoch = 1", 'epoch = "one"', "epoch"),
    ("[cluster]", "[cluster", "is not TOML"),
    ('"0-1364"', '"0-1363"', "slot 1364 is given to no node; give out all of 0-4095"),
    ('"0-1364"', '"0-1365"', "slot 1365 is given to n1 and to n2; take one away"),
    ('"2730-4095"', '"2730-4096"', "n3: '2730-4096' is no range within 0-4095"),
    ('"2730-4095"', '"4095-2730"', "n3: '4095-2730' is no range"),
    ('"2730-4095"', '"all"', "slots"),
    ('["n1", "n2", "n3"]', '["n1", "n2"]', "2 acceptors; name 1, 3 or 5"),
    ('["n1", "n2", "n3"]', "[]", "0 acceptors; name 1, 3 or 5"),
    ('["n1", "n2", "n3"]', '["n1", "n2", "n2"]', "the acceptor n2 is named twice"),
    ('["n1", "n2", "n3"]', '["n1", "n2", "n9"]', "the acceptor n9 is no node; the nodes are n1, n2, n3"),
    ('id = "n2"', 'id = "n1"', "the node id n1 is given to 2 nodes"),
    ('id = "n2"', 'id = "node two"', "id"),
    ("port = 7002", "port = 7001", "the address 127.0.0.1:7001 is given to 2 nodes"),
    ("port = 7002", "port = 70020", "port"),
    ('"ws://127.0.0.1:7002/ws"', '"http://127.0.0.1:7002/"', "n2: 'http://127.0.0.1:7002/' is no URL for clients"),
    ("since_epoch = 1", "since_epoch = 2", "n1: since_epoch 2 is after epoch 1"),
    ('secret = "cluster.secret"', 'secret = "other.secret"', "other.secret: is not there"),
    ("slots = 4096", 'slots = 4096\ntls_ca = "ca.pem"', "ca.pem: is not there"),
]


@pytest.mark.parametrize(("was", "is_now", "told"), MISTAKES)
def test_a_mistake_is_named_with_the_file_and_the_mend(tmp_path: Path, was: str, is_now: str, told: str) -> None:
    """Whatever is wrong in the file, the message says where and what to do."""
    path = made(tmp_path)
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, is_now, 1))
    with pytest.raises(ClusterFault) as fault:
        read_cluster(path)
    assert told in str(fault.value)
    assert str(tmp_path) in str(fault.value)


@pytest.mark.parametrize("name", [SECRET_FILE, NAMING_KEY_FILE, TOKEN_KEY_FILE])
@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644])
def test_a_secret_that_everybody_may_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    """No node starts on a secret that is none, and the message says how to make it one."""
    path = made(tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(ClusterFault, match=f"chmod 600 .*{name}"):
        read_cluster(path)


@pytest.mark.parametrize("content", ["", "no digits", "00" * 31, "00" * 33])
def test_a_secret_of_another_length_is_refused(tmp_path: Path, content: str) -> None:
    """A secret that was cut short or mixed up is told by name."""
    path = made(tmp_path)
    (tmp_path / SECRET_FILE).write_text(content)
    with pytest.raises(ClusterFault, match=r"cluster\.secret: does not hold 32 bytes as 64 hexadecimal digits"):
        read_cluster(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is no empty cluster."""
    with pytest.raises(ClusterFault, match=r"none\.toml: cannot be read"):
        read_cluster(tmp_path / "none.toml")


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    """What is named by mistake is not read into memory whole."""
    path = tmp_path / CLUSTER_FILE
    with path.open("wb") as file:
        file.truncate(5_000_000)
    with pytest.raises(ClusterFault, match="is longer than"):
        read_map(path)


def test_a_replaced_node_begins_another_life(tmp_path: Path) -> None:
    """Epoch and version go up, that node's since_epoch with them, everything else stays, secrets included."""
    path = made(tmp_path)
    path.chmod(0o640)
    before = read_cluster(path)
    after = replace_node(path, "n2")
    assert read_cluster(path) == replace(before, map=after)
    changed = replace(before.map.nodes["n2"], since_epoch=2)
    assert after == replace(before.map, version=2, epoch=2, nodes={**before.map.nodes, "n2": changed})
    assert replace_node(path, "n2").nodes["n2"].since_epoch == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [CLUSTER_FILE, SECRET_FILE, NAMING_KEY_FILE, TOKEN_KEY_FILE]
    )


def test_only_a_node_that_there_is_can_be_replaced(tmp_path: Path) -> None:
    """An unknown name is refused with those that there are, and the file stays as it was."""
    path = made(tmp_path)
    text = path.read_text()
    with pytest.raises(ClusterFault, match="there is no node 'n9'; the nodes are n1, n2, n3"):
        replace_node(path, "n9")
    assert path.read_text() == text


OLD = a_map("n1", "n2", "n3", version=2, epoch=2, since={"n1": 2})


@pytest.mark.parametrize(
    "new",
    [
        replace(
            OLD, version=3, nodes={**OLD.nodes, "n2": NodeEntry("n2", "elsewhere", 1, "ws://elsewhere", "west", 1)}
        ),
        a_map("n1", "n2", "n3", version=3, epoch=3, since={"n1": 2, "n3": 3}),
    ],
)
def test_a_running_node_takes_lives_and_addresses(new: ClusterMap) -> None:
    """A node that moved or was replaced is no reason to restart the others."""
    check_live(Path(CLUSTER_FILE), OLD, new)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (replace(OLD, version=3, cluster="d" * 32), "is another cluster's"),
        (replace(OLD, epoch=3), "every change has a higher version"),
        (replace(OLD, version=3, epoch=1), "every change has a higher version"),
        (replace(OLD, version=3, homes=("n1", "n1", "n2")), "stop all nodes"),
        (replace(OLD, version=3, acceptors=("n1",)), "stop all nodes"),
        (a_map("n1", "n2", version=3, epoch=2, since={"n1": 2}), "stop all nodes"),
        (a_map("n1", "n2", "n3", version=3, epoch=2), "never goes back"),
    ],
)
def test_a_running_node_refuses_what_needs_a_restart_or_goes_back(new: ClusterMap, told: str) -> None:
    """Membership changes with all nodes stopped, and nothing ever goes back; the message says so."""
    with pytest.raises(ClusterFault, match=told):
        check_live(Path(CLUSTER_FILE), OLD, new)


@given(line=st.integers(0, 30), column=st.integers(0, 80), character=st.sampled_from('"[]=\\x00-,9n\n#'))
def test_no_slip_of_the_pen_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, line: int, column: int, character: str
) -> None:
    """A character put anywhere into the file leads to a map or to a ClusterFault."""
    path = made(tmp_path_factory.mktemp("slip"))
    lines = path.read_text().splitlines()
    line %= len(lines)
    lines[line] = lines[line][:column] + character + lines[line][column:]
    path.write_text("\n".join(lines))
    try:
        cluster_map = read_map(path)
    except ClusterFault as fault:
        assert str(path) in str(fault)
    else:
        assert len(cluster_map.nodes) == 3
