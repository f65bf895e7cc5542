"""Offers between players of different nodes, one step at a time: what is held, what waits, who wins."""

from typing import Any

import msgspec
import pytest

from auction import trades
from auction.commands import ClaimDelivery, CreateListing, GetPlayer, Grant, GrantedItem, Take
from auction.conservation import Totals
from auction.events import LegPrepared, decode_events
from auction.legs import encode
from auction.offers.legs import InboxLeg, OfferedLeg
from auction.outcomes import Gap, Held, Locked, No, Undecided
from auction.results import OfferResult
from auction.state import OFFER_ITEMS_MAX, Assets, Item, PreparedLeg, ReceivedOffer, Wanted
from auction.ties import Ties
from shardnode.agreement.messages import PAYLOAD_BYTES_MAX
from shardnode.cluster.post import MESSAGE_BYTES_MAX
from tests.auction.house import HOUR_S, MAX, House, refused, replayed, rows_of, store_of
from tests.auction.nodes import Nodes, committed, prepared
from tests.auction.offering import accept, decline, expire, finished, made, make, shown, side, withdraw
from worlddata.types import Rules

AL, BO = store_of("al"), store_of("bo")


@pytest.fixture
def nodes() -> Nodes:
    """al on n1 and bo on n2 have 1,000 gold each, al 5 tin, bo 7 salt; cy on n3 has 1,000 gold."""
    nodes = Nodes({"al": "n1", "bo": "n2", "cy": "n3"})
    nodes.grant("al", gold=1_000, commodities={"tin": 5})
    nodes.grant("bo", gold=1_000, commodities={"salt": 7})
    nodes.grant("cy", gold=1_000)
    return nodes


def stash(nodes: Nodes, player: str) -> tuple[set[str], dict[str, int]]:
    """What a stash holds."""
    state = nodes.state(player)
    return set(state.items.rows), {row.commodity: row.quantity for row in state.commodities if row.quantity}


def offers_told(nodes: Nodes, player: str) -> list[tuple[str, Any]]:
    """What a player was told of offers: type and state."""
    return [(notice.type, notice.data["state"]) for notice in nodes.state(player).notices if "offer" in notice.data]


def ties_of(nodes: Nodes, *, explained: bool = True) -> tuple[list[str], bool]:
    """What is wrong, and whether all is conserved, with or without what the nodes know of trades and transfers."""
    totals, ties = Totals(), Ties()
    for state in nodes.states.values():
        totals.add(state)
        ties.add(state)
    if explained:
        for sender, sent in nodes.unsent:
            ties.add_unsent(sender, sent)
        for trade, it in nodes.trades.items():
            ties.add_outcome(trade, bool(it.commit), it.payload)
    ties.count_between(totals)
    return ties.faults(), totals.balanced()


