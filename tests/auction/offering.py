"""Offers in tests: how they are made, accepted and looked at, in a house of one node or of several."""

from typing import Any

from auction.commands import AcceptOffer, DeclineOffer, EndOffer, ListOffers, MakeOffer, OfferSide, WithdrawOffer
from auction.context import HOUSE, Request
from auction.refusals import Refusal
from tests.auction.house import House
from tests.auction.nodes import Nodes

SomeHouse = House | Nodes

NOTHING = OfferSide()


def side(gold: int = 0, items: list[str] | None = None, **commodities: int) -> OfferSide:
    """One side of an offer."""
    return OfferSide(gold=gold, items=items or [], commodities=commodities)


def make(
    house: SomeHouse, maker: str, to: str, give: OfferSide = NOTHING, want: OfferSide = NOTHING, **params: Any
) -> Any:
    """What `ask` says of an offer."""
    return house.ask(maker, MakeOffer(to=to, give=give, want=want, **params))


def made(
    house: SomeHouse, maker: str, to: str, give: OfferSide = NOTHING, want: OfferSide = NOTHING, **params: Any
) -> str:
    """The id of an offer that is open."""
    result = finished(house, make(house, maker, to, give, want, **params))
    assert not isinstance(result, Refusal) and result.state == "open", result
    return str(result.offer)


def accept(house: SomeHouse, player: str, offer: str, key: str | None = None) -> Any:
    """What `ask` says of accepting an offer."""
    return house.ask(player, AcceptOffer(offer=offer, key=key))


def decline(house: SomeHouse, player: str, offer: str) -> Any:
    """What `ask` says of declining an offer."""
    return house.ask(player, DeclineOffer(offer=offer))


def withdraw(house: SomeHouse, player: str, offer: str) -> Any:
    """What `ask` says of withdrawing an offer."""
    return house.ask(player, WithdrawOffer(offer=offer))


def expire(house: SomeHouse, offer: str) -> Any:
    """What the offer's timer does."""
    return house.execute(Request(HOUSE, EndOffer(offer=offer)))


def shown(house: SomeHouse, player: str, **page: Any) -> list[Any]:
    """The offers that a player sees."""
    return list(house.ask(player, ListOffers(**page)).offers)


def finished(house: SomeHouse, told: Any) -> Any:
    """What the caller hears in the end, where a trade was opened."""
    return house.run(told) if isinstance(told, str) and isinstance(house, Nodes) else told
