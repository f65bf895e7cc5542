"""Pushes follow a player to the node it is connected to: each once, in order, none missing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardnode.cluster import messages
from shardnode.cluster.attach import AttachLimits
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.network import PeerFault
from tests.cluster.rig import NODES, Faults, House, outcome

BOB = "bob-n2"


def join(house: House, node: str, player: str = BOB) -> None:
    """A player's first session on a node."""
    house.disks[player[-2:]].notices.setdefault(player, [])
    house.homes[node].here.add(player)
    house.nodes[node].joined(player)


def leave(house: House, node: str, player: str = BOB) -> None:
    """A player's last session on a node is gone."""
    house.homes[node].here.remove(player)
    house.nodes[node].left(player)


def told(house: House, node: str, player: str = BOB) -> list[int]:
    """The numbers of what a player's sessions on a node were told."""
    return [notice.seq for name, notice in house.homes[node].delivered if name == player]


def test_a_player_is_told_wherever_it_is_connected() -> None:
    """On its home, and on every node where it has a session, until the last one there is gone."""
    house = House()
    for node in NODES:
        join(house, node)
    house.settle()
    house.tell(BOB)
    house.settle()
    leave(house, "n3")
    house.settle()
    house.tell(BOB)
    house.settle()
    assert [told(house, node) for node in NODES] == [[1, 2], [1, 2], [1]]


def test_a_login_elsewhere_is_told_the_latest_seq_of_its_home() -> None:
    """And later notices come, so a client misses nothing and hears nothing twice."""
    house = House()
    for _ in range(4):
        house.tell(BOB)
    join(house, "n1")
    seq = outcome(house.nodes["n1"].latest_seq(BOB))
    assert seq == []
    house.settle()
    assert seq == [4]
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == [5]
    assert outcome(house.nodes["n1"].latest_seq(BOB)) == [5]


def test_a_login_at_home_is_told_the_latest_seq() -> None:
    """From the store itself; 0 where that cannot be read, from where nothing is lost."""
    house = House()
    house.tell(BOB)
    join(house, "n2")
    assert outcome(house.nodes["n2"].latest_seq(BOB)) == [1]
    house.homes["n2"].reads = False
    assert outcome(house.nodes["n2"].latest_seq(BOB)) == [0]


def test_no_login_waits_for_a_node_that_cannot_be_reached() -> None:
    """It is told 0 at once: where there is no link, where the link goes meanwhile, where the session itself goes."""
    house = House()
    house.tell(BOB)
    join(house, "n1")
    house.homes["n2"].reads = False
    waiting = outcome(house.nodes["n1"].latest_seq(BOB))
    house.cut("n1", "n2")
    assert waiting == [0]
    assert outcome(house.nodes["n1"].latest_seq(BOB)) == [0]
    house.join("n1", "n2")
    waiting = outcome(house.nodes["n1"].latest_seq(BOB))
    leave(house, "n1")
    assert waiting == [0]
    assert outcome(house.nodes["n1"].latest_seq(BOB)) == [0]


def test_whoever_logged_in_without_its_home_is_told_when_there_is_more() -> None:
    """A client that was told 0 hears the latest notice when the home is back, and so learns of all it missed."""
    house = House()
    for _ in range(3):
        house.tell(BOB)
    house.cut("n1", "n2")
    join(house, "n1")
    assert outcome(house.nodes["n1"].latest_seq(BOB)) == [0]
    house.join("n1", "n2")
    house.settle()
    assert told(house, "n1") == [3]
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == [3, 4]


def test_a_login_waits_only_so_long() -> None:
    """A home that has a link and does not answer is 0 as well, well before the login is overdue."""
    house = House()
    house.homes["n2"].reads = False
    join(house, "n1")
    waiting = outcome(house.nodes["n1"].latest_seq(BOB))
    house.settle(1.9)
    assert waiting == []
    house.settle(1)
    assert waiting == [0]
    house.homes["n2"].reads = True
    house.settle(2)
    assert outcome(house.nodes["n1"].latest_seq(BOB)) == [0]
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == [1]


