"""Transfers between nodes: each taken in once and in order, whatever the network and restarts do."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction.events import Record, Refund, StoreOpened, TransferSent, encode_events
from shardnode.cluster import messages
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.network import PeerFault
from shardnode.cluster.transfers import TransferLimits
from shardnode.storage.facts import Unsent, transfer_key
from tests.cluster.rig import NODES, Faults, House, a_map, store_of

ANN, BOB, CID, DAN = "ann-n1", "bob-n2", "cid-n3", "dan-n2"
PAIRS = [(one, other) for one in (ANN, BOB, CID, DAN) for other in (ANN, BOB, CID, DAN) if one[-2:] != other[-2:]]


def taken(house: House, sender: str, to: str) -> list[int]:
    """The amounts that a player's store has taken from another's."""
    series = store_of(sender), house.map.life_of(store_of(sender)), store_of(to)
    events = house.disks[to[-2:]].taken.get(series, [])
    return [event.payload.gold for event in events if isinstance(event.payload, Refund)]


def carried(house: House, kind: type) -> list[tuple[str, str, object]]:
    """Messages of a kind that were sent, with sender and receiver."""
    return [
        (sender, to, message)
        for sender, to, frame in house.frames
        for message in msgspec.msgpack.decode(frame, type=messages.Frame).messages
        if isinstance(message, kind)
    ]


def a_transfer(**fields: object) -> messages.Transfer:
    """The first transfer of Ann's store to Bob's."""
    to, number = fields.get("to", store_of(BOB)), 1
    life = int(str(fields.get("receiver_life", 1)))
    event = encode_events([TransferSent(store_of(BOB), number, Refund("l", 5, False, 1, None), 5, life)])
    defaults: dict[str, object] = {
        "sender": store_of(ANN),
        "life": 1,
        "receiver_life": 1,
        "event": event,
        "number": number,
        "to": to,
    }
    return messages.Transfer(**{**defaults, **fields})  # type: ignore[arg-type]  # whatever a test wants


def test_a_transfer_crosses_once_and_is_forgotten() -> None:
    """It leaves when it is durable, is taken in, and its fact goes when that is durable over there."""
    house = House()
    house.send_gold(ANN, BOB, 70)
    assert len(house.disks["n1"].facts) == 1
    assert b"auction_transfers_unsent 1.0" in house.metrics["n1"].render()
    house.settle()
    assert taken(house, ANN, BOB) == [70]
    assert house.disks["n1"].facts == {}
    assert b"auction_transfers_unsent 0.0" in house.metrics["n1"].render()
    assert len(carried(house, messages.Transfer)) == 1


def test_only_what_leaves_the_node_is_a_fact() -> None:
    """Transfers within the node, and events of any other kind, are the record's own business."""
    house = House()
    stays = TransferSent(store_of("eve-n1"), 1, Refund("l", 5, False, 1, None), 5)
    leaves = TransferSent(store_of(BOB), 3, Refund("l", 5, False, 1, None), 5)
    record: Record = {store_of(ANN): [StoreOpened("ann-n1", store_of(ANN)), stays, leaves]}
    key = transfer_key(store_of(ANN), store_of(BOB), 1, 3)
    assert house.nodes["n1"].unsent(record) == {key: Unsent(1, encode_events([leaves]))}
    assert house.nodes["n1"].unsent({store_of(ANN): [stays]}) == {}


def test_transfers_wait_for_the_link() -> None:
    """They leave in order when it comes up; those to another node are not held up."""
    house = House()
    house.cut("n1", "n2")
    for amount in (1, 2, 3):
        house.send_gold(ANN, BOB, amount)
    house.send_gold(ANN, CID, 9)
    house.settle(3)
    assert taken(house, ANN, BOB) == []
    assert taken(house, ANN, CID) == [9]
    house.join("n1", "n2")
    house.settle()
    assert taken(house, ANN, BOB) == [1, 2, 3]
    assert house.disks["n1"].facts == {}


def test_a_start_takes_up_what_was_not_done() -> None:
    """From the facts alone, in order, also where the numbers have different lengths and only some may be under way."""
    house = House(ClusterLimits(transfers=TransferLimits(under_way_max=3)))
    house.cut("n1", "n2")
    for amount in range(1, 13):
        house.send_gold(ANN, BOB, amount)
    facts = house.disks["n1"].facts
    house.disks["n1"].facts = dict(sorted(facts.items()))
    house.restart("n1")
    house.send_gold(ANN, BOB, 13)
    house.join("n1", "n2")
    house.settle()
    assert taken(house, ANN, BOB) == list(range(1, 14))
    assert len(carried(house, messages.Transfer)) == 13


