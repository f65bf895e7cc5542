"""What becomes of a request that cannot be decided yet, through a node in memory."""

from typing import Any

from twisted.internet.defer import Deferred

from auction.commands import GetPlayer
from auction.context import Caller, Request
from shardnode.node.node import NodeLimits
from shardnode.node.requests import RequestLimits
from shardnode.wire.errors import Unavailable
from tests.node.house import NodeInMemory


def test_a_request_whose_stores_fall_asleep_while_it_waits_is_given_up_at_last() -> None:
    """In a full node a store may sleep again whenever its listing is free: nothing was done, and nothing is broken."""
    house = NodeInMemory(NodeLimits(requests=RequestLimits(wake_tries_max=3)))
    answers: list[Any] = []
    answer: Deferred[Any] = Deferred()
    answer.addBoth(answers.append)
    house.node.requests.decide(Request(Caller("ann", "player"), GetPlayer()), answer, tries=3)
    house.work()
    assert answers[0].check(Unavailable), answers
    assert house.failures == []