def test_what_was_missed_while_the_link_was_down_is_told_when_it_is_back() -> None:
    """By number, many pages of it, and before anything newer."""
    house = House()
    join(house, "n1")
    house.settle()
    house.tell(BOB)
    house.settle()
    house.cut("n1", "n2")
    for _ in range(250):
        house.tell(BOB)
    house.join("n1", "n2")
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == list(range(1, 253))


def test_a_gap_is_read_and_doubles_are_dropped() -> None:
    """A push that was lost shows with the next one; one that comes again is not told again."""
    house = House()
    join(house, "n1")
    house.settle()
    house.faults = Faults(lose=1.0)
    house.tell(BOB)
    house.clock.advance(0)
    house.faults = Faults(double=1.0)
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == [1, 2]


def test_a_late_push_is_not_told_beside_what_is_being_read() -> None:
    """The gap that it left is being read already, with it in it."""
    house = House()
    join(house, "n1")
    house.settle()
    late = _lose_a_push(house)
    house.tell(BOB)
    house.settle(0.01)
    house.nodes["n1"].received("n2", late)
    house.settle()
    assert told(house, "n1") == [1, 2]


def test_what_is_being_read_for_a_session_that_left_is_not_told_to_the_next() -> None:
    """The next one's login was told a later seq."""
    house = House()
    join(house, "n1")
    house.settle()
    _lose_a_push(house)
    house.tell(BOB)
    house.settle(0.01)
    leave(house, "n1")
    join(house, "n1")
    seq = outcome(house.nodes["n1"].latest_seq(BOB))
    house.settle()
    house.tell(BOB)
    house.settle()
    assert seq == [2]
    assert told(house, "n1") == [3]


def test_the_last_push_before_a_silence_is_not_lost_for_good() -> None:
    """Attached players are attached again now and then, and what was missed shows."""
    house = House()
    join(house, "n1")
    house.settle()
    _lose_a_push(house)
    house.settle(12)
    assert told(house, "n1") == [1]


def test_notices_that_are_not_kept_any_more_are_passed_over() -> None:
    """What can be read is told; a hole that nobody can fill holds nothing up."""
    house = House()
    join(house, "n1")
    house.settle()
    house.cut("n1", "n2")
    for _ in range(3):
        house.tell(BOB)
    kept = house.disks["n2"].notices[BOB]
    house.homes["n2"].first_kept = 3
    house.join("n1", "n2")
    house.settle()
    house.tell(BOB)
    house.settle()
    assert told(house, "n1") == [3, 4]
    assert len(kept) == 4


def test_a_home_knows_who_is_present_on_other_nodes() -> None:
    """As long as a session is there and the link to it is up."""
    house = House()
    home = house.nodes["n2"]
    assert not home.is_present(BOB)
    join(house, "n1")
    house.settle()
    assert home.is_present(BOB)
    assert b"auction_players_attached 1.0" in house.metrics["n2"].render()
    house.cut("n1", "n2")
    assert not home.is_present(BOB)
    house.join("n1", "n2")
    house.settle()
    assert home.is_present(BOB)
    leave(house, "n1")
    house.settle()
    assert not home.is_present(BOB)
    join(house, "n2")
    assert home.is_present(BOB)


def test_a_push_for_nobody_ends_the_attachment() -> None:
    """A Detach that was lost is said again when the next push comes."""
    house = House()
    join(house, "n1")
    house.settle()
    house.faults = Faults(lose=1.0)
    leave(house, "n1")
    house.clock.advance(0)
    house.faults = Faults()
    house.tell(BOB)
    house.settle()
    assert not house.nodes["n2"].is_present(BOB)
    assert told(house, "n1") == []


def test_attachments_are_bounded() -> None:
    """So many wait for their answer at a time, the others follow; a home attaches no more than it may."""
    limits = AttachLimits(asked_max=2, attached_max=5)
    house = House(ClusterLimits(attach=limits))
    players = [f"p{number}-n2" for number in range(7)]
    for player in players:
        join(house, "n1", player)
    house.clock.advance(0)
    assert len(_attaches(house)) == 2
    house.settle(0.2)
    assert [house.nodes["n2"].is_present(player) for player in players] == [True] * 5 + [False] * 2
    assert b'auction_limit_hits_total{limit="attached_max"}' in house.metrics["n2"].render()


