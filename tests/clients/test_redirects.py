"""A house of several nodes, as a session meets it: moved to its home, back again, and round about."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.results import BidResult, PlayerResult, WorldResult
from clients.errors import Unavailable
from clients.route import Route
from clients.session import Settings, State
from tests.clients.fake_client import PURSE, WORLD
from tests.clients.fake_house import FakeHouse, Json, Refuse
from tests.clients.line import Line

FIRST, SECOND, THIRD = URLS = tuple(f"ws://n{number}.example/ws" for number in (1, 2, 3))


def bid(line: Line, waiter: str) -> None:
    """Make a bid."""
    line.ask(waiter, "listing.bid", {"listing": "seller.l1", "amount": 200}, BidResult, keyed=True)


def house_of(home: str | None = None) -> FakeHouse:
    """A house in which ann is at home on one node."""
    house = FakeHouse()
    house.handlers["player.get"] = lambda _player, _params: PURSE
    house.handlers["world.describe"] = lambda _player, _params: WORLD
    if home is not None:
        house.homes["ann"] = home
    return house


def logged_in(house: FakeHouse, **options: object) -> Line:
    """A session that was let in by the first node."""
    line = Line(house, urls=[FIRST], **options)
    line.log_in()
    return line


def serve_at(line: Line, *alive: str) -> None:
    """Carry everything until nothing moves; sockets open at these nodes only."""
    line.settle()
    while line.opening or line.session.state is State.OFFLINE:
        if line.opening and line.opened[-1] in alive:
            line.connect()
        elif line.opening:
            line.refuse()
        else:
            line.sleep_until_woken()
        line.settle()


def test_a_moved_call_is_made_again_at_home() -> None:
    """`moved` ends the socket, opens one at the home at once, and the calls go on there under their keys."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    before_s = line.now_s
    bid(line, "one")
    bid(line, "two")
    line.settle_where_it_leads()
    assert line.results.keys() == {"one", "two"}
    assert line.opened == [FIRST, SECOND]
    assert line.now_s == before_s
    assert [key for _, _, key in house.executed] == [f"{line.session._key_prefix}-{number}" for number in (1, 2)]
    bid(line, "three")
    line.settle()
    assert "three" in line.results


def test_what_is_served_anywhere_leads_nowhere() -> None:
    """A call that no home has to answer is answered by the first node, and the session stays there."""
    line = logged_in(house_of(home=SECOND))
    line.ask("world", "world.describe", {}, WorldResult)
    line.settle_where_it_leads()
    assert "world" in line.results
    assert line.opened == [FIRST]


def test_calls_sent_together_move_together() -> None:
    """An array of calls that are all answered `moved` causes one move, and each call one result."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    line.session.hold()
    for number in range(20):
        bid(line, f"call {number}")
    line.perform(line.session.release())
    line.settle_where_it_leads()
    assert len(line.results) == len(house.executed) == 20
    assert line.opened == [FIRST, SECOND]


def test_a_session_without_redirects_stays() -> None:
    """Who does not ask for redirects is served through the node it came to."""
    line = logged_in(house_of(home=SECOND), redirects=False)
    bid(line, "bid")
    line.settle_where_it_leads()
    assert "bid" in line.results
    assert line.opened == [FIRST]


def test_events_go_on_at_home() -> None:
    """What was told before the move and after it comes once and in order."""
    house = house_of(home=SECOND)
    house.tell("ann")
    line = Line(house, urls=[FIRST], since=0)
    line.log_in()
    house.tell("ann")
    line.settle()
    assert line.taken_events() == [1, 2]
    assert line.opened == [FIRST, SECOND]


def test_nodes_that_disagree_are_not_run_between_for_ever() -> None:
    """Sent on from everywhere, the session stays after three hops, is served there, and tries again another time."""
    house = house_of()
    places = iter(range(1_000))

    class Anywhere(dict[str, str]):
        def get(self, player: str, here: str = "") -> str:  # type: ignore[override]  # the fake house asks no other way
            return here if player != "ann" else f"ws://n{next(places)}.example/ws"

    house.homes = Anywhere()
    line = logged_in(house)
    bid(line, "bid")
    line.settle_where_it_leads()
    assert "bid" in line.results
    assert len(line.opened) == 1 + Settings().hops_max
    bid(line, "again")
    line.settle_where_it_leads()
    assert len(line.opened) == 1 + Settings().hops_max
    line.now_s += Settings().hops_window_s + 1
    line.cut()
    line.sleep_until_woken()
    bid(line, "later")
    line.settle_where_it_leads()
    assert line.opened[4:6] == [FIRST, "ws://n6.example/ws"]
    assert line.results.keys() == {"bid", "again", "later"}


def test_a_home_that_does_not_answer_is_done_without() -> None:
    """Where the home is out of reach the first node serves the player, and is not asked for redirects."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    bid(line, "bid")
    serve_at(line, FIRST)
    assert "bid" in line.results
    assert line.opened == [FIRST, SECOND, FIRST]
    assert not house.connections[-1].redirects


