"""Who answers a request, and what its caller hears when the one who should cannot."""

import msgspec
import pytest

from auction.commands import Ask, EventsSince, GetListing, GetPlayer, MyBids, PlaceBid, SearchListings, Take
from auction.context import Answer, Caller, Request, Role
from auction.keys import own
from auction.refusals import Refusal
from auction.results import ListingResult, Result
from shardnode.cluster import messages
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.network import PeerFault
from shardnode.cluster.router import RouterLimits
from shardnode.wire.codec import JSON, MSGPACK
from shardnode.wire.errors import BadParams, InDoubt, Moved, Unavailable
from shardnode.wire.methods import METHODS
from tests.cluster.rig import House, outcome, player_result, store_of
from tests.search.rows import listing
from tests.wire.samples import PARAMS, RESULTS

BOB = "bob-n2"
LISTING = f"{store_of('sal-n3')}.l1"


def asks(player: str, ask: Ask, role: Role = "player", *, redirects: bool = False) -> Request:
    """A request as a gateway makes it."""
    return Request(Caller(player, role), ask, "n1.1.7", redirects)


ROUTES: list[tuple[str, Request, str]] = [
    ("own store here", asks("ann-n1", GetPlayer()), "n1"),
    ("own store there", asks(BOB, GetPlayer()), "n2"),
    ("own store there, about a listing of a third", asks(BOB, PlaceBid(listing=LISTING, amount=5)), "n2"),
    ("a listing, wherever its caller lives", asks(BOB, GetListing(listing=LISTING)), "n3"),
    ("a listing that no store made", asks(BOB, GetListing(listing="nonsense")), "n1"),
    ("a service, about another", asks("svc-n1", Take(key="k", player=BOB), "service"), "n2"),
    ("the world, of anybody", asks(BOB, PARAMS["world.describe"]), "n1"),  # type: ignore[arg-type]  # a params object
]


@pytest.mark.parametrize(("request_", "node"), [row[1:] for row in ROUTES], ids=[row[0] for row in ROUTES])
def test_a_request_is_answered_where_its_first_store_lives(request_: Request, node: str) -> None:
    """Exactly one node is asked, with the caller, the role, the params and the node's own key as they were."""
    house = House()
    house.homes[node].at_once = Answer(player_result("x"), False)
    answers = outcome(house.nodes["n1"].ask(request_))
    house.settle()
    assert [len(house.homes[name].asked) for name in house.homes] == [int(name == node) for name in house.homes]
    assert house.homes[node].asked == [request_]
    (answer,) = answers
    assert not answer.refused
    assert node == "n1" or answer.encoded == msgspec.msgpack.encode(player_result("x"))


@pytest.mark.parametrize("method", [name for name in RESULTS if name != "session.login"])
def test_a_forwarded_answer_reads_like_a_local_one(method: str) -> None:
    """Every method's result comes out of both encodings byte for byte as the home itself would have sent it."""
    house = House()
    result: Result = RESULTS[method]  # type: ignore[assignment]  # a result object
    house.homes["n2"].at_once = local = Answer(result, False)
    answers = outcome(house.nodes["n1"].ask(asks(BOB, GetPlayer())))
    house.settle()
    (forwarded,) = answers
    assert forwarded.encoded is not None
    for codec in (JSON, MSGPACK):
        assert codec.answer(1, forwarded) == codec.answer(1, local)


@pytest.mark.parametrize("stored", [True, False])
def test_a_forwarded_refusal_reads_like_a_local_one(stored: bool) -> None:
    """Whether the home decided it now or had it stored under a key."""
    house = House()
    refusal = Refusal("price_out_of_range", {"min": 1, "max": None})
    encoded = msgspec.msgpack.encode(refusal) if stored else None
    house.homes["n2"].at_once = local = Answer(None if stored else refusal, True, encoded)
    answers = outcome(house.nodes["n1"].ask(asks(BOB, GetPlayer())))
    house.settle()
    for codec in (JSON, MSGPACK):
        assert codec.answer(1, answers[0]) == codec.answer(1, local)