class TestMaking:
    """An offer to a player of another node is a trade."""

    def test_what_is_given_is_held_until_it_is_decided(self, nodes: Nodes) -> None:
        """Neither in wallet and stash nor with an offer; then it is with the offer, whichever store is first."""
        (item,) = nodes.grant("al", items=1)
        for first, second in ((AL, BO), (BO, AL)):
            trade = prepared(nodes, make(nodes, "al", "bo", side(300, [item], tin=2), side(5)))
            assert (nodes.gold("al"), stash(nodes, "al")) == ((700, 300), (set(), {"tin": 3}))
            assert shown(nodes, "al") == shown(nodes, "bo") == []
            nodes.decide(trade)
            nodes.settle(trade, first)
            assert ties_of(nodes) == ([], True)
            nodes.settle(trade, second)
            offer = nodes.trades[trade].proposal.subject
            assert nodes.trades[trade].answer.body == OfferResult(offer, "open")
            assert (nodes.gold("al"), stash(nodes, "al")) == ((700, 300), (set(), {"tin": 3}))
            assert shown(nodes, "al") == shown(nodes, "bo") != []
            withdraw(nodes, "al", offer)
            nodes.carry()
            (delivery,) = nodes.state("al").deliveries
            nodes.ask("al", ClaimDelivery(delivery=delivery.delivery))

    def test_an_abort_gives_everything_back(self, nodes: Nodes) -> None:
        """At once, where it was; only the id is used up."""
        (item,) = nodes.grant("al", items=1)
        before = rows_of(nodes.state("bo"))
        trade = prepared(nodes, make(nodes, "al", "bo", side(300, [item], tin=2)))
        nodes.decide(trade, give_up=True)
        for store in (AL, BO):
            nodes.settle(trade, store)
        assert (nodes.gold("al"), stash(nodes, "al")) == ((1_000, 0), ({item}, {"tin": 5}))
        assert rows_of(nodes.state("bo")) == before
        assert made(nodes, "al", "bo", side(1)) == f"{AL}.f2"

    def test_offers_under_way_have_different_ids(self, nodes: Nodes) -> None:
        """Two at once, settled in the other order: both are there, and shown in the order in which they were made."""
        first = prepared(nodes, make(nodes, "al", "bo", side(1)))
        second = prepared(nodes, make(nodes, "al", "bo", side(2)))
        for trade in (second, first):
            nodes.decide(trade)
            for store in (AL, BO):
                nodes.settle(trade, store)
        assert [(offer.offer, offer.give.gold) for offer in shown(nodes, "al")] == [(f"{AL}.f1", 1), (f"{AL}.f2", 2)]
        state = nodes.state("al")
        before = rows_of(state)
        state.recount()
        assert rows_of(state) == before

    def test_an_id_is_given_once(self, nodes: Nodes) -> None:
        """Of two that were proposed before either was prepared, the second is sent back; the next try is good."""
        first, second = (make(nodes, "al", "bo", side(1)) for _ in range(2))
        prepared(nodes, first)
        assert nodes.prepare(second, BO) == Locked(BO, f"{AL}.f1")
        assert isinstance(nodes.prepare(second, AL), No)
        nodes.decide(second)
        assert nodes.trades[second].answer == Undecided()
        nodes.run(first)
        assert nodes.run(second) == Undecided()
        assert made(nodes, "al", "bo", side(1)) == f"{AL}.f2"

    def test_what_a_trade_is_about_to_make_counts(self, nodes: Nodes) -> None:
        """Against the maker's limit, and against the other's inbox, until it is decided otherwise."""
        nodes.catalog = Nodes({}, Rules(max_offers=2, offers_inbox_max=2, offers_from_one_max=1)).catalog
        first = prepared(nodes, make(nodes, "al", "bo", side(1)))
        assert refused(nodes.run(make(nodes, "al", "bo", side(2_000)))) == ("inbox_full", {})
        prepared(nodes, make(nodes, "al", "cy", side(1)))
        assert refused(nodes.run(make(nodes, "al", "ed", side(1))))[0] == "no_such_player"
        assert refused(nodes.run(make(nodes, "al", "bo", side(1)))) == ("offer_limit", {})
        assert made(nodes, "cy", "bo", side(1))
        nodes.decide(first, give_up=True)
        for store in (AL, BO):
            nodes.settle(first, store)
        assert made(nodes, "al", "bo", side(1))

    def test_a_store_is_opened_for_it(self, nodes: Nodes) -> None:
        """On either side, by what is prepared there, so that no store holds anything without an owner."""
        nodes.homes.update({store_of("ed"): "n1", store_of("flo"): "n2"})
        nodes.present.update(("ed", "flo"))
        trade = prepared(nodes, make(nodes, "ed", "flo", want=side(5)))
        assert [nodes.state(player).owner().player for player in ("ed", "flo")] == ["ed", "flo"]
        offer = nodes.trades[trade].proposal.subject
        nodes.decide(trade)
        for store in (store_of("ed"), store_of("flo")):
            nodes.settle(trade, store)
        assert finished(nodes, decline(nodes, "flo", offer)).state == "declined"

    def test_who_cannot_give_holds_nothing(self, nodes: Nodes) -> None:
        """The other side is merely asked."""
        trade = make(nodes, "al", "bo", side(2_000))
        assert set(nodes.trades[trade].proposal.legs) == {BO}
        assert refused(nodes.run(trade)) == ("insufficient_gold", {"available": 1_000})
        assert nodes.check().open_trades == 0


