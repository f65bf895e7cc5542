"""What a program may rely on, whatever the line and the house do to it in between."""

from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from auction.results import BidResult, PlayerResult
from clients.errors import InDoubt, Unavailable
from clients.session import Settings, State
from tests.clients.fake_house import FakeHouse, Json, Refuse
from tests.clients.line import Line

PLAYER = {
    "player": "ann",
    "gold": {"available": 5, "escrowed": 0},
    "listings": 0,
    "deliveries": 0,
    "stash": {"used": 0, "capacity": 210},
    "seq": 0,
}
STEPS = (
    *("bid", "read", "tell", "tell", "out", "in", "in", "cut", "open", "refuse", "wait", "sleep", "take", "settle"),
    "move",
)
CALM_STEPS = ("bid", "tell", "out", "in", "cut and back", "take", "move")
NODES = tuple(f"ws://n{number}.example/ws" for number in (1, 2, 3))
FAULTS = ("none", "unavailable", "rate_limited", "in_doubt, done", "in_doubt, not done", "token_expired")
FAULT_CODES = {"unavailable": -32006, "rate_limited": -32005, "in_doubt": -32007, "token_expired": -32001}


class FaultyHouse(FakeHouse):
    """Answers each mutation with the next fault of a list, and sometimes executes it all the same."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__()
        self.faults = deque(faults)
        self.handlers["player.get"] = lambda _player, _params: PLAYER

    def answer(self, player: str, method: str, params: Json) -> Json:
        """As the house does, unless it is the turn of a fault."""
        fault = self.faults.popleft() if "key" in params and self.faults else "none"
        if fault == "none":
            return super().answer(player, method, params)
        reason, _, done = fault.partition(", ")
        if done == "done":
            super().answer(player, method, params)
        raise Refuse(FAULT_CODES[reason], reason, retry_after_ms=5)


def step(line: Line, name: str, count: int) -> None:
    """One thing happens, if it can happen now."""
    if name == "bid":
        line.ask(("bid", count), "listing.bid", {"listing": "seller.l1", "amount": 200}, BidResult, keyed=True)
    elif name == "read":
        line.ask(("read", count), "player.get", {}, PlayerResult)
    elif name == "move":
        line.house.homes["ann"] = NODES[count % len(NODES)]
    elif name == "tell":
        line.house.tell("ann")
    elif name == "out" and line.connection is not None and line.to_house:
        line.carry_out()
    elif name == "in" and line.connection is not None and line.connection.sent:
        line.carry_in()
    elif name == "cut" and line.connection is not None:
        line.cut()
    elif name == "open" and line.opening:
        line.connect()
    elif name == "refuse" and line.opening:
        line.refuse()
    elif name == "settle":
        line.settle()
    elif name == "cut and back" and line.connection is not None:
        line.cut()
        line.sleep_until_woken()
        if line.opening:
            line.connect()
            line.carry_out()
    elif name == "wait":
        line.pass_time(0.4)
    elif name == "sleep" and line.session.wake_at_s() is not None:
        line.sleep_until_woken()


def bring_to_rest(line: Line) -> None:
    """From here on nothing is lost: everything ends by itself, in bounded time."""
    line.house.faults.clear()
    line.settle()
    for _ in range(1_000):
        if line.opening:
            line.connect()
        line.settle()
        wake_at_s = line.session.wake_at_s()
        if wake_at_s is None:
            return
        line.pass_time(max(0.0, wake_at_s - line.now_s))
    raise AssertionError("the session never comes to rest")


@settings(max_examples=400)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=20, max_size=150)
    | st.lists(st.sampled_from(CALM_STEPS), min_size=20, max_size=100),
    faults=st.lists(st.sampled_from(FAULTS), min_size=5, max_size=20),
    events_max=st.sampled_from([1, 3, 1_000]),
    deadline_s=st.sampled_from([1.0, 30.0, 3_600.0]),
)
def test_calls_end_once_and_mutations_happen_once(
    steps: list[str], faults: list[str], events_max: int, deadline_s: float
) -> None:
    """Every call ends exactly once: with its result and executed once, or told truly; events come once and in order."""
    house = FaultyHouse(faults)
    line = Line(house, settings=Settings(events_max=events_max, deadline_s=deadline_s), urls=NODES[:2])
    line.log_in()
    taken: list[int] = []
    for count, name in enumerate(steps):
        step(line, name, count)
        if name == "take":
            while (event := line.session.inbox.take()) is not None:
                taken.append(event.seq)
            line.perform(line.session.catch_up(line.now_s))
    bring_to_rest(line)
    taken += line.taken_events()

    asked = {(name, count) for count, name in enumerate(steps) if name in ("bid", "read")}
    assert line.results.keys() | line.errors.keys() == asked
    assert line.answered == len(asked)
    assert line.session.state is State.ONLINE
    assert taken == list(range(1, len(house.events["ann"]) + 1))

    executions = Counter(key for _, _, key in house.executed)
    assert set(executions.values()) <= {1}
    bids = [waiter for waiter in asked if waiter[0] == "bid"]
    finished = sum(waiter in line.results for waiter in bids)
    in_doubt = [line.errors[waiter] for waiter in bids if isinstance(line.errors.get(waiter), InDoubt)]
    assert finished <= len(executions) <= finished + len(in_doubt)
    assert all(not isinstance(error, InDoubt) for waiter, error in line.errors.items() if waiter[0] == "read")
    if deadline_s == 3_600.0:
        assert not line.errors


@given(told=st.integers(0, 260), taken_before=st.integers(0, 260), cuts=st.integers(0, 3))
def test_a_program_that_starts_again_goes_on_where_it_was(told: int, taken_before: int, cuts: int) -> None:
    """With `since`, a new session brings what happened while the program was away, over as many pages as it takes."""
    house = FaultyHouse([])
    for _ in range(told):
        house.tell("ann")
    since = min(taken_before, told)
    line = Line(house, since=since)
    line.log_in()
    for _ in range(cuts):
        line.cut()
        house.tell("ann")
        line.come_back()
    assert line.taken_events() == list(range(since + 1, told + cuts + 1))


def test_without_since_events_begin_with_the_login() -> None:
    """A program that does not say where it was is told what happens from now on."""
    house = FaultyHouse([])
    house.tell("ann")
    line = Line(house)
    line.log_in()
    house.tell("ann")
    line.settle()
    assert line.taken_events() == [2]


def test_a_slow_program_loses_nothing_and_holds_little() -> None:
    """With room for 5 events, 1,000 are held back by the house and read when there is room, in order."""
    house = FaultyHouse([])
    line = Line(house, settings=Settings(events_max=5))
    line.log_in()
    for _ in range(1_000):
        house.tell("ann")
    line.settle()
    assert line.session.inbox.last_seq == 5
    assert line.taken_events() == list(range(1, 1_001))


def test_silent_house_never_makes_a_read_doubtful() -> None:
    """A read that no node answers ends as Unavailable by its deadline and one answer's patience."""
    line = Line(FaultyHouse([]))
    line.log_in()
    line.ask("read", "player.get", {}, PlayerResult)
    started_s = line.now_s
    while "read" not in line.errors:
        line.sleep_until_woken()
        if line.opening:
            line.connect()
            line.carry_out()
            while line.connection.sent:
                line.carry_in()
    assert type(line.errors["read"]) is Unavailable
    assert line.now_s - started_s <= Settings().deadline_s + Settings().answer_timeout_s