@pytest.mark.parametrize("method", [name for name in PARAMS if name not in ("session.login", "listing.search")])
def test_every_question_survives_the_hop(method: str) -> None:
    """Params arrive as the very command that was asked."""
    house = House()
    for home in house.homes.values():
        home.at_once = Answer(player_result("x"), False)
    params = PARAMS[method]
    house.nodes["n1"].ask(asks(BOB, params, METHODS[method].roles[0]))  # type: ignore[arg-type]  # a params object
    house.settle()
    (asked,) = [request for home in house.homes.values() for request in home.asked]
    assert asked.ask == params


@pytest.mark.parametrize("fault", [Unavailable("too busy", 123), InDoubt("k1", "1.n2.3.4"), InDoubt("k1", None)])
def test_a_fault_at_the_home_is_the_callers(fault: Unavailable | InDoubt) -> None:
    """Reason, text and figures are those that the home gave."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks(BOB, PlaceBid(listing=LISTING, amount=5))))
    house.settle()
    house.homes["n2"].answers[0].errback(fault)
    house.settle()
    (heard,) = answers
    assert type(heard) is type(fault)
    assert heard.error() == fault.error()


def test_a_home_that_is_known_to_be_cut_off_is_unavailable_at_once() -> None:
    """Nothing is sent and no time passes; own stores, searches and the other node are served as before."""
    house = House()
    house.cut("n1", "n2")
    node = house.nodes["n1"]
    for ask in (GetPlayer(), PlaceBid(listing=LISTING, amount=5)):
        (fault,) = outcome(node.ask(asks(BOB, ask)))
        assert isinstance(fault, Unavailable)
        assert "n2" in fault.message
    house.homes["n3"].at_once = house.homes["n1"].at_once = Answer(player_result("x"), False)
    assert outcome(node.ask(asks("ann-n1", GetPlayer())))
    seen = outcome(node.ask(asks("cid-n3", GetPlayer())))
    house.settle()
    assert isinstance(seen[0], Answer)


@pytest.mark.parametrize(("key", "told"), [(None, "n1.1.7"), ("mine", "mine")])
def test_a_mutation_that_is_cut_off_is_in_doubt(key: str | None, told: str) -> None:
    """Nobody here knows what became of it, so the caller gets the key to ask with, and no trade."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks(BOB, PlaceBid(listing=LISTING, amount=5, key=key))))
    house.settle()
    assert answers == []
    house.cut("n1", "n2")
    (fault,) = answers
    assert isinstance(fault, InDoubt)
    assert fault.figures == {"key": told, "trade": None}


def test_an_admins_mutation_that_is_cut_off_is_in_doubt_too() -> None:
    """It carries its client's key."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks("svc-n1", Take(key="k9", player=BOB), "service")))
    house.cut("n1", "n2")
    assert answers[0].figures == {"key": "k9", "trade": None}


def test_a_query_that_is_cut_off_did_nothing() -> None:
    """So it is unavailable, whether or not the home had read it."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks(BOB, GetPlayer())))
    house.settle()
    house.cut("n1", "n2")
    assert isinstance(answers[0], Unavailable)