class TestHeldGoods:
    """Goods that a trade holds are neither gone nor free."""

    def test_what_is_short_only_of_held_goods_is_not_refused(self, nodes: Nodes) -> None:
        """Whatever needs the item or the pieces may do better in a moment; nobody is told that they are not there."""
        (item,) = nodes.grant("al", items=1)
        prepared(nodes, make(nodes, "al", "bo", side(items=[item], tin=4)))
        for ask, caller in (
            (CreateListing(item=item, start_bid=1, duration_s=HOUR_S), "player"),
            (Take(key="i", player="al", items=[item]), "service"),
            (Take(key="t", player="al", commodities={"tin": 2}), "service"),
        ):
            assert nodes.ask("al" if caller == "player" else "mint", ask, caller) == Undecided()
        assert make(nodes, "al", "bo", side(items=[item])) == Undecided()
        assert make(nodes, "al", "bo", side(tin=2)) == Undecided()
        short = ("insufficient_goods", {"commodity": "tin", "available": 1})
        assert refused(nodes.run(make(nodes, "al", "bo", side(tin=6)))) == short
        assert made(nodes, "al", "bo", side(tin=1))

    def test_room_is_kept_for_them(self, nodes: Nodes) -> None:
        """Grants and claims are refused where what is held would find no room to come back to."""
        nodes.catalog = Nodes({}, Rules(stash_capacity=2)).catalog
        first, _second = nodes.grant("al", items=2)
        trade = prepared(nodes, make(nodes, "al", "bo", side(items=[first], tin=5)))
        assert nodes.ask("al", GetPlayer()).stash.used == 2
        for ask in (
            Grant(key="g", player="al", items=[GrantedItem(base="tide_oar")]),
            Grant(key="g", player="al", commodities={"tin": MAX - 4}),
        ):
            assert refused(nodes.ask("mint", ask, "service")) == ("stash_full", {})
        nodes.grant("al", commodities={"tin": MAX - 5})
        nodes.decide(trade, give_up=True)
        for store in (AL, BO):
            nodes.settle(trade, store)
        assert stash(nodes, "al")[1] == {"tin": MAX}


