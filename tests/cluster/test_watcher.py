"""A changed cluster.toml and the nodes that run meanwhile."""

from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from shardnode.cluster.file import read_map, replace_node
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.watcher import LOOK_EVERY_S, Watcher
from tests.cluster.test_file import made
from tests.cluster.test_links import complaints


class Watched:
    """A cluster's file, and a node that watches it."""

    def __init__(self, directory: Path, node: str) -> None:
        self.path = made(directory)
        self.clock = Clock()
        self.changes: list[ClusterMap] = []
        self.replaced: list[str] = []
        self.failures: list[Failure] = []
        self.watcher = Watcher(
            self.clock,
            self.path,
            node,
            read_map(self.path),
            self.take,
            self.replaced.append,
            self.failures.append,
        )
        self.watcher.start()
        self.look()

    def take(self, new: ClusterMap) -> None:
        """The node takes a changed map over; a node that has a bug does not know what to do with version 3."""
        assert new.version < 3, new
        self.changes.append(new)

    def look(self) -> None:
        """The time comes to look at the file."""
        self.clock.advance(LOOK_EVERY_S)

    def put(self, text: str) -> None:
        """Change the file, as an editor does."""
        draft = self.path.with_suffix(".new")
        draft.write_text(text)
        draft.rename(self.path)


def test_another_nodes_new_life_is_taken_over(tmp_path: Path) -> None:
    """After `auction cluster replace n2` the others hear of the new map within a second, once."""
    watched = Watched(tmp_path, "n1")
    new = replace_node(watched.path, "n2")
    watched.look()
    watched.look()
    assert (watched.changes, watched.replaced) == ([new], [])


def test_a_map_that_is_taken_over_by_halves_stops_the_node(tmp_path: Path) -> None:
    """Its parts would work by different maps."""
    watched = Watched(tmp_path, "n1")
    watched.put(watched.path.read_text().replace("version = 1", "version = 3").replace("port = 7002", "port = 7012"))
    watched.look()
    assert [failure.type for failure in watched.failures] == [AssertionError]


def test_a_node_that_was_replaced_is_told_to_stop(tmp_path: Path) -> None:
    """The node on the old directory hears a sentence with what to do."""
    watched = Watched(tmp_path, "n2")
    replace_node(watched.path, "n2")
    watched.look()
    assert watched.changes == []
    assert "start n2 on an empty one" in watched.replaced[0]


@pytest.mark.parametrize(
    ("was", "is_now", "told"),
    [
        ("[cluster]", "[cluster", "is not TOML"),
        ("port = 7002", "port = 7012", "every change has a higher version"),
        ('acceptors = ["n1", "n2", "n3"]', 'acceptors = ["n1"]', "higher version"),
    ],
)
def test_a_file_that_cannot_be_taken_over_is_complained_of_once(
    tmp_path: Path, was: str, is_now: str, told: str
) -> None:
    """The node goes on with the map it has, says why, and takes the file over when it was put right."""
    watched = Watched(tmp_path, "n1")
    good = watched.path.read_text()
    with complaints() as logged:
        watched.put(good.replace(was, is_now))
        watched.look()
        watched.look()
    assert [told in event["why"] for event in logged] == [True]
    watched.put(good.replace("version = 1", "version = 2").replace("port = 7002", "port = 7012"))
    watched.look()
    assert [change.nodes["n2"].port for change in watched.changes] == [7012]


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    """A running node needs no file; one that comes back as it was is no change either."""
    watched = Watched(tmp_path, "n1")
    text = watched.path.read_text()
    watched.path.unlink()
    with complaints() as logged:
        watched.look()
        watched.look()
    assert len(logged) == 1
    watched.put(text)
    watched.look()
    assert (watched.changes, watched.replaced) == ([], [])
    watched.watcher.stop()
    assert watched.clock.getDelayedCalls() == []
