"""Links between nodes: up, down, stalled, refused, full, stopped. In memory, by a clock turned by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from twisted.logger import LogLevel, globalLogPublisher

from shardnode.cluster.handshake import HANDSHAKE_BYTES_MAX
from shardnode.cluster.network import FRAME_BYTES_MAX, HEARTBEAT_S, STALLED_S, PeerFault
from shardnode.cluster.peer_socket import HANDSHAKE_S, UNSENT_BYTES_MAX
from shardnode.storage.facts import Peer
from tests.cluster.wires import STEP_S, LinkedNode, Town, a_map
from tests.gateway.rig import frame


def linked() -> tuple[Town, LinkedNode, LinkedNode]:
    """Two nodes with a link."""
    town, cluster_map = Town(), a_map("n1", "n2")
    one, two = town.add("n1", cluster_map), town.add("n2", cluster_map)
    town.run()
    assert (one.take(), two.take()) == ([("up", "n2")], [("up", "n1")])
    return town, one, two


def test_frames_go_both_ways_whole_and_in_order() -> None:
    """Every size that the wire writes differently arrives as it was sent, up to the largest there may be."""
    town, one, two = linked()
    sizes = (0, 1, 125, 126, 65_535, 65_536, FRAME_BYTES_MAX)
    frames = [bytes([number]) * size for number, size in enumerate(sizes)]
    for node, to in ((one, "n2"), (two, "n1")):
        assert all(node.links.send(to, frame) for frame in frames)
    town.run()
    assert one.take() == [("frame", "n2", frame) for frame in frames]
    assert two.take() == [("frame", "n1", frame) for frame in frames]


def test_the_smaller_id_dials_and_each_pair_has_one_link() -> None:
    """Three nodes have three connections, and nobody dials again while they hold."""
    town, cluster_map = Town(), a_map("n1", "n2", "n3")
    for name in cluster_map.nodes:
        town.add(name, cluster_map)
    town.run(10)
    dialled = {(who, whom) for who, whom, at_s in town.dialled if at_s > 0 or (who, whom) == ("n2", "n3")}
    assert dialled <= {("n1", "n2"), ("n1", "n3"), ("n2", "n3")}
    assert len([wire for wire in town.wires if wire.open]) == 3
    assert all(
        node.links.is_up(other) for node in town.nodes.values() for other in cluster_map.nodes if other != node.name
    )


def test_a_node_without_a_link_takes_no_frame() -> None:
    """Sending to a node that is not there, or to one nobody knows, says so."""
    town = Town()
    node = town.add("n1", a_map("n1", "n2"))
    town.run()
    assert not node.links.send("n2", b"frame")
    assert not node.links.send("n9", b"frame")
    assert not node.links.is_up("n2")


def test_a_broken_link_is_told_and_made_again() -> None:
    """Both sides hear that it is down, then that it is up, and frames go through once more."""
    town, one, two = linked()
    town.wires[0].cut()
    town.run()
    assert (one.take(), two.take()) == ([("down", "n2")], [("down", "n1")])
    town.run(0.2)
    assert (one.take(), two.take()) == ([("up", "n2")], [("up", "n1")])
    assert one.links.send("n2", b"again")
    town.run()
    assert two.take() == [("frame", "n1", b"again")]


@pytest.mark.parametrize("direction", [(0,), (1,), (0, 1)])
def test_a_silent_link_is_down_within_a_second(direction: tuple[int, ...]) -> None:
    """Whichever way nothing arrives any more, whoever hears nothing gives the link up before STALLED_S is over."""
    town, one, two = linked()
    town.run(3)
    assert (one.take(), two.take()) == ([], [])
    for end in direction:
        town.wires[0].ends[end].stuck = True
    town.run(STALLED_S + STEP_S)
    hears_nothing = [node for node, end in ((two, 0), (one, 1)) if end in direction]
    for node in hears_nothing:
        assert node.take()[0][0] == "down"


def test_a_node_that_was_held_up_itself_blames_nobody() -> None:
    """After seconds in which it did nothing at all a node first reads what came meanwhile."""
    town, one, two = linked()
    town.clock.advance(5)
    town.run(2)
    assert (one.take(), two.take()) == ([], [])


def test_heartbeats_tell_how_far_the_journal_is_durable() -> None:
    """What a node remembers of another is as fresh as the last heartbeat, and nothing is remembered twice."""
    town, one, two = linked()
    assert one.peers == {"n2": Peer("n2's own", 1, 5)}
    two.durable = 17
    town.run(2 * HEARTBEAT_S)
    assert one.peers == {"n2": Peer("n2's own", 1, 17)}


def test_back_off_grows_to_two_seconds_and_is_forgotten_after_a_good_link() -> None:
    """A node that is away is dialled less and less often, and at once again when it was there for a while."""
    town = Town()
    cluster_map = a_map("n1", "n2")
    town.add("n1", cluster_map)
    town.run(20)
    times = [at_s for _, _, at_s in town.dialled]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[0] == pytest.approx(0.1, abs=0.05)
    assert all(later > earlier - STEP_S - 1e-9 for earlier, later in pairwise(waits))
    assert waits[-1] == pytest.approx(1.5, abs=0.06)
    town.add("n2", cluster_map)
    town.run(6)
    town.wires[0].cut()
    before = len(town.dialled)
    town.run(0.15)
    assert len(town.dialled) == before + 1


def test_a_peer_that_does_not_read_is_cut_when_too_much_waits() -> None:
    """Up to the limit frames are kept and arrive; one more cuts the link, and the limit's name is counted."""
    town, one, _two = linked()
    town.wires[0].ends[0].stuck = True
    megabyte = bytes(1_048_576)
    kept = 0
    while one.links.send("n2", megabyte):
        kept += 1
        assert kept * len(megabyte) <= UNSENT_BYTES_MAX + 2 * len(megabyte)
    assert kept * len(megabyte) >= UNSENT_BYTES_MAX
    assert one.limits == ["peer_unsent_bytes_max"]
    assert one.take() == [("down", "n2")]