class TestAccepting:
    """To accept an offer of a player of another node is a trade."""

    def test_both_sides_change_hands(self, nodes: Nodes) -> None:
        """What is wanted is held until it is decided; then all of it waits on the other sides."""
        (mine,) = nodes.grant("al", items=1)
        (theirs,) = nodes.grant("bo", items=1)
        offer = made(nodes, "al", "bo", side(300, [mine], tin=2), side(50, [theirs], salt=7))
        trade = prepared(nodes, accept(nodes, "bo", offer))
        assert (nodes.gold("bo"), stash(nodes, "bo")) == ((950, 50), (set(), {}))
        nodes.decide(trade)
        for store in (AL, BO):
            nodes.settle(trade, store)
        assert nodes.trades[trade].answer.body == OfferResult(offer, "accepted")
        for player, gold, item, goods in (("al", 50, theirs, {"salt": 7}), ("bo", 300, mine, {"tin": 2})):
            (row,) = nodes.state(player).deliveries
            assert (row.kind, row.gold, [each.item for each in row.items]) == ("traded", gold, [item])
            assert row.commodities == goods
            assert offers_told(nodes, player)[-1] == ("offer.closed", "accepted")
        assert [nodes.gold(player) for player in ("al", "bo")] == [(700, 0), (950, 0)]

    @pytest.mark.parametrize("first", [AL, BO])
    def test_one_side_alone_is_explained_by_its_outcome(self, nodes: Nodes, first: str) -> None:
        """What has entered one store and not left the other, and the other way round; nothing else explains it."""
        (mine,) = nodes.grant("al", items=1)
        (theirs,) = nodes.grant("bo", items=1)
        offer = made(nodes, "al", "bo", side(300, [mine], tin=2), side(50, [theirs], salt=7))
        trade = committed(nodes, accept(nodes, "bo", offer))
        nodes.settle(trade, first)
        assert ties_of(nodes) == ([], True)
        faults, balanced = ties_of(nodes, explained=False)
        assert not balanced and len(faults) == 2
        assert f"offer {offer}: " in faults[0] and "more gold went elsewhere" in faults[1]
        nodes.settle(trade, BO if first == AL else AL)
        assert ties_of(nodes) == ([], True)

    def test_what_ends_it_waits(self, nodes: Nodes) -> None:
        """Its maker, the other player and its timer wait for a trade on it, and find it over, or not."""
        offer = made(nodes, "al", "bo", side(300), side(5), expires_s=60)
        for give_up in (True, False):
            trade = prepared(nodes, accept(nodes, "bo", offer))
            nodes.now_ms += 30_000
            for store, waits in (
                (AL, withdraw(nodes, "al", offer)),
                (AL, expire(nodes, offer)),
                (BO, decline(nodes, "bo", offer)),
                (BO, accept(nodes, "bo", offer)),
            ):
                assert waits == Locked(store, offer)
            nodes.decide(trade, give_up=give_up)
            for store in (AL, BO):
                nodes.settle(trade, store)
        assert refused(withdraw(nodes, "al", offer)) == ("offer_closed", {})
        assert expire(nodes, offer).record == {}
        assert offers_told(nodes, "bo")[-1] == ("offer.closed", "accepted")

    def test_prepared_in_time_it_is_good(self, nodes: Nodes) -> None:
        """Decided after its end it is accepted; prepared at its end it is over, though nobody has swept it."""
        offer = made(nodes, "al", "bo", side(300), expires_s=60)
        nodes.now_ms += 59_999
        trade = committed(nodes, accept(nodes, "bo", offer))
        nodes.now_ms += 10_000
        for store in (AL, BO):
            nodes.settle(trade, store)
        assert nodes.trades[trade].answer.body == OfferResult(offer, "accepted")
        late = made(nodes, "al", "bo", side(300), expires_s=60)
        trade = accept(nodes, "bo", late)
        nodes.now_ms += 60_000
        assert refused(nodes.run(trade)) == ("offer_closed", {})

    def test_a_repeat_gets_the_first_answer(self, nodes: Nodes) -> None:
        """The answer is stored with the effect; while it is open, a repeat waits for it."""
        offer = made(nodes, "al", "bo", side(300))
        trade = prepared(nodes, accept(nodes, "bo", offer, key="k"))
        assert accept(nodes, "bo", offer, key="k") == Locked(BO, offer, trade)
        nodes.decide(trade)
        for store in (AL, BO):
            nodes.settle(trade, store)
        assert accept(nodes, "bo", offer, key="k").encoded == nodes.trades[trade].answer.encoded
        assert refused(accept(nodes, "bo", offer, key="l")) == ("offer_closed", {})

    def test_two_that_accept_at_once(self, nodes: Nodes) -> None:
        """Two sessions of one player: one trade is good, the other is sent back, and pays nothing."""
        offer = made(nodes, "al", "bo", side(300), side(10))
        first, second = accept(nodes, "bo", offer), accept(nodes, "bo", offer)
        assert isinstance(nodes.prepare(second, AL), Held)
        assert isinstance(nodes.prepare(first, BO), Held)
        assert isinstance(nodes.prepare(second, BO), No)
        assert nodes.prepare(first, AL) == Locked(AL, offer)
        nodes.decide(second)
        nodes.settle(second, AL)
        assert nodes.run(first).state == "accepted"
        assert refused(accept(nodes, "bo", offer)) == ("offer_closed", {})
        assert nodes.gold("bo") == (990, 0)


