"""Events are resumed exactly: who passes back what it has seen gets each later one once, in order, from any node."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction.commands import CancelListing, CreateListing, EventsSince, GetPlayer, Grant, GrantedItem
from auction.results import EventsResult, GrantResult, ListingResult, PlayerResult
from tests.node.house import HOUR_S
from tests.node.many import HouseInMemory

NODES = ("n1", "n2", "n3")
DAY_S = 24 * HOUR_S
KEPT = 6


class Listener:
    """A player at home on n1, who reads what it was told through whatever node."""

    def __init__(self) -> None:
        self.house = HouseInMemory()
        self.player = self.house.player_at("n1")
        self.seq = 0
        self.happened = 0
        self.read: list[int] = []

    def ask(self, ask: Any, result: type[Any], through: str = "n1", role: Any = "player") -> Any:
        """The result of a question of the player's, or of the game's."""
        answer = self.house.ask(self.player, ask, through=through, role=role)
        assert not answer.refused, answer
        return answer.body or msgspec.msgpack.decode(answer.encoded, type=result)

    def happen(self, count: int) -> None:
        """The player is told so many things: a listing is taken back, and its item waits."""
        for _ in range(count):
            self.happened += 1
            given = Grant(key=f"g{self.happened}", player=self.player, items=[GrantedItem(base="tide_oar")])
            item = self.ask(given, GrantResult, role="service").items[0].item
            made = self.ask(CreateListing(item=item, start_bid=5, duration_s=HOUR_S), ListingResult)
            self.ask(CancelListing(listing=made.listing.listing), ListingResult)

    def resume(self, through: str, limit: int) -> EventsResult:
        """Read one page from where the player stands."""
        page: EventsResult = self.ask(EventsSince(seq=self.seq, limit=limit), EventsResult, through)
        self.read += [event.seq for event in page.events]
        self.seq = page.next_seq
        return page


STEPS = st.one_of(
    st.tuples(st.just("happen"), st.integers(1, 4)),
    st.tuples(st.just("resume"), st.sampled_from(NODES), st.integers(1, 5)),
    st.tuples(st.just("crash"), st.sampled_from(NODES)),
    st.tuples(st.just("stop"), st.sampled_from(NODES)),
    st.tuples(st.just("rest"), st.sampled_from((1.0, 8.0 * DAY_S))),
)


@settings(max_examples=25)
@given(st.lists(STEPS, max_size=12))
def test_events_are_resumed_exactly(steps: list[tuple[Any, ...]]) -> None:
    """Across nodes that are asked in turn, that crash or are stopped and started, and days that go by."""
    listener = Listener()
    house = listener.house
    for step, *params in steps:
        if step == "happen":
            listener.happen(*params)
        elif step == "resume":
            listener.resume(*params)
        elif step == "rest":
            house.reactor.advance(*params)
            house.work()
        else:
            (node,) = params
            if step == "stop":
                house.nodes[node].stop()
                house.wire.down(node)
            else:
                house.crash(node)
            house.restart(node)
            house.work()
    while listener.resume("n2", 3).events:
        pass
    assert listener.read == list(range(1, listener.happened + 1))
    assert listener.ask(GetPlayer(), PlayerResult).seq == listener.happened


@pytest.mark.parametrize("ending", ["none", "crash", "stop"])
def test_of_more_events_than_are_kept_the_latest_are_resumed(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """`oldest_seq` tells from where on; so it stays when the home starts again, and for whoever asks another node."""
    monkeypatch.setattr("auction.evolve.NOTICES_KEPT", KEPT)
    listener = Listener()
    house = listener.house
    listener.happen(2)
    assert listener.resume("n2", 100).oldest_seq == 1
    listener.happen(KEPT + 3)
    if ending == "stop":
        house.nodes["n1"].stop()
        house.wire.down("n1")
        house.restart("n1")
    elif ending == "crash":
        house.crash("n1")
        house.restart("n1")
    house.work()
    last = 2 + KEPT + 3
    for node in NODES:
        listener.seq, listener.read = 2, []
        page = listener.resume(node, 2)
        assert (page.oldest_seq, page.last_seq, page.next_seq) == (last - KEPT + 1, last, last - KEPT + 2)
        while listener.resume(node, 2).events:
            pass
        assert listener.read == list(range(last - KEPT + 1, last + 1))
