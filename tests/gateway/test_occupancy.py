"""Counting connections: never more than allowed, and back to nothing when all are gone."""

from hypothesis import given
from hypothesis import strategies as st

from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.occupancy import Occupancy

ADDRESSES = ("one", "two", "three")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ADDRESSES)), max_size=60))
def test_sockets_are_counted_by_node_and_by_address(steps: list[tuple[bool, str]]) -> None:
    """What is admitted is what a naive count of open sockets admits."""
    occupancy = Occupancy(GatewayLimits(sockets_max=5, sockets_per_address_max=2))
    is_open: list[str] = []
    for opens, address in steps:
        if opens:
            full = occupancy.open(address)
            if len(is_open) >= 5:
                assert full == "sockets_max"
            elif is_open.count(address) >= 2:
                assert full == "sockets_per_address_max"
            else:
                assert full is None
                is_open.append(address)
        elif address in is_open:
            occupancy.close(address)
            is_open.remove(address)
        assert occupancy.sockets == len(is_open)
    for address in is_open:
        occupancy.close(address)
    assert occupancy.sockets == 0


def test_tcp_connections_have_their_own_bound() -> None:
    """There is room beyond the sockets for HTTP, and an end to it."""
    occupancy = Occupancy(GatewayLimits(sockets_max=1, tcp_connections_spare=1))
    assert [occupancy.connect() for _ in range(3)] == [True, True, False]
    occupancy.disconnect()
    occupancy.disconnect()
    assert occupancy.connect()