def test_a_home_that_lets_nobody_in_is_done_without() -> None:
    """A home that opens the socket and never answers the login costs the time for that, and nothing else."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    bid(line, "bid")
    line.settle()
    line.connect()
    line.to_house.clear()
    line.pass_time(Settings().open_timeout_s)
    serve_at(line, FIRST)
    assert "bid" in line.results


def test_a_home_that_is_lost_is_asked_for_again() -> None:
    """Whoever loses the home it worked with asks its own nodes, which may know of another home by now."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    bid(line, "before")
    line.settle_where_it_leads()
    line.cut()
    house.homes["ann"] = THIRD
    bid(line, "after")
    serve_at(line, FIRST, THIRD)
    assert line.results.keys() == {"before", "after"}
    assert line.opened == [FIRST, SECOND, FIRST, THIRD]


def test_a_home_that_comes_back_is_found_with_the_next_socket() -> None:
    """Served elsewhere meanwhile, a session is sent home again once it needs another socket."""
    house = house_of(home=SECOND)
    line = logged_in(house)
    bid(line, "first")
    serve_at(line, FIRST)
    line.cut()
    bid(line, "second")
    serve_at(line, *URLS)
    assert line.opened == [FIRST, SECOND, FIRST, FIRST, SECOND]


def test_the_first_login_tries_every_url_once() -> None:
    """Before the first login no time is lost: each URL in turn, at once, and then the last one's fault."""
    line = Line(house_of(), urls=URLS)
    line.perform(line.session.start(line.now_s))
    line.ask("early", "player.get", {}, PlayerResult)
    line.refuse()
    line.refuse()
    line.connect()
    line.settle()
    assert "early" in line.results
    assert line.opened == list(URLS)
    nowhere = Line(house_of(), urls=URLS)
    nowhere.perform(nowhere.session.start(nowhere.now_s))
    for _ in URLS:
        nowhere.refuse()
    assert nowhere.ended
    assert nowhere.opened == list(URLS)


def test_a_lost_node_is_followed_by_the_next() -> None:
    """With several URLs a session goes on at the next one, around and around, with growing waits."""
    line = Line(house_of(), urls=URLS)
    line.log_in()
    line.cut()
    waits = []
    for _ in range(6):
        before_s = line.now_s
        line.sleep_until_woken()
        waits.append(line.now_s - before_s)
        line.refuse()
    assert line.opened == [FIRST, SECOND, THIRD, FIRST, SECOND, THIRD, FIRST]
    assert all(wait >= 0.125 * 2**n for n, wait in enumerate(waits))


def test_a_session_keeps_to_tls() -> None:
    """A home without TLS is not gone to from a node with it; the node serves the player itself."""
    house = house_of(home="ws://n2.example/ws")
    line = Line(house, urls=["wss://n1.example/ws"])
    line.log_in()
    bid(line, "bid")
    line.settle_where_it_leads()
    assert "bid" in line.results
    assert line.opened == ["wss://n1.example/ws"]