def test_an_answer_that_is_lost_is_not_waited_for() -> None:
    """A link may be up and yet lose a frame; the request ends as if it had been cut off, and its place is free."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks(BOB, PlaceBid(listing=LISTING, amount=5))))
    queries = outcome(house.nodes["n1"].ask(asks(BOB, GetPlayer())))
    house.settle(4.4)
    assert answers == queries == []
    house.settle(1.5)
    assert isinstance(answers[0], InDoubt)
    assert isinstance(queries[0], Unavailable)
    assert b"auction_requests_forwarded 0.0" in house.metrics["n1"].render()
    house.homes["n2"].answers[0].callback(Answer(player_result("x"), False))
    house.settle()


def test_what_the_gateway_gives_up_is_forgotten() -> None:
    """A late answer finds nobody, and harms nobody."""
    house = House()
    answer = house.nodes["n1"].ask(asks(BOB, GetPlayer()))
    heard = outcome(answer)
    house.settle()
    answer.cancel()
    assert b"auction_requests_forwarded 0.0" in house.metrics["n1"].render()
    house.homes["n2"].answers[0].callback(Answer(player_result("x"), False))
    house.settle()
    assert len(heard) == 1


def test_requests_under_way_to_a_node_are_bounded() -> None:
    """One more is unavailable and counted; other nodes are not concerned, and an answer makes room."""
    house = House(ClusterLimits(router=RouterLimits(forwarded_max=2)))
    node = house.nodes["n1"]
    waiting = [outcome(node.ask(asks(BOB, GetPlayer()))) for _ in range(2)]
    (fault,) = outcome(node.ask(asks(BOB, GetPlayer())))
    assert isinstance(fault, Unavailable)
    assert b'auction_limit_hits_total{limit="forwarded_max"} 1.0' in house.metrics["n1"].render()
    assert outcome(node.ask(asks("cid-n3", GetPlayer()))) == []
    house.settle()
    house.homes["n2"].answers[0].callback(Answer(player_result("x"), False))
    house.settle()
    assert waiting[0] and outcome(node.ask(asks(BOB, GetPlayer()))) == []


def test_a_request_that_comes_twice_is_asked_once() -> None:
    """The wire may double a frame; a mutation that was refused the first time must not succeed the second."""
    house = House()
    house.nodes["n1"].ask(asks(BOB, PlaceBid(listing=LISTING, amount=5)))
    house.settle()
    (frame,) = [frame for sender, to, frame in house.frames if (sender, to) == ("n1", "n2") and b"listing.bid" in frame]
    house.nodes["n2"].received("n1", frame)
    assert len(house.homes["n2"].asked) == 1


def test_old_requests_stay_known_when_newer_ones_push_them_out() -> None:
    """What is older than all that is remembered is taken for known."""
    house = House(ClusterLimits(router=RouterLimits(asks_remembered=2)))
    house.homes["n2"].at_once = Answer(player_result("x"), False)
    for _ in range(7):
        house.nodes["n1"].ask(asks(BOB, GetPlayer()))
        house.settle(0.02)
    frames = [frame for sender, to, frame in house.frames if to == "n2" and b"player.get" in frame]
    assert len(frames) == 7
    for frame in frames:
        house.nodes["n2"].received("n1", frame)
    assert len(house.homes["n2"].asked) == 7


def test_a_restart_does_not_take_an_answer_to_its_predecessor() -> None:
    """Numbers never come again, so a late answer is nobody's."""
    house = House()
    house.nodes["n1"].ask(asks(BOB, GetPlayer())).addErrback(lambda _: None)
    house.settle()
    house.restart("n1")
    answers = outcome(house.nodes["n1"].ask(asks(BOB, GetPlayer())))
    house.settle()
    first, second = house.homes["n2"].answers
    first.callback(Answer(player_result("first"), False))
    house.settle()
    assert answers == []
    second.callback(Answer(player_result("second"), False))
    house.settle()
    assert answers[0].encoded == msgspec.msgpack.encode(player_result("second"))


def test_a_node_forwards_nothing_that_was_forwarded() -> None:
    """Who is asked for a store that is not at home there says so; the request goes no further."""
    house = House()
    ask = messages.Ask(1, "cid-n3", "player", "player.get", msgspec.Raw(b"\x80"), "")
    house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [ask])))
    house.settle()
    sent = [message for sender, to, frame in house.frames for message in _messages(frame) if sender == "n2"]
    (fault,) = [message for message in sent if isinstance(message, messages.Faulted)]
    assert (fault.reason, fault.number) == ("unavailable", 1)
    assert house.homes["n3"].asked == house.homes["n2"].asked == []