def test_what_was_taken_before_is_acknowledged_again() -> None:
    """The first acknowledgement was lost with the link; the transfer is not taken twice."""
    house = House()
    house.send_gold(ANN, BOB, 70)
    house.settle(0.01)
    assert taken(house, ANN, BOB) == [70]
    house.cut("n1", "n2")
    house.settle()
    assert len(house.disks["n1"].facts) == 1
    house.join("n1", "n2")
    house.settle()
    assert taken(house, ANN, BOB) == [70]
    assert house.disks["n1"].facts == {}


def test_an_acknowledgement_speaks_for_all_before_it() -> None:
    """So one that is lost is made good by the next; and one that comes again changes nothing."""
    house = House()
    house.cut("n1", "n2")
    for amount in (1, 2, 3):
        house.send_gold(ANN, BOB, amount)
    house.cut("n2", "n3")
    done = messages.TransferDone(store_of(ANN), store_of(BOB), 1, 2)
    for _ in range(2):
        house.nodes["n1"].received("n2", msgspec.msgpack.encode(messages.Frame(1, 1, [done])))
        assert [key[-1] for key in house.disks["n1"].facts] == ["3"]


@pytest.mark.parametrize(
    ("node", "done"),
    [
        ("n3", messages.TransferDone(store_of(ANN), store_of(BOB), 1, 1)),
        ("n2", messages.TransferDone(store_of(ANN), store_of(BOB), 7, 1)),
        ("n2", messages.TransferDone(store_of("eve-n1"), store_of(BOB), 1, 1)),
    ],
)
def test_an_acknowledgement_of_something_else_forgets_nothing(node: str, done: messages.TransferDone) -> None:
    """Only the receiver's node speaks for it, and only for this pair of stores and this life."""
    house = House()
    house.cut("n1", "n2")
    house.send_gold(ANN, BOB, 1)
    house.nodes["n1"].received(node, msgspec.msgpack.encode(messages.Frame(1, 1, [done])))
    assert len(house.disks["n1"].facts) == 1


def test_what_has_no_room_comes_again_in_order() -> None:
    """A receiver that cannot take one in now takes none after it either, until it can."""
    house = House()
    house.homes["n2"].taking = lambda: False
    for amount in (1, 2, 3):
        house.send_gold(ANN, BOB, amount)
    house.settle()
    house.homes["n2"].taking = lambda: True
    assert taken(house, ANN, BOB) == []
    house.settle(2)
    assert taken(house, ANN, BOB) == [1, 2, 3]


def test_transfers_under_way_are_bounded() -> None:
    """By number and by bytes; the rest follows as those are done, and one larger than the bound goes alone."""
    for limits in (TransferLimits(under_way_max=3), TransferLimits(under_way_bytes_max=150)):
        house = House(ClusterLimits(transfers=limits))
        house.homes["n2"].taking = lambda: False
        for amount in range(10):
            house.send_gold(ANN, BOB, amount)
        house.settle(0.5)
        assert 1 <= len(carried(house, messages.Transfer)) <= 3
        house.homes["n2"].taking = lambda: True
        house.settle(3)
        assert taken(house, ANN, BOB) == list(range(10))
    house = House(ClusterLimits(transfers=TransferLimits(under_way_bytes_max=1)))
    house.send_gold(ANN, BOB, 5)
    house.settle()
    assert taken(house, ANN, BOB) == [5]


def test_a_store_that_takes_nothing_in_keeps_the_road_from_nobody() -> None:
    """Transfers to it fill the road, and give way to those to others when they come again."""
    house = House(ClusterLimits(transfers=TransferLimits(under_way_max=3)))
    house.homes["n2"].refusing = {store_of(BOB)}
    for amount in range(5):
        house.send_gold(ANN, BOB, amount)
    house.send_gold(ANN, DAN, 70)
    house.settle(4)
    assert taken(house, ANN, DAN) == [70]
    house.homes["n2"].refusing = set()
    house.settle(6)
    assert taken(house, ANN, BOB) == list(range(5))


def test_transfers_that_wait_to_be_taken_in_are_bounded() -> None:
    """What comes beyond the bound is counted, comes again, and is taken in its turn."""
    house = House(ClusterLimits(transfers=TransferLimits(taking_max=2)))
    for amount in range(6):
        house.send_gold(ANN, BOB, amount)
    house.settle()
    assert b'auction_limit_hits_total{limit="taking_max"}' in house.metrics["n2"].render()
    assert taken(house, ANN, BOB) == [0, 1]
    house.settle(4)
    assert taken(house, ANN, BOB) == list(range(6))


