"""Offers between players, through whole nodes in memory: their links, their disks and their timers."""

from typing import Any

import pytest

from auction.commands import (
    AcceptOffer,
    ClaimDelivery,
    DeclineOffer,
    EventsSince,
    GetPlayer,
    Grant,
    GrantedItem,
    ListDeliveries,
    ListOffers,
    MakeOffer,
    OfferSide,
    WithdrawOffer,
)
from shardnode.wire.errors import InDoubt, Unavailable
from tests.auction.house import CATALOG
from tests.node.many import HouseInMemory
from tests.node.test_trades import told


class Bazaar:
    """ann and ben, who live on n1 and n2, or both on n1; each has gold, an item and some tin."""

    def __init__(self, *, apart: bool = True) -> None:
        self.house = HouseInMemory()
        self.ann = self.house.player_at("n1")
        self.ben = self.house.player_at("n2" if apart else "n1", but=(self.ann,))
        self.items = {player: self._grant(player) for player in (self.ann, self.ben)}

    def _grant(self, player: str) -> str:
        given = [GrantedItem(base=next(iter(CATALOG.bases)))]
        ask = Grant(key="g", player=player, gold=1_000, items=given, commodities={"tin": 5})
        granted = self.ask("game", ask, through=self.house.home_of(player), role="service")
        return str(granted["items"][0]["item"])

    def ask(self, player: str, ask: Any, **how: Any) -> Any:
        """Ask through any node; plain data or a Refusal."""
        return told(self.house.ask(player, ask, **how))

    def make(self, **params: Any) -> str:
        """ann offers 300 gold, her item and 2 tin for 50 gold and ben's item."""
        give = OfferSide(gold=300, items=[self.items[self.ann]], commodities={"tin": 2})
        want = OfferSide(gold=50, items=[self.items[self.ben]])
        made = self.ask(self.ann, MakeOffer(to=self.ben, give=give, want=want, **params))
        assert made["state"] == "open"
        return str(made["offer"])

    def gold(self, player: str) -> tuple[int, int]:
        """What a player can spend, and what is in escrow."""
        gold = self.ask(player, GetPlayer())["gold"]
        return gold["available"], gold["escrowed"]

    def told(self, player: str) -> list[tuple[str, str]]:
        """What a player was told of offers."""
        events = self.ask(player, EventsSince(seq=0))["events"]
        return [(event["type"], event["data"]["state"]) for event in events if "offer" in event["data"]]

    def open_offers(self) -> list[int]:
        """How many each of the two sees."""
        return [len(self.ask(player, ListOffers())["offers"]) for player in (self.ann, self.ben)]


@pytest.fixture
def bazaar() -> Bazaar:
    """Two players who live apart."""
    return Bazaar()


@pytest.mark.parametrize("apart", [True, False])
def test_an_offer_changes_hands(apart: bool) -> None:
    """Made, seen by both through any node, accepted, claimed; here and across nodes."""
    bazaar = Bazaar(apart=apart)
    offer = bazaar.make()
    assert (bazaar.gold(bazaar.ann), bazaar.open_offers()) == ((700, 300), [1, 1])
    assert bazaar.ask(bazaar.ben, AcceptOffer(offer=offer), through="n3") == {"offer": offer, "state": "accepted"}
    assert bazaar.open_offers() == [0, 0]
    for player, gold in ((bazaar.ann, 750), (bazaar.ben, 1_250)):
        (delivery,) = bazaar.ask(player, ListDeliveries())["deliveries"]
        assert delivery["kind"] == "traded"
        bazaar.ask(player, ClaimDelivery(delivery=delivery["delivery"]))
        assert bazaar.gold(player) == (gold, 0)
    assert bazaar.told(bazaar.ann) == [("offer.closed", "accepted")]
    assert bazaar.told(bazaar.ben) == [("offer.received", "open"), ("offer.closed", "accepted")]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("how", ["declined", "withdrawn", "expired"])