@pytest.mark.parametrize(
    "message",
    [
        messages.Ask(1, BOB, "player", "no.such", msgspec.Raw(b"\x80"), ""),
        messages.Ask(1, BOB, "player", "session.login", msgspec.Raw(b"\x80"), ""),
        messages.Ask(1, BOB, "house", "player.get", msgspec.Raw(b"\x80"), ""),
        messages.Ask(1, BOB, "player", "listing.bid", msgspec.Raw(b"\x80"), ""),
        messages.Answered(1, True, b"\x80"),
        messages.Answered(1, True, msgspec.msgpack.encode({"reason": "of_no_rule"})),
        messages.Answered(1, False, b"\xc1"),
        messages.Faulted(1, "bad_params", "x", {}),
        messages.Faulted(1, "unavailable", "x", {}),
    ],
)
def test_nonsense_is_the_peers_fault(message: messages.PeerMessage) -> None:
    """It ends the link, not this node, and names the node that sent it."""
    house = House()
    with pytest.raises(PeerFault, match="n1"):
        house.nodes["n2"].received("n1", msgspec.msgpack.encode(messages.Frame(1, 1, [message])))
    assert house.failures == []


def test_a_client_that_follows_redirects_is_told_its_home() -> None:
    """Only for what goes to the caller's own store, and only while the home can be reached."""
    house = House()
    node = house.nodes["n1"]
    for home in house.homes.values():
        home.at_once = Answer(player_result("x"), False)
    (moved,) = outcome(node.ask(asks(BOB, EventsSince(seq=0), redirects=True)))
    assert isinstance(moved, Moved)
    assert moved.figures == {"url": "ws://n2/ws"}
    own_listing = GetListing(listing=f"{store_of(BOB)}.l1")
    served = [
        outcome(node.ask(asks("ann-n1", GetPlayer(), redirects=True))),
        outcome(node.ask(asks(BOB, own_listing, redirects=True))),
        outcome(node.ask(asks(BOB, PARAMS["world.describe"], redirects=True))),  # type: ignore[arg-type]  # params
        outcome(node.ask(asks(BOB, Take(key="k", player=BOB), "service", redirects=True))),
    ]
    house.settle()
    assert all(isinstance(answers[0], Answer) for answers in served), served
    house.cut("n1", "n2")
    (fault,) = outcome(node.ask(asks(BOB, GetPlayer(), redirects=True)))
    assert isinstance(fault, Unavailable)


@pytest.mark.parametrize(
    ("cursor", "node"), [(None, "n1"), ("n1.1-1-50", "n1"), ("n3.1-1-50", "n3"), ("n9.1-1-50", "n1"), ("x", "n1")]
)
def test_a_search_goes_on_where_it_began(cursor: str | None, node: str) -> None:
    """A first page is this node's, a cursor goes to the node that gave it, one of nobody's is refused here."""
    house = House()
    query = SearchListings(cursor=cursor)
    answers = outcome(house.nodes["n1"].ask(asks(BOB, query, redirects=True)))
    house.settle()
    assert house.homes[node].searched == [(query, BOB)]
    house.homes[node].answers[0].callback(Answer(RESULTS["listing.search"], False))  # type: ignore[arg-type]  # result
    house.settle()
    assert isinstance(answers[0], Answer)


def test_a_page_too_far_is_told_through_any_node() -> None:
    """What the node that gave the cursor says of it comes back as it was said."""
    house = House()
    answers = outcome(house.nodes["n1"].ask(asks(BOB, SearchListings(cursor="n3.1-1-50"))))
    house.settle()
    house.homes["n3"].answers[0].errback(BadParams("cursor", "the search leads through: 50"))
    house.settle()
    (fault,) = answers
    assert isinstance(fault, BadParams)
    assert fault.error() == BadParams("cursor", "the search leads through: 50").error()