def test_what_waited_for_a_slow_peer_arrives_in_order() -> None:
    """Frames that were kept back are sent as the buffer empties."""
    town, one, two = linked()
    town.wires[0].ends[0].stuck = True
    frames = [bytes([number]) * 100_000 for number in range(20)]
    assert all(one.links.send("n2", frame) for frame in frames)
    town.wires[0].ends[0].stuck = False
    town.run()
    assert two.take() == [("frame", "n1", frame) for frame in frames]


def test_nonsense_cuts_the_link_and_both_sides_learn_why() -> None:
    """A PeerFault ends the link, its text is in the logs of both, and the link is made anew."""
    town, one, two = linked()
    with complaints() as logged:
        one.links.send("n2", b"nonsense")
        town.run()
    assert (one.take(), two.take()) == ([("down", "n2")], [("down", "n1")])
    assert [event["why"] for event in logged] == [
        "this is nonsense",
        "the other side closed it: this is nonsense",
    ]
    town.run(0.2)
    assert one.links.is_up("n2")


def test_the_newer_of_two_links_holds() -> None:
    """A node that comes back before its old link was missed is heard on the new one, and the old one is closed."""
    town, one, two = linked()
    town.wires[0].stick()
    again = town.add("n1", one.map)
    town.run()
    assert two.take() == [("down", "n1"), ("up", "n1")]
    assert again.links.send("n2", b"new")
    town.run()
    assert two.take() == [("frame", "n1", b"new")]
    town.run(STALLED_S + 2)
    assert two.links.is_up("n1")


def test_a_bug_in_what_takes_the_frames_stops_the_node() -> None:
    """An unexpected exception is no fault of the peer; it is handed to whoever stops the node."""
    town, one, two = linked()

    def bug(_node: str, _frame: bytes) -> None:
        raise ZeroDivisionError

    two.on_frame = bug
    one.links.send("n2", b"frame")
    town.run()
    assert [failure.type for failure in two.failures] == [ZeroDivisionError]


