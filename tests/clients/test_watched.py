"""What watches tell, from the push to whoever takes it."""

import msgspec
import pytest

from clients.session import Settings, State
from clients.watched import match_of
from shardnode.wire.events import WATCHED, ListingsMatched, PriceMatched
from tests.clients.fake_house import FakeHouse, Json, listing_of
from tests.clients.line import Line

PRICE: Json = {"commodity": "iron", "price": 19, "at_ms": 5, "volume": 1_200}
LISTINGS: Json = {"listings": [listing_of()], "missed": 3}


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_each_kind_becomes_its_class(encoding: str) -> None:
    """In either encoding, a search's listings and a commodity's price are typed, in the order they came."""
    house = FakeHouse()
    line = Line(house, encoding=encoding)
    line.log_in()
    house.tell_of_watch("ann", **LISTINGS)
    house.tell_of_watch("ann", **PRICE)
    line.settle()
    listings, price = line.session.matches
    assert isinstance(listings, ListingsMatched) and isinstance(price, PriceMatched)
    assert (listings.data.listings[0].item.name, listings.data.missed) == ("Harbour Cutter", 3)
    assert (price.watch, price.data.price) == ("ann.w1", 19)


def test_every_class_of_the_wire_is_read() -> None:
    """Whatever a node may push is told apart by what is in it."""
    read = [match_of({"watch": "w", "type": "watch.matched", "at_ms": 1, "data": data}) for data in (LISTINGS, PRICE)]
    assert [type(match) for match in read] == list(WATCHED)


def test_what_is_not_taken_falls_away_oldest_first() -> None:
    """Nobody waits for who does not listen: the latest are kept, up to the limit, and events are not disturbed."""
    house = FakeHouse()
    line = Line(house, settings=Settings(matches_max=2))
    line.log_in()
    for price in (1, 2, 3):
        house.tell_of_watch("ann", **{**PRICE, "price": price})
    house.tell("ann")
    line.settle()
    assert [match.data.price for match in line.session.matches] == [2, 3]
    assert line.taken_events() == [1]


def test_a_type_that_is_not_known_is_passed_over() -> None:
    """A newer node's watches may tell other things."""
    line = Line(FakeHouse())
    line.log_in()
    line.connection.push("watch", {"watch": "w", "type": "watch.ended", "at_ms": 1, "data": {}})
    line.settle()
    assert not line.session.matches
    assert line.session.state is State.ONLINE


def test_a_push_of_the_wrong_shape_costs_the_socket() -> None:
    """It is a node's fault, like any other garbled message."""
    line = Line(FakeHouse())
    line.log_in()
    line.connection.push("watch", {"watch": "w", "type": "watch.matched", "at_ms": 1, "data": {"commodity": 5}})
    line.settle()
    assert line.session.state is State.OFFLINE
    with pytest.raises(msgspec.ValidationError):
        match_of({"watch": "w", "type": "watch.matched", "at_ms": 1, "data": {}})
