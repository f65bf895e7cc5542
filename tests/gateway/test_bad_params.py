"""Params that no type can find wrong, met before the house is asked."""

import pytest

from tests.gateway.rig import House, connect


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"item": "i", "duration_s": 3600}, "start_bid"),
        ({"item": "i", "duration_s": 3600, "start_bid": 10, "buyout": 9}, "buyout"),
    ],
)
def test_params_that_contradict_each_other_are_bad_params(params: dict[str, object], path: str) -> None:
    """What types cannot say is told like what they can, before the house is asked."""
    house = House()
    client = connect(house.gateway())
    client.call("listing.create", **params)
    error = client.take()["error"]
    assert (error["code"], error["data"]["path"]) == (-32602, path)
    assert house.asked == []


def test_to_oneself_is_a_bad_param_once_it_is_known_who_asks() -> None:
    """Whoever is not logged in hears of that first."""
    house = House()
    client = connect(house.gateway())
    offer = {"to": "alice", "give": {"gold": 1}, "want": {}}
    client.call("offer.make", **offer)
    assert client.take()["error"]["data"]["reason"] == "unauthenticated"
    client.login()
    client.call("offer.make", **offer)
    error = client.take()["error"]
    assert (error["code"], error["data"]["path"]) == (-32602, "to")
    assert house.asked == []
