"""Freezes through whole nodes: who knows of one, since when, and after what."""

from typing import Any

import msgspec
import pytest

from auction.commands import CreateListing, FreezeTrading, GetListing, Grant, GrantedItem, PlaceBid, ThawTrading
from auction.context import Answer
from auction.freezes import NOTHING_FROZEN, Freezes
from auction.house_state import Freeze
from auction.ids import house_store
from auction.refusals import Refusal
from shardnode.cluster.freezes import TOLD_AGAIN_S
from shardnode.cluster.messages import Frozen
from tests.auction.house import CATALOG
from tests.node.house import HOUR_S, NodeInMemory
from tests.node.many import NAMING_KEY, HouseInMemory

ALL = Freeze("house", "house", None, True, "ops", 1)


@pytest.fixture
def house() -> HouseInMemory:
    """Three nodes."""
    return HouseInMemory()


def home_of_the_house(house: HouseInMemory) -> str:
    """The node that keeps the house's own store."""
    return house.map.home_of(house_store(NAMING_KEY))


def others(house: HouseInMemory) -> list[str]:
    """All other nodes."""
    return [name for name in house.nodes if name != home_of_the_house(house)]


def freeze(house: HouseInMemory, what: Any = "house", thing: str | None = None, through: str = "n1") -> Any:
    """An operator freezes something, through some node."""
    return house.ask("ops", FreezeTrading(what=what, id=thing), through=through, role="operator")


def knows(house: HouseInMemory, node: str) -> set[str]:
    """What a node takes for frozen."""
    return set(house.nodes[node].node.cluster.freezes.rows)


def listing_at(house: HouseInMemory, node: str) -> str:
    """A player of a node puts something up for sale."""
    seller = house.player_at(node)
    item = GrantedItem(base=next(iter(CATALOG.bases)))
    granted = house.ask("game", Grant(key="g", player=seller, items=[item]), through=node, role="service").body
    answer = house.ask(seller, CreateListing(item=granted.items[0].item, start_bid=10, duration_s=HOUR_S))
    return str(answer.body.listing.listing)


@pytest.mark.parametrize("through", ["n1", "n2", "n3"])
def test_every_node_knows_when_the_operator_hears_of_it(house: HouseInMemory, through: str) -> None:
    """Wherever the operator is connected: a bid is refused at every node from then on, and allowed after a thaw."""
    listing = listing_at(house, "n1")
    bidders = [house.player_at("n2"), house.player_at("n3")]
    for bidder in bidders:
        house.ask("game", Grant(key="b", player=bidder, gold=100), through="n1", role="service")
    freeze(house, through=through)
    for bidder in bidders:
        answer = house.ask(bidder, PlaceBid(listing=listing, amount=20))
        refusal = answer.body
        assert isinstance(refusal, Refusal) and refusal == Refusal("frozen", {"what": "house", "id": None})
    house.ask("ops", ThawTrading(what="house"), through=through, role="operator")
    assert all(knows(house, node) == set() for node in house.nodes)
    assert not house.ask(bidders[0], PlaceBid(listing=listing, amount=20)).refused


def test_the_news_leave_before_the_answer(house: HouseInMemory) -> None:
    """When the home answers, the news for every linked node are on their way: a message is all that they wait for."""
    home = home_of_the_house(house)
    answers: list[Answer] = []
    asked = house.begin("ops", FreezeTrading(what="house"), through=home, role="operator")
    asked.addCallback(lambda answer: (answers.append(answer), house.nodes[home].work(rounds=1)))
    sent: list[int] = []
    while not answers:
        sent.append(len(house.wire.frames))
        house.nodes[home].run_lanes()
        house.reactor.advance(0)
    assert [to for _, to, _ in house.wire.frames] == others(house)
    house.wire.deliver()
    assert all(knows(house, node) == {"house"} for node in house.nodes)


def test_it_is_not_in_force_before_it_is_durable(house: HouseInMemory) -> None:
    """Nobody is refused for something that a crash may undo."""
    home = home_of_the_house(house)
    house.begin("ops", FreezeTrading(what="house"), through=home, role="operator")
    house.reactor.advance(0)
    assert knows(house, home) == set()
    house.crash(home)
    house.restart(home)
    house.work()
    assert all(knows(house, node) == set() for node in house.nodes)