def test_what_comes_to_nothing_gives_everything_back(apart: bool, how: str) -> None:
    """Whoever ends it, by hand or by its timer; the other hears of it over the link."""
    bazaar = Bazaar(apart=apart)
    offer = bazaar.make(expires_s=5)
    if how == "declined":
        bazaar.ask(bazaar.ben, DeclineOffer(offer=offer))
    elif how == "withdrawn":
        bazaar.ask(bazaar.ann, WithdrawOffer(offer=offer))
    else:
        bazaar.house.pass_time(5.2)
    bazaar.house.work()
    assert (bazaar.gold(bazaar.ann), bazaar.open_offers()) == ((1_000, 0), [0, 0])
    assert bazaar.told(bazaar.ann) == [("offer.closed", how)]
    assert bazaar.told(bazaar.ben) == [("offer.received", "open"), ("offer.closed", how)]


def test_an_offer_expires_while_its_node_restarts(bazaar: Bazaar) -> None:
    """Its timer is on the disk: it expires when the node is back, once, and not before its time."""
    bazaar.make(expires_s=20)
    bazaar.house.crash("n1")
    bazaar.house.pass_time(5)
    bazaar.house.restart("n1")
    bazaar.house.pass_time(5)
    assert bazaar.open_offers() == [1, 1]
    bazaar.house.crash("n1")
    bazaar.house.pass_time(20)
    bazaar.house.restart("n1")
    bazaar.house.pass_time(3)
    assert (bazaar.gold(bazaar.ann), bazaar.open_offers()) == ((1_000, 0), [0, 0])
    assert bazaar.told(bazaar.ben) == [("offer.received", "open"), ("offer.closed", "expired")]


def test_an_offer_whose_end_came_while_a_trade_held_it(bazaar: Bazaar) -> None:
    """Nobody can agree for longer than it stands: it is accepted, as it was promised in time, and never expires."""
    offer = bazaar.make(expires_s=3)
    house = bazaar.house
    house.wire.drop = lambda _sender, _to, frame: b"accept" in frame or b"propose" in frame
    answers: list[Any] = []
    house.begin(bazaar.ben, AcceptOffer(offer=offer, key="k")).addBoth(answers.append)
    house.pass_time(6)
    assert answers[0].check(InDoubt)
    assert bazaar.gold(bazaar.ann) == (700, 300)
    house.wire.drop = lambda *_: False
    house.pass_time(8)
    ended = bazaar.ask(bazaar.ben, AcceptOffer(offer=offer, key="k"))
    assert ended == {"offer": offer, "state": "accepted"}
    assert bazaar.told(bazaar.ann) == [("offer.closed", "accepted")]


def test_an_offer_whose_trade_is_given_up_expires(bazaar: Bazaar) -> None:
    """Its end came while a trade held it, which came to nothing: the timer is spent, and it expires all the same."""
    offer = bazaar.make(expires_s=3)
    house = bazaar.house
    house.wire.drop = lambda sender, to, frame: sender == "n1" or (to == "n1" and b"prepare" not in frame)
    house.begin(bazaar.ben, AcceptOffer(offer=offer)).addErrback(lambda _: None)
    house.pass_time(4)
    assert bazaar.gold(bazaar.ann) == (700, 300)
    house.wire.drop = lambda *_: False
    house.pass_time(6)
    assert (bazaar.gold(bazaar.ann), bazaar.gold(bazaar.ben)) == ((1_000, 0), (1_000, 0))
    assert bazaar.told(bazaar.ann) == [("offer.closed", "expired")]


def test_with_the_others_node_down_nothing_is_offered(bazaar: Bazaar) -> None:
    """Nothing is held for the dead, and what is made already can be withdrawn; the news arrives later."""
    offer = bazaar.make()
    bazaar.house.crash("n2")
    with pytest.raises(Unavailable):
        bazaar.ask(bazaar.ann, MakeOffer(to=bazaar.ben, give=OfferSide(gold=1), want=OfferSide()))
    assert bazaar.ask(bazaar.ann, WithdrawOffer(offer=offer))["state"] == "withdrawn"
    assert bazaar.gold(bazaar.ann) == (1_000, 0)
    bazaar.house.restart("n2")
    bazaar.house.pass_time(3)
    assert bazaar.open_offers() == [0, 0]
    assert bazaar.told(bazaar.ben)[-1] == ("offer.closed", "withdrawn")
