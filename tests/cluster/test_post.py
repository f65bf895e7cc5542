"""The post: what leaves together, how much of it, and what may come in."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from shardnode.cluster.messages import Answered, Detach, Frame, PeerMessage, TellKey
from shardnode.cluster.network import FRAME_BYTES_MAX, PeerFault
from shardnode.cluster.post import MESSAGE_BYTES_MAX, Post, PostLimits
from shardnode.ops.metrics import Metrics
from tests.cluster.rig import a_map


class Wire:
    """A network that takes frames, unless it is full or there is no link."""

    def __init__(self) -> None:
        self.up = {"n2", "n3"}
        self.full = False
        self.frames: list[tuple[str, bytes]] = []

    def send(self, node: str, frame: bytes) -> bool:
        """See Network."""
        if self.full or node not in self.up:
            return False
        assert len(frame) <= FRAME_BYTES_MAX
        self.frames.append((node, frame))
        return True

    def is_up(self, node: str) -> bool:
        """See Network."""
        return node in self.up


class Office:
    """A post at work."""

    def __init__(self, **limits: int) -> None:
        self.clock = Clock()
        self.wire = Wire()
        self.map = a_map(version=4, epoch=2)
        self.metrics = Metrics("n1", "w")
        self.failures: list[Failure] = []
        self.came: list[tuple[str, object]] = []
        self.post = Post(
            node="n1",
            cluster_map=lambda: self.map,
            network=self.wire,
            reactor=self.clock,
            limits=PostLimits(**limits),
            metrics=self.metrics,
            failed=self.failures.append,
        )
        kinds = get_args(PeerMessage)
        self.post.handle(dict.fromkeys(kinds, lambda node, message: self.came.append((node, message))))

    def sent(self) -> list[tuple[str, list[object]]]:
        """The frames of this turn, decoded."""
        self.clock.advance(0)
        frames, self.wire.frames = self.wire.frames, []
        return [(node, list(msgspec.msgpack.decode(frame, type=Frame).messages)) for node, frame in frames]


def test_a_turns_messages_to_a_node_leave_as_one_frame() -> None:
    """In order, when the turn is over, under the map of that moment; the next turn has its own."""
    office = Office()
    office.post.send("n2", Detach("a"))
    office.post.send("n3", Detach("b"))
    office.post.send("n2", TellKey("c", "k"))
    assert office.wire.frames == []
    assert office.sent() == [("n2", [Detach("a"), TellKey("c", "k")]), ("n3", [Detach("b")])]
    assert office.sent() == []
    office.post.send("n2", Detach("d"))
    office.clock.advance(0)
    assert office.wire.frames == [("n2", msgspec.msgpack.encode(Frame(4, 2, [Detach("d")])))]


def test_the_same_message_reaches_several_nodes() -> None:
    """Each that has a link."""
    office = Office()
    office.wire.up = {"n2"}
    office.post.send_all(["n2", "n3"], Detach("a"))
    assert office.sent() == [("n2", [Detach("a")])]


def test_a_large_turn_takes_several_frames() -> None:
    """None is larger than a frame may be, and nothing changes its place."""
    office = Office()
    sizes = [3_000_000, 3_000_000, 3_000_000, 10, MESSAGE_BYTES_MAX - 30, 10, 3_000_000]
    answers = [Answered(number, False, bytes(size)) for number, size in enumerate(sizes)]
    for answer in answers:
        assert office.post.send("n2", answer)
    frames = office.sent()
    assert [message for _, messages in frames for message in messages] == answers
    assert [len(messages) for _, messages in frames] == [2, 2, 1, 2]


def test_what_cannot_leave_is_not_taken() -> None:
    """Who sends hears at once that there is no link, or that too much waits for one node; others are not concerned."""
    office = Office(collected_bytes_max=1_000)
    office.wire.up = {"n2"}
    assert not office.post.send("n3", Detach("a"))
    assert office.post.send("n2", Answered(1, False, bytes(900)))
    assert not office.post.send("n2", Answered(2, False, bytes(900)))
    office.wire.up = {"n2", "n3"}
    assert office.post.send("n3", Answered(3, False, bytes(900)))
    assert b'auction_limit_hits_total{limit="collected_bytes_max"} 1.0' in office.metrics.render()
    assert len(office.sent()) == 2
    assert office.post.send("n2", Answered(2, False, bytes(900)))


def test_a_link_that_is_full_or_gone_at_the_turns_end_drops_the_turn_and_is_counted() -> None:
    """Whoever needs an answer asks again; the node goes on."""
    office = Office()
    office.post.send("n2", Detach("a"))
    office.wire.full = True
    assert office.sent() == []
    assert b'auction_limit_hits_total{limit="link_unsent"} 1.0' in office.metrics.render()
    assert office.failures == []


def test_what_came_is_handed_on_in_order() -> None:
    """Message by message, with the node that sent it."""
    office = Office()
    office.post.received("n3", msgspec.msgpack.encode(Frame(4, 2, [Detach("a"), Detach("b")])))
    assert office.came == [("n3", Detach("a")), ("n3", Detach("b"))]


@pytest.mark.parametrize(
    ("version", "epoch", "older"), [(3, 2, "n2"), (4, 1, "n2"), (9, 1, "n2"), (5, 2, "n1"), (4, 3, "n1"), (1, 3, "n1")]
)
def test_a_frame_under_another_map_is_refused(version: int, epoch: int, older: str) -> None:
    """Nothing in it is done, and the fault says which of the two nodes must get the newer cluster.toml."""
    office = Office()
    with pytest.raises(PeerFault, match=f"^{older} works by an older cluster.toml .* give {older} the newer one"):
        office.post.received("n2", msgspec.msgpack.encode(Frame(version, epoch, [Detach("a")])))
    assert office.came == []


def test_a_newer_nodes_new_messages_are_no_nonsense() -> None:
    """What cannot be read because of a newer map is told as that."""
    office = Office()
    with pytest.raises(PeerFault, match="n1 works by an older"):
        office.post.received("n2", msgspec.msgpack.encode([5, 2, [["unheard-of", 1]]]))


@given(st.binary(max_size=80) | st.builds(lambda junk: msgspec.msgpack.encode([4, 2, [junk]]), st.text()))
def test_nonsense_is_the_peers_fault(frame: bytes) -> None:
    """Whatever bytes come, nobody is handed anything, and the fault names the sender."""
    office = Office()
    with pytest.raises(PeerFault, match="n2"):
        office.post.received("n2", frame)
    assert office.came == []


def test_a_bug_at_the_turns_end_stops_the_node() -> None:
    """It does not end in the reactor's log."""
    office = Office()
    office.post.send("n2", Detach("a"))
    office.wire.send = None  # type: ignore[method-assign, assignment]  # a bug
    office.clock.advance(0)
    assert [failure.type for failure in office.failures] == [TypeError]