def test_a_restarted_node_knows_what_it_knew(house: HouseInMemory) -> None:
    """The house's home and every other, each by itself, with no link to anybody and no store awake."""
    freeze(house, "category", "oars")
    freeze(house, "player", "al")
    for node in house.nodes:
        house.crash(node)
    for node, in_memory in house.nodes.items():
        in_memory.start()
        assert knows(house, node) == {"category/oars", "player/al"}
        assert len(in_memory.node.stores) == 0


def test_who_was_cut_off_catches_up(house: HouseInMemory) -> None:
    """Without a link a node goes on by what it knows; with the link it learns the rest, and keeps it."""
    home, (near, far) = home_of_the_house(house), others(house)
    for other in (home, near):
        house.wire.sever(far, other)
    freeze(house, through=home)
    assert (knows(house, near), knows(house, far)) == ({"house"}, set())
    house.wire.heal(far, near)  # not the home: whoever knows tells
    house.work()
    assert knows(house, far) == {"house"}
    house.crash(far)
    house.nodes[far].start()
    assert knows(house, far) == {"house"}


def test_news_that_the_wire_lost_are_told_again(house: HouseInMemory) -> None:
    """A link may lose a frame and stay: who missed a freeze knows it a moment later."""
    home = home_of_the_house(house)
    missed = others(house)[0]
    house.wire.drop = lambda sender, to, _frame: (sender, to) == (home, missed)
    freeze(house, through=home)
    assert knows(house, missed) == set()
    house.wire.drop = lambda _sender, _to, _frame: False
    house.pass_time(TOLD_AGAIN_S + 1)
    assert knows(house, missed) == {"house"}


def test_older_news_change_nothing(house: HouseInMemory) -> None:
    """Frames may come late, twice or in another order: the higher version is true."""
    home = home_of_the_house(house)
    node = others(house)[0]
    freeze(house)
    house.ask("ops", ThawTrading(what="house"), through=home, role="operator")
    version = house.nodes[node].node.cluster.freezes.version
    cluster: Any = house.nodes[node].node.cluster
    for old in (version - 1, version):
        cluster._frozen.heard(home, Frozen(Freezes(old, {"house": ALL})))
        assert knows(house, node) == set()
    cluster._frozen.heard(home, Frozen(Freezes(version + 1, {"house": ALL})))
    assert knows(house, node) == {"house"}


def test_metrics_show_what_is_frozen() -> None:
    """By what it is; all kinds are there, so that an alarm can be set on any."""
    one = NodeInMemory()
    for what, thing in (("house", None), ("player", "al"), ("player", "bo")):
        one.ask("ops", FreezeTrading(what=what, id=thing), "operator")  # type: ignore[arg-type]  # of the vocabulary
    seen = one.metrics.render().decode()
    for what, count in (("house", 1), ("category", 0), ("commodity", 0), ("player", 2)):
        assert f'auction_frozen{{what="{what}"}} {count}.0' in seen


def test_a_node_alone_freezes_as_well() -> None:
    """A house of one node refuses, survives a crash, and thaws."""
    one = NodeInMemory()
    listing = one.list_item("al")
    one.grant("bo", gold=1_000)
    one.ask("ops", FreezeTrading(what="player", id="bo"), "operator")
    one.crash()
    one.start()
    one.work()
    assert one.bid("bo", listing, 200) == Refusal("frozen", {"what": "player", "id": "bo"})
    assert one.ask("ops", ThawTrading(what="player", id="bo"), "operator").frozen == []
    assert not isinstance(one.bid("bo", listing, 200), Refusal)


def test_a_listing_ends_while_the_house_is_frozen(house: HouseInMemory) -> None:
    """Endings are no trades: what was agreed before is kept."""
    listing = listing_at(house, "n1")
    bidder = house.player_at("n2")
    house.ask("game", Grant(key="b", player=bidder, gold=100), through="n1", role="service")
    assert not house.ask(bidder, PlaceBid(listing=listing, amount=20)).refused
    freeze(house)
    house.reactor.advance(HOUR_S)
    house.pass_time(2)
    answer = house.ask(bidder, GetListing(listing=listing))
    seen = msgspec.msgpack.decode(answer.encoded) if answer.encoded else msgspec.to_builtins(answer.body)
    assert seen["listing"]["state"] == "sold"


def test_a_refused_freeze_changes_nothing() -> None:
    """What the catalog does not know is not frozen, nor is anything told."""
    one = NodeInMemory()
    assert one.ask("ops", FreezeTrading(what="category", id="hats"), "operator") == Refusal("no_such_category")
    assert one.node.cluster.freezes == NOTHING_FROZEN