@pytest.mark.parametrize("restarted", [("n2",), NODES])
def test_what_was_sent_to_a_replaced_directory_is_held(restarted: tuple[str, ...]) -> None:
    """It is neither sent, nor lost, nor done with by what the new directory takes; an operator sees it. So it is
    whether the sender's node has started since, or has run all the time.
    """
    house = House()
    house.cut("n1", "n2")
    house.send_gold(ANN, BOB, 70)
    old = dict(house.disks["n1"].facts)
    house.map = a_map(version=2, epoch=2, since={"n2": 2})
    house.disks["n2"].taken.clear()
    house.disks["n1"].numbers.clear()
    for node in restarted:
        house.restart(node)
    house.join("n1", "n2")
    assert b"auction_transfers_held 1.0" in house.metrics["n1"].render()
    assert b"auction_transfers_unsent 0.0" in house.metrics["n1"].render()
    house.send_gold(ANN, BOB, 5)
    house.settle(3)
    assert taken(house, ANN, BOB) == [5]
    assert house.disks["n1"].facts == old


@pytest.mark.parametrize(("life", "receiver_life"), [(1, 2), (2, 1), (1, 1)])
def test_a_transfer_of_another_life_is_not_taken(life: int, receiver_life: int) -> None:
    """Nothing is taken in and nothing acknowledged: what it is worth is not known here."""
    house = House(cluster_map=a_map(version=1, epoch=1, since={"n1": 2, "n2": 2}))
    transfer = a_transfer(life=life, receiver_life=receiver_life)
    house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [transfer])))
    house.settle()
    assert house.disks["n2"].taken == {}
    assert carried(house, messages.TransferDone) == []


@pytest.mark.parametrize(
    "transfer",
    [
        a_transfer(event=b"\x80"),
        a_transfer(event=b"\xc1"),
        a_transfer(event=encode_events([])),
        a_transfer(event=encode_events([StoreOpened("a", "b")])),
        a_transfer(number=2),
        msgspec.structs.replace(a_transfer(), receiver_life=2),
        a_transfer(to=store_of(DAN)),
        a_transfer(sender=store_of(CID)),
        a_transfer(sender="NOT A STORE"),
    ],
)
def test_a_transfer_that_is_none_is_the_peers_fault(transfer: messages.Transfer) -> None:
    """Of what is no transfer, or is not that node's to send, nothing is taken."""
    house = House()
    with pytest.raises(PeerFault, match="n1"):
        house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [transfer])))
    assert house.disks["n2"].taken == {}


def test_a_transfer_to_a_store_of_another_node_is_the_peers_fault() -> None:
    """Under one map both know where a store lives."""
    house = House()
    event = encode_events([TransferSent(store_of(CID), 1, Refund("l", 5, False, 1, None), 5)])
    with pytest.raises(PeerFault, match="not its to send"):
        transfer = a_transfer(event=event, to=store_of(CID))
        house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [transfer])))


STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(PAIRS)),
    st.tuples(st.just("restart"), st.sampled_from(NODES)),
    st.tuples(st.just("link"), st.sampled_from([("n1", "n2"), ("n1", "n3"), ("n2", "n3")])),
    st.tuples(st.just("wait"), st.sampled_from([0.005, 0.05, 0.6])),
    st.tuples(st.just("busy"), st.sampled_from(NODES)),
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=40), st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.5]))
def test_everything_sent_is_taken_once_and_in_order(steps: list[tuple[str, object]], seed: int, rate: float) -> None:
    """Under loss, doubling, delays, cuts, restarts and busy receivers: at every step a prefix of what was sent, and all
    of it, with no fact left, when the network is well again.
    """
    limits = ClusterLimits(transfers=TransferLimits(under_way_max=4))
    house = House(limits, seed=seed)
    house.faults = Faults(lose=rate, double=rate, delay_s=0.05 * rate)
    sent: dict[tuple[str, str], list[int]] = {}
    for amount, (step, what) in enumerate(steps):
        _step(house, step, what, amount, sent)
        for pair, amounts in sent.items():
            assert amounts[: len(taken(house, *pair))] == taken(house, *pair)
    for home in house.homes.values():
        home.taking = lambda: True
    house.heal()
    house.settle(6)
    for pair, amounts in sent.items():
        assert taken(house, *pair) == amounts
    assert all(disk.facts == {} for disk in house.disks.values())
    assert house.peer_faults == []


def _step(house: House, step: str, what: object, amount: int, sent: dict[tuple[str, str], list[int]]) -> None:
    if step == "send":
        sender, to = pair = what  # type: ignore[misc]  # a pair of players
        sent.setdefault(pair, []).append(amount)
        house.send_gold(sender, to, amount)
    elif step == "restart":
        house.restart(str(what))
    elif step == "link":
        one, other = what  # type: ignore[misc]  # a pair of nodes
        (house.cut if house.is_up(one, other) else house.join)(one, other)
    elif step == "busy":
        house.homes[str(what)].taking = lambda: house.random.random() < 0.5
    else:
        house.settle(float(str(what)))