def test_a_stop_ends_all_links_and_leaves_no_timer() -> None:
    """The others are told why, the stopping cluster is not; it fires when all is over, and nobody comes in any more."""
    town, one, two = linked()
    stopped: list[None] = []
    with complaints() as logged:
        two.links.stop().addCallback(stopped.append)
        town.run()
    assert stopped == [None]
    assert two.take() == []
    assert one.take() == [("down", "n2")]
    assert logged[0]["why"] == "the other side closed it: n2 stops"
    town.run(5)
    assert two.take() == []
    one.links.stop()
    town.run()
    assert town.clock.getDelayedCalls() == []


def test_a_stop_does_not_wait_for_a_peer_that_is_gone() -> None:
    """A connection that does not answer the close is cut."""
    town, one, _two = linked()
    town.wires[0].stick()
    stopped: list[None] = []
    one.links.stop().addCallback(stopped.append)
    town.run(0.5)
    assert stopped == []
    town.run(0.6)
    town.wires[0].cut()
    town.run()
    assert stopped == [None]


@pytest.mark.parametrize("rounds", range(8))
def test_a_stop_in_the_midst_of_a_handshake_leaves_no_link(rounds: int) -> None:
    """However far two nodes have come with each other, one that stops has no link afterwards and hears of none."""
    town, cluster_map = Town(), a_map("n1", "n2")
    one, two = town.add("n1", cluster_map), town.add("n2", cluster_map)
    town.clock.advance(0)
    town.clock.advance(0)
    for _ in range(rounds):
        town.wires[0].pump()
    one.take()
    stopped: list[None] = []
    one.links.stop().addCallback(stopped.append)
    town.run(HANDSHAKE_S + 2)
    assert stopped == [None]
    assert one.take() == []
    assert not one.links.is_up("n2") and not two.links.is_up("n1")


def test_a_changed_map_moves_and_cuts_links() -> None:
    """A replaced directory's link is cut at once; a node with a new address is dialled there."""
    town, one, two = linked()
    one.map = a_map("n1", "n2", version=2, epoch=2, since={"n2": 2})
    one.links.map_changed()
    town.run()
    assert one.take() == [("down", "n2")]
    assert two.take() == [("down", "n1")]
    two.links.stop()
    town.add("n2", one.map, identity="another")
    town.run(3)
    assert one.take() == [("up", "n2")]
    assert one.peers["n2"] == Peer("another", 2, 5)


class Browser:
    """Bytes to a node's listener, without a handshake of its own."""

    def __init__(self) -> None:
        self.received = b""
        self.lost = False
        self.transport: Any = None

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 - Twisted's name
        """It is connected."""
        self.transport = transport

    def dataReceived(self, data: bytes) -> None:
        """The node answers."""
        self.received += data

    def connectionLost(self, _reason: object) -> None:
        """The node hung up."""
        self.lost = True