def test_players_are_attached_again_a_few_at_a_time() -> None:
    """A link that comes back does not make a home read all of its players' stores at once."""
    house = House(ClusterLimits(attach=AttachLimits(asked_max=3)))
    players = [f"p{number}-n2" for number in range(10)]
    for player in players:
        join(house, "n1", player)
    house.settle()
    house.cut("n1", "n2")
    house.frames.clear()
    house.join("n1", "n2")
    house.clock.advance(0)
    assert len(_attaches(house)) == 3
    house.settle()
    assert all(house.nodes["n2"].is_present(player) for player in players)
    assert len(_attaches(house)) == 10


def test_an_attachment_of_another_nodes_player_is_the_peers_fault() -> None:
    """Under one map both know where a player lives."""
    house = House()
    attach = msgspec.msgpack.encode(messages.Frame(1, 1, [messages.Attach("cid-n3")]))
    with pytest.raises(PeerFault, match="n1"):
        house.nodes["n2"].received("n1", attach)


def test_what_other_nodes_say_of_a_player_is_passed_over() -> None:
    """Only a player's home tells what it was told."""
    house = House()
    join(house, "n1")
    house.settle()
    notice = house.tell(BOB)
    house.settle()
    for message in (messages.Attached(BOB, 9), messages.Push(BOB, msgspec.structs.replace(notice, seq=2))):
        house.nodes["n1"].received("n3", msgspec.msgpack.encode(messages.Frame(1, 1, [message])))
    house.settle()
    assert told(house, "n1") == [1]


STEPS = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 3)),
    st.tuples(st.just("session"), st.sampled_from(["n1", "n3"])),
    st.tuples(st.just("link"), st.sampled_from([("n1", "n2"), ("n2", "n3"), ("n1", "n3")])),
    st.tuples(st.just("restart"), st.just("n2")),
    st.tuples(st.just("wait"), st.sampled_from([0.005, 0.05, 1.2])),
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=30), st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.5]))
def test_pushes_are_gapless_and_in_order(steps: list[tuple[str, object]], seed: int, rate: float) -> None:
    """Whatever the network does: from what a session's login was told on, every notice, once and in order, and in the
    end all of them.
    """
    house = House(seed=seed)
    house.disks["n2"].notices[BOB] = []
    house.faults = Faults(lose=rate, double=rate, delay_s=0.05 * rate)
    since: dict[str, list[int]] = {}
    for step, what in steps:
        if step == "tell":
            for _ in range(int(str(what))):
                house.tell(BOB)
        elif step == "session":
            _toggle(house, str(what), since)
        elif step == "link":
            one, other = what  # type: ignore[misc]  # a pair of nodes
            (house.cut if house.is_up(one, other) else house.join)(one, other)
        elif step == "restart":
            house.restart("n2")
        else:
            house.settle(float(str(what)))
        for node in since:
            heard = told(house, node)
            assert heard == list(range(heard[0], heard[0] + len(heard))) if heard else True
    house.heal()
    house.settle(14)
    last = len(house.disks["n2"].notices[BOB])
    for node, seq in since.items():
        heard = told(house, node)
        assert seq, "every login is answered"
        first = heard[0] if heard else last + 1
        assert heard == list(range(first, last + 1))
        assert seq[0] == 0 or first <= seq[0] + 1
    assert house.peer_faults == []


def _toggle(house: House, node: str, since: dict[str, list[int]]) -> None:
    if node in since:
        del since[node]
        leave(house, node)
    else:
        house.homes[node].delivered.clear()
        join(house, node)
        since[node] = outcome(house.nodes[node].latest_seq(BOB))


def _lose_a_push(house: House) -> bytes:
    """A player is told something, which gets lost; the frame that would have told it."""
    house.faults = Faults(lose=1.0)
    house.tell(BOB)
    house.clock.advance(0)
    house.faults = Faults()
    return house.frames[-1][2]


def _attaches(house: House) -> list[messages.Attach]:
    return [
        message
        for _, _, frame in house.frames
        for message in msgspec.msgpack.decode(frame, type=messages.Frame).messages
        if isinstance(message, messages.Attach)
    ]