class TestRaces:
    """Whatever ends an offer on one node crosses what happens to it on another."""

    def test_withdrawn_before_it_was_accepted(self, nodes: Nodes) -> None:
        """The news is under way: whoever accepts now hears that it is closed, and pays nothing."""
        offer = made(nodes, "al", "bo", side(300), side(10))
        trade = accept(nodes, "bo", offer)
        assert withdraw(nodes, "al", offer).state == "withdrawn"
        assert ties_of(nodes) == ([], True)
        assert any(f"offer {offer}: in the inbox" in fault for fault in ties_of(nodes, explained=False)[0])
        assert refused(nodes.run(trade)) == ("offer_closed", {})
        assert [row.offer for row in nodes.state("bo").inbox] == [offer]
        assert refused(nodes.run(accept(nodes, "bo", offer))) == ("offer_closed", {})
        assert nodes.carry(duplicate=True) == nodes.carry() == []
        assert refused(accept(nodes, "bo", offer)) == ("offer_closed", {})
        assert (nodes.gold("al"), nodes.gold("bo")) == ((1_000, 0), (1_000, 0))
        assert offers_told(nodes, "bo") == [("offer.received", "open"), ("offer.closed", "withdrawn")]

    @pytest.mark.parametrize("how", ["withdrawn", "expired"])
    def test_declined_while_it_was_ended(self, nodes: Nodes, how: str) -> None:
        """Each player hears what happened at home, once, and everything comes back once."""
        offer = made(nodes, "al", "bo", side(300, tin=5), expires_s=60)
        nodes.now_ms += 59_999
        assert decline(nodes, "bo", offer).state == "declined"
        if how == "withdrawn":
            withdraw(nodes, "al", offer)
        else:
            nodes.now_ms += 1
            expire(nodes, offer)
        assert len(nodes.unsent) == 2
        assert nodes.carry() == []
        assert offers_told(nodes, "al") == [("offer.closed", how)]
        assert offers_told(nodes, "bo") == [("offer.received", "open"), ("offer.closed", "declined")]
        assert nodes.gold("al") == (1_000, 0)
        assert [row.commodities for row in nodes.state("al").deliveries] == [{"tin": 5}]

    def test_news_waits_for_the_trade_that_came_before(self, nodes: Nodes) -> None:
        """Withdrawn as soon as it was made, before the other store has settled it; and declined as soon as it came."""
        first = committed(nodes, make(nodes, "al", "bo", side(300)))
        nodes.settle(first, AL)
        offer = nodes.trades[first].proposal.subject
        withdraw(nodes, "al", offer)
        assert nodes.carry() == [Locked(BO, offer)]
        nodes.settle(first, BO)
        assert nodes.carry() == []
        second = committed(nodes, make(nodes, "al", "bo", side(300)))
        nodes.settle(second, BO)
        offer = nodes.trades[second].proposal.subject
        assert decline(nodes, "bo", offer).state == "declined"
        assert nodes.carry() == [Locked(AL, offer)]
        nodes.settle(second, AL)
        assert nodes.carry() == []
        assert nodes.gold("al") == (1_000, 0)
        assert shown(nodes, "al") == shown(nodes, "bo") == []

    def test_an_offer_of_a_store_that_was_lost(self, nodes: Nodes) -> None:
        """Nobody can accept it; it can be declined, and what is expired takes no room in the inbox."""
        nodes.catalog = Nodes({}, Rules(offers_inbox_max=2)).catalog
        first, second = (made(nodes, "al", "bo", side(300), expires_s=60) for _ in range(2))
        del nodes.states[AL]
        nodes.lives[AL] = 2
        nodes.check = Ties  # type: ignore[method-assign]  # what was lost is missing
        assert refused(nodes.run(accept(nodes, "bo", first))) == ("offer_closed", {})
        assert decline(nodes, "bo", second).state == "declined"
        assert isinstance(nodes.carry()[0], Gap)
        nodes.grant("al", gold=10)
        nodes.carry()
        assert ties_of(nodes)[0] == []
        made(nodes, "cy", "bo", side(1))
        assert refused(nodes.run(make(nodes, "cy", "bo", side(1)))) == ("inbox_full", {})
        nodes.now_ms += 60_000
        assert made(nodes, "cy", "bo", side(1))


