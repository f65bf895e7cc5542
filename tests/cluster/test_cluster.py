"""The cluster as a whole: what it hands on, what it shows, and that a bug stops the node."""

from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from auction.commands import GetPlayer
from auction.context import Answer, Caller, Request
from shardnode.agreement.messages import Acked, TradeId
from shardnode.cluster import messages
from shardnode.cluster.cluster import Cluster, ClusterLimits
from shardnode.cluster.map import alone
from shardnode.cluster.network import PeerFault
from shardnode.ops.metrics import Metrics
from tests.cluster.rig import Disk, FakeHome, House, outcome, player_result, store_of
from tests.search.rows import listing

ACKED = Acked(TradeId(1, "n1", 1, 1), "s")


class Nowhere:
    """The network of a node that stands alone."""

    def send(self, _node: str, _frame: bytes) -> bool:
        """See Network."""
        raise AssertionError("there is nobody")

    def is_up(self, _node: str) -> bool:
        """See Network."""
        return False


def test_messages_of_the_agreement_reach_the_other_node() -> None:
    """With the node that said them; where there is no link they are lost, as any message may be."""
    house = House()
    house.nodes["n1"].say("n2", ACKED)
    house.settle()
    assert house.homes["n2"].agreed == [("n1", ACKED)]
    house.cut("n1", "n2")
    house.nodes["n1"].say("n2", ACKED)
    house.settle()
    assert len(house.homes["n2"].agreed) == 1


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type that msgspec knows, however odd."""
    if kind is msgspec.Raw:
        return st.sampled_from([b"\x80", b"\xc0", b"\x90"]).map(msgspec.Raw)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.builds(kind, **{field.name: anything(field.type) for field in msgspec.structs.fields(kind)})
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return (
            st.lists(anything(args[0]), max_size=2).map(tuple) if args[-1] is ... else st.tuples(*map(anything, args))
        )
    if origin is dict:
        return st.dictionaries(anything(args[0]), anything(args[1]), max_size=2)
    if args:
        return st.one_of(*map(anything, args))
    return SIMPLE[kind]


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-1, 3) | st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    str: st.sampled_from(["", "ann-n1", "bob-n2", store_of("ann-n1"), store_of("bob-n2"), "player.get"]) | st.text(),
    bytes: st.binary(max_size=5),
    type(None): st.none(),
}


@pytest.mark.parametrize("kind", get_args(messages.PeerMessage), ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_whatever_a_peer_says_is_taken_or_its_fault(kind: type, data: st.DataObject) -> None:
    """No message, of any kind and however odd, is a bug of the node that gets it, and no kind comes to nobody."""
    house = House()
    house.homes["n2"].at_once = Answer(player_result("x"), False)
    frame = messages.Frame(1, 1, data.draw(st.lists(anything(kind), min_size=1, max_size=2)))
    try:
        house.nodes["n2"].received("n1", msgspec.msgpack.encode(frame))
    except PeerFault as fault:
        assert "n1" in str(fault)
    house.settle(0.02)


def test_a_bug_met_on_the_way_stops_the_node() -> None:
    """One that a frame led to, at once; a peer's fault does not."""
    house = House()
    node, home = house.nodes["n2"], house.homes["n2"]
    home.tell_key = None  # type: ignore[method-assign, assignment]  # a bug
    told = messages.TellKey("bob-n2", "k")
    node.received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [told])))
    assert [failure.type for failure in house.failures] == [TypeError]
    with pytest.raises(PeerFault):
        node.received("n1", b"nonsense")
    assert len(house.failures) == 1


def test_a_bug_met_by_the_clock_stops_the_node() -> None:
    """A loop that fails does not end in the reactor's log."""
    house = House()
    house.send_gold("ann-n1", "bob-n2", 1)
    house.is_up = None  # type: ignore[method-assign, assignment]  # a bug
    house.clock.pump([0.1] * 10)
    assert {failure.type for failure in house.failures} == {TypeError}


def test_peers_that_are_up_are_counted() -> None:
    """So an operator sees a link that is missing."""
    house = House()
    assert b"auction_peers_up 2.0" in house.metrics["n1"].render()
    house.cut("n1", "n2")
    assert b"auction_peers_up 1.0" in house.metrics["n1"].render()


def test_a_house_of_one_node_has_nothing_to_do() -> None:
    """It answers from its own stores and index, keeps no time, and sends nobody anything."""
    clock, disk = Clock(), Disk()
    home = FakeHome("n2", disk, clock)
    node = Cluster(
        node="n2",
        cluster_map=lambda: alone("n2"),
        network_of=lambda _: Nowhere(),
        home=home,
        facts={},
        reactor=clock,
        limits=ClusterLimits(),
        metrics=Metrics("n2", "w"),
        failed=lambda failure: failure.raiseException(),
    )
    node.start()
    home.at_once = Answer(player_result("x"), False)
    (answer,) = outcome(node.ask(Request(Caller("ann-n1", "player"), GetPlayer(), redirects=True)))
    assert answer is home.at_once
    node.joined("ann-n1")
    node.listings_durable([listing(1)], 1)
    node.left("ann-n1")
    assert clock.getDelayedCalls() == []
    node.stop()


def test_a_stopped_node_keeps_no_time() -> None:
    """Nothing of it is left with the reactor."""
    house = House()
    for node in house.nodes.values():
        node.stop()
    house.settle()
    assert house.clock.getDelayedCalls() == []