def test_a_cursor_of_a_node_that_is_cut_off_is_unavailable() -> None:
    """The rest of that search cannot be had; another search can."""
    house = House()
    house.cut("n1", "n3")
    (fault,) = outcome(house.nodes["n1"].ask(asks(BOB, SearchListings(cursor="n3.1-1-50"))))
    assert isinstance(fault, Unavailable)


def test_a_key_is_told_to_the_home_that_keeps_it() -> None:
    """At once where that can be, else as soon as the link is back; the latest are kept while it is not."""
    house = House(ClusterLimits(router=RouterLimits(keys_kept_max=2)))
    node = house.nodes["n1"]
    bid = PlaceBid(listing=LISTING, amount=5)
    node.tell_key(Request(Caller("ann-n1", "player"), bid, "k0"))
    node.tell_key(Request(Caller(BOB, "player"), bid, "k1"))
    house.settle()
    assert house.homes["n1"].told_keys == [(store_of("ann-n1"), own("k0"))]
    assert house.homes["n2"].told_keys == [(store_of(BOB), own("k1"))]
    house.cut("n1", "n2")
    for key in ("k2", "k3", "k4"):
        node.tell_key(Request(Caller(BOB, "player"), bid, key))
    assert b'auction_limit_hits_total{limit="keys_kept_max"} 1.0' in house.metrics["n1"].render()
    house.join("n1", "n2")
    house.settle()
    assert house.homes["n2"].told_keys[1:] == [(store_of(BOB), own("k3")), (store_of(BOB), own("k4"))]


def test_a_listing_of_another_node_is_seen_as_its_home_shows_it() -> None:
    """The rules here ask for it as the caller; none is none."""
    house = House()
    request = asks("ann-n1", MyBids())
    shown: ListingResult = RESULTS["listing.get"]  # type: ignore[assignment]  # a result object
    house.homes["n3"].at_once = Answer(shown, False)
    seen = outcome(house.nodes["n1"].ask_home_of(LISTING, request))
    house.settle()
    assert seen == [shown.listing]
    assert house.homes["n3"].asked[0].caller == request.caller
    house.homes["n3"].at_once = Answer(Refusal("no_such_listing"), True)
    seen = outcome(house.nodes["n1"].ask_home_of(LISTING, request))
    house.settle()
    assert seen == [None]


def test_a_listing_whose_home_is_cut_off_is_seen_as_the_index_has_it() -> None:
    """A query shows what was known last; a mutation does not decide on that alone what it cannot see at all."""
    house = House()
    row = listing(1, listing=LISTING, seller="sal-n3")
    house.show("n3", [row])
    house.settle()
    house.cut("n1", "n3")
    node, query = house.nodes["n1"], asks("ann-n1", MyBids())
    (seen,) = outcome(node.ask_home_of(LISTING, query))
    assert (seen.listing, seen.mine) == (LISTING, False)
    other = f"{store_of('sal-n3')}.l2"
    assert outcome(node.ask_home_of(other, query)) == [None]
    (fault,) = outcome(node.ask_home_of(other, asks("ann-n1", PlaceBid(listing=other, amount=5))))
    assert isinstance(fault, Unavailable)


def test_a_bug_at_the_home_stops_the_home() -> None:
    """What is no fault of anybody's is not told to the caller as one."""
    house = House()
    house.nodes["n1"].ask(asks(BOB, GetPlayer())).addErrback(lambda _: None)
    house.settle()
    house.homes["n2"].answers[0].errback(ZeroDivisionError())
    assert [failure.type for failure in house.failures] == [ZeroDivisionError]


def _messages(frame: bytes) -> list[messages.PeerMessage]:
    return msgspec.msgpack.decode(frame, type=messages.Frame).messages