SITUATIONS: dict[str, tuple[Any, Any]] = {
    "nobody is there, and nothing": ("ed", {"give": side(2_000, ["nonsense"])}),
    "nobody is there": ("ed", {"give": side(2_000)}),
    "what is given is not there": ("bo", {"give": side(2_000, ["nonsense"])}),
    "no such commodity": ("bo", {"give": side(2_000), "want": side(lead=1)}),
    "the inbox is full": ("cy", {"give": side(2_000)}),
    "too little gold": ("bo", {"give": side(2_000, tin=9)}),
    "too few goods": ("bo", {"give": side(1_000, tin=9)}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_reason_is_the_same_on_one_node_and_on_many(situation: str) -> None:
    """Whichever store says it, the house's order decides what is told."""
    to, terms = SITUATIONS[situation]
    reasons = []
    rules = Rules(offers_from_one_max=1)
    for house in (House(rules), Nodes({"al": "n1", "bo": "n2", "cy": "n3"}, rules)):
        house.grant("al", gold=1_000, commodities={"tin": 5})
        for player in ("bo", "cy"):
            house.grant(player, gold=1_000)
        made(house, "al", "cy", side(0), side(1))
        reasons.append(refused(finished(house, make(house, "al", to, **terms))))
    assert reasons[0] == reasons[1]


@pytest.mark.parametrize("is_over", [True, False])
@pytest.mark.parametrize(
    ("want", "while_open"),
    [
        (side(2_000, ["nonsense"]), "no_such_item"),
        (side(2_000, salt=9), "insufficient_gold"),
        (side(1_000, salt=9), "insufficient_goods"),
        (side(1_000, salt=7), "accepted"),
    ],
)
def test_what_is_not_there_comes_before_what_is_over_and_gold_after(want: Any, while_open: str, is_over: bool) -> None:
    """Told to who accepts an offer that has expired, and whose timer has not come, on one node and on many."""
    expected = "offer_closed" if is_over and while_open != "no_such_item" else while_open
    for house in (House(), Nodes({"al": "n1", "bo": "n2"})):
        house.grant("al", gold=1_000)
        house.grant("bo", gold=1_000, commodities={"salt": 7})
        offer = made(house, "al", "bo", side(1), want, expires_s=60)
        house.now_ms += 60_000 * is_over
        answer = finished(house, accept(house, "bo", offer))
        assert (answer.state if isinstance(answer, OfferResult) else refused(answer)[0]) == expected


def test_a_stopped_trade_needs_its_store(nodes: Nodes) -> None:
    """A store that is asleep is asked for before anything is changed."""
    offer = made(nodes, "al", "bo", side(1))
    trade = committed(nodes, accept(nodes, "bo", offer))
    it = nodes.trades[trade]
    for store in (AL, BO):
        asleep = trades.settle(trade, store, True, it.payload, lambda _: None, nodes.context(store))
        assert asleep.stores == (store,)  # type: ignore[union-attr]  # it is Asleep
        asleep = trades.prepare("x", store, it.proposal.legs[store], lambda _: None, nodes.context(store))  # type: ignore[assignment]  # as above
        assert asleep.stores == (store,)  # type: ignore[union-attr]  # as above


def widest(number: int) -> Item:
    """An item whose every text and number is as long as the world allows."""
    word = "w" * 48
    stats = {f"{word[:46]}{stat:02}": 10**6 for stat in range(64)}
    return Item(f"{AL}.i{10**16 - number}", word, "\U0001f5dd" * 64, word, word, 100, stats, bound=False)


def test_the_largest_offer_fits_its_messages(nodes: Nodes) -> None:
    """Both sides as full as they may be: the legs fit what one node tells another, and the decision says nothing."""
    word = "w" * 46
    items = tuple(widest(number) for number in range(OFFER_ITEMS_MAX))
    goods = {f"{word}{number:02}": MAX for number in range(OFFER_ITEMS_MAX)}
    give = Assets(MAX, items, goods)
    want = Wanted(MAX, tuple("x" * 80 for _ in range(OFFER_ITEMS_MAX)), goods)
    received = ReceivedOffer(f"{AL}.f{10**16 - 1}", "p" * 64, give, want, MAX, MAX)
    for leg in (InboxLeg("p" * 64, received, payable=True), OfferedLeg(received.offer, give, payable=True)):
        assert 40_000 < len(encode(leg)) < 60_000 < MESSAGE_BYTES_MAX
    trade = committed(nodes, make(nodes, "al", "bo", side(1)))
    assert len(nodes.trades[trade].payload) == 0 <= PAYLOAD_BYTES_MAX


def test_what_the_version_before_prepared_is_read() -> None:
    """A leg of a bid, written when no leg held goods."""
    row = PreparedLeg("1.n2.1.1", "l", "buyer", "bid", b"leg", b"", 5, "\nk", 7)
    written = {
        "trade": "1.n2.1.1",
        "listing": "l",
        "side": "buyer",
        "kind": "bid",
        "leg": b"leg",
        "vote": b"",
        "held": 5,
        "key": "\nk",
        "at_ms": 7,
    }
    assert decode_events(msgspec.msgpack.encode([["leg-prepared.1", written]])) == [LegPrepared(row)]


def test_a_life_can_be_told_again(nodes: Nodes) -> None:
    """The records alone make the same stores, whatever is open in the middle; the rows alone, all that is derived."""
    (item,) = nodes.grant("al", items=1)
    offer = made(nodes, "al", "bo", side(300, [item], tin=2), side(5, salt=1))
    prepared(nodes, accept(nodes, "bo", offer))
    prepared(nodes, make(nodes, "bo", "cy", side(10, salt=1)))
    again = replayed(nodes.records)
    for store, state in nodes.states.items():
        if state.head() is not None:
            assert rows_of(again[store]) == rows_of(state)
            before = rows_of(state)
            state.recount()
            assert rows_of(state) == before