@pytest.mark.parametrize("home", ["", "http://n2.example/", FIRST])
def test_a_home_that_leads_nowhere_is_not_gone_to(home: str) -> None:
    """No URL, another protocol's URL, and the node's own: the node is asked to serve the player itself."""
    house = house_of()
    refused: list[Json] = []

    def once(_player: str, params: Json) -> Json:
        if house.connections[-1].redirects:
            refused.append(params)
            raise Refuse(-32008, "moved", url=home)
        return PURSE

    house.handlers["player.get"] = once
    line = logged_in(house)
    line.ask("read", "player.get", {}, PlayerResult)
    line.settle_where_it_leads()
    assert "read" in line.results
    assert (line.opened, len(refused)) == ([FIRST], 1)


def test_a_node_that_sends_on_whoever_asked_it_not_to_is_told() -> None:
    """`moved` without having asked for it is repeated until the deadline, after which nothing was done, for certain."""
    house = house_of()

    def moved(_player: str, _params: Json) -> Json:
        raise Refuse(-32008, "moved", url=SECOND)

    house.handlers["player.get"] = moved
    line = logged_in(house, redirects=False)
    line.ask("read", "player.get", {}, PlayerResult)
    line.settle()
    while not line.errors:
        line.sleep_until_woken()
        line.settle()
    assert isinstance(line.errors["read"], Unavailable)
    assert line.opened == [FIRST]


def test_answers_that_are_late_for_the_second_login_cost_nothing() -> None:
    """What is still answered `moved` while the session asks to be served here is made again right after that login."""
    house = house_of(home=SECOND)
    line = logged_in(house, settings=Settings(hops_max=0))
    before_s = line.now_s
    for name in ("one", "two", "three"):
        bid(line, name)
    line.settle_where_it_leads()
    assert line.results.keys() == {"one", "two", "three"}
    assert (line.opened, line.now_s) == ([FIRST], before_s)


def test_a_house_without_the_home_fails_calls_by_their_deadline() -> None:
    """Where the home is gone and the others can only say `unavailable`, so does the session, in time."""
    house = house_of(home=SECOND)
    line = logged_in(house)

    def gone(_player: str, _params: Json) -> Json:
        raise Refuse(-32006, "unavailable")

    house.handlers["player.get"] = gone
    line.ask("read", "player.get", {}, PlayerResult)
    before_s = line.now_s
    serve_at(line, FIRST)
    while not line.errors:
        line.sleep_until_woken()
        serve_at(line, FIRST)
    assert isinstance(line.errors["read"], Unavailable)
    assert line.now_s - before_s <= Settings().deadline_s


@given(seed=st.integers(0, 2**32), urls=st.integers(1, 3))
def test_a_route_is_always_one_that_leads_on(seed: int, urls: int) -> None:
    """Whatever is lost and wherever it is sent: hops are bounded in time, and a passed-by home is not asked for."""
    random = Random(seed)
    route = Route(URLS[:urls], redirects=True, hops_max=3, hops_window_s=60.0)
    hops_at_s: list[float] = []
    now_s = 0.0
    for _ in range(60):
        now_s += random.choice((0.0, 1.0, 70.0))
        if route.redirects and random.random() < 0.6:
            here, home = route.url, random.choice((*URLS, "wss://n4.example/ws", "gopher://n5"))
            if route.follow(now_s, home):
                assert route.url == home != here
                hops_at_s.append(now_s)
            else:
                assert route.url == here
                assert not route.redirects
        else:
            was_online = random.random() < 0.5
            route.lost(was_online=was_online)
            assert route.url in URLS[:urls]
        for first, fourth in zip(hops_at_s, hops_at_s[3:], strict=False):
            assert fourth - first > 60.0