def upgrade(path: str = "/peer", protocol: str = "auction.peer.v1") -> bytes:
    """The head of a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: n1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (upgrade(), b"101"),
        (upgrade(protocol="auction.v1.json"), b"400"),
        (upgrade(path="/ws"), b"400"),
        (b"GET /peer HTTP/1.1\r\nHost: n1\r\n\r\n", b"426"),
    ],
)
def test_only_nodes_subprotocol_is_let_in(head: bytes, status: bytes) -> None:
    """Whoever does not speak as nodes do gets an HTTP error, and the connection is closed."""
    town = Town()
    node = town.add("n1", a_map("n1", "n2"))
    browser = Browser()
    town.wire(browser, node)
    town.run()
    browser.transport.write(head)
    town.run()
    assert browser.received.split()[1] == status
    town.run(HANDSHAKE_S + 1)
    assert browser.lost


def test_a_caller_that_says_nothing_is_cut() -> None:
    """A TCP connection alone, and a WebSocket alone, last no longer than a handshake may."""
    town = Town()
    node = town.add("n1", a_map("n1", "n2"))
    silent, opened = Browser(), Browser()
    for browser in (silent, opened):
        town.wire(browser, node)
    town.run()
    opened.transport.write(upgrade())
    town.run(HANDSHAKE_S - STEP_S)
    assert not silent.lost and not opened.lost
    town.run(2 * STEP_S)
    assert silent.lost and opened.lost


@pytest.mark.parametrize("message", [bytes(HANDSHAKE_BYTES_MAX + 1), bytes(HANDSHAKE_BYTES_MAX), b"", b"\xc0"])
def test_a_caller_that_says_something_else_is_cut(message: bytes) -> None:
    """Neither more than a handshake is long, nor noise, gets an answer other than that it is refused."""
    town = Town()
    node = town.add("n1", a_map("n1", "n2"))
    browser = Browser()
    town.wire(browser, node)
    town.run()
    browser.transport.write(upgrade())
    town.run()
    browser.received = b""
    browser.transport.write(frame(2, message))
    town.run(2)
    assert browser.lost
    assert b"n1" not in browser.received
    assert node.take() == []


def test_a_reason_is_cut_to_what_a_close_can_carry() -> None:
    """A long reason with characters of several bytes arrives in part, as readable text."""
    town, one, two = linked()

    def complain(_node: str, _frame: bytes) -> None:
        raise PeerFault("é" * 100)

    two.on_frame = complain
    with complaints() as logged:
        one.links.send("n2", b"frame")
        town.run()
    assert logged[-1]["why"] == "the other side closed it: " + "é" * 61


def test_callers_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a caller is turned away with 503, and nodes that are known do not count."""
    monkeypatch.setattr("shardnode.cluster.links.STRANGERS_MAX", 2)
    town, _one, two = linked()
    browsers = [Browser() for _ in range(3)]
    for browser in browsers:
        town.wire(browser, two)
        town.run()
        browser.transport.write(upgrade())
        town.run()
    assert [browser.received.split()[1] for browser in browsers] == [b"101", b"101", b"503"]
    assert two.limits == ["peer_strangers_max"]
    assert two.links.is_up("n1")


def test_before_the_start_everybody_is_turned_away() -> None:
    """A node that does not serve yet answers 503; whoever dials it tries again and gets in later."""
    town, cluster_map = Town(), a_map("n1", "n2")
    two = LinkedNode(town, "n2", cluster_map, bytes(32))
    browser = Browser()
    town.wire(browser, two)
    town.run()
    browser.transport.write(upgrade())
    town.run()
    assert browser.received.split()[1] == b"503"


@pytest.mark.parametrize(
    ("other", "reasons"),
    [
        ({"secret": bytes(32)}, ("does not know this cluster's secret", "secret")),
        ({"catalog": "1" * 32}, ("the same --rules", "the same --rules")),
    ],
)
def test_a_refusal_is_in_both_logs_once(other: dict[str, Any], reasons: tuple[str, str]) -> None:
    """Each side says why, aloud the first time only, and there is no link."""
    town, cluster_map = Town(), a_map("n1", "n2")
    with complaints() as logged:
        one = town.add("n1", cluster_map)
        two = town.add("n2", cluster_map, **other)
        town.run(20)
    assert not one.links.is_up("n2") and not two.links.is_up("n1")
    refusals = [event["why"] for event in logged if event["log_format"] == "refused"]
    assert len(refusals) == 2, refusals
    assert all(reason in why for reason, why in zip(reasons, refusals, strict=True))


@contextmanager
def complaints() -> Iterator[list[dict[str, Any]]]:
    """What links log meanwhile at the level of a warning."""
    events: list[dict[str, Any]] = []

    def take(event: dict[str, Any]) -> None:
        if event["log_level"] >= LogLevel.warn and event["log_namespace"].startswith("shardnode"):
            events.append(event)

    globalLogPublisher.addObserver(take)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(take)
