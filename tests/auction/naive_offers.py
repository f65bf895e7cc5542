"""Offers as a player would explain them: one book for everybody, where everything happens at once."""

from collections import Counter
from dataclasses import dataclass, field

from auction.commands import MakeOffer, OfferSide
from worlddata.types import Rules


@dataclass
class Terms:
    """An offer that is open."""

    maker: str
    to: str
    give: OfferSide
    want: OfferSide
    expires_at_ms: int


@dataclass
class Purse:
    """What somebody owns and can dispose of."""

    gold: int = 0
    items: set[str] = field(default_factory=set)
    goods: Counter[str] = field(default_factory=Counter)

    def lacks(self, side: OfferSide) -> str | None:
        """Why that cannot be given: of gold and goods, after what is not there at all."""
        if not self.items.issuperset(side.items):
            return "no_such_item"
        if side.gold > self.gold:
            return "insufficient_gold"
        short = any(self.goods[name] < quantity for name, quantity in side.commodities.items())
        return "insufficient_goods" if short else None

    def give(self, side: OfferSide) -> None:
        """It is gone."""
        assert self.lacks(side) is None, (self, side)
        self.gold -= side.gold
        self.items.difference_update(side.items)
        self.goods.subtract(side.commodities)

    def get(self, side: OfferSide) -> None:
        """It is here."""
        self.gold += side.gold
        self.items.update(side.items)
        self.goods.update(side.commodities)


class NaiveOffers:
    """The book."""

    def __init__(self, rules: Rules, players: list[str]) -> None:
        self._rules = rules
        self.purses = {player: Purse() for player in players}
        self.waiting: dict[str, list[tuple[str, OfferSide]]] = {player: [] for player in players}
        self.offers: dict[str, Terms] = {}
        self.inboxes: dict[str, set[str]] = {player: set() for player in players}
        self.told: dict[str, list[tuple[str, str]]] = {player: [] for player in players}
        """Offer and state."""
        self._over: dict[str, set[str]] = {player: set() for player in players}

    def can_make(self, maker: str, ask: MakeOffer, now_ms: int) -> str:
        """`ok`, or the reason why not."""
        lacks = self.purses[maker].lacks(ask.give)
        mine = sum(terms.maker == maker for terms in self.offers.values())
        waiting = [self.offers[name] for name in self.inboxes[ask.to] if name in self.offers]
        waiting = [terms for terms in waiting if now_ms < terms.expires_at_ms]
        from_maker = sum(terms.maker == maker for terms in waiting)
        if lacks == "no_such_item":
            return lacks
        if mine >= self._rules.max_offers:
            return "offer_limit"
        if len(waiting) >= self._rules.offers_inbox_max or from_maker >= self._rules.offers_from_one_max:
            return "inbox_full"
        return lacks or "ok"

    def make(self, offer: str, maker: str, ask: MakeOffer, expires_at_ms: int, now_ms: int) -> None:
        """It is open from now on."""
        assert self.can_make(maker, ask, now_ms) == "ok"
        self.purses[maker].give(ask.give)
        self.offers[offer] = Terms(maker, ask.to, ask.give, ask.want, expires_at_ms)
        self.inboxes[ask.to].add(offer)
        self.told[ask.to].append((offer, "open"))

    def can_accept(self, player: str, offer: str, now_ms: int) -> str:
        """As `can_make`."""
        if offer not in self.inboxes[player]:
            return "offer_closed" if offer in self._over[player] else "no_such_offer"
        terms = self.offers[offer]  # which is open as long as nothing is under way
        lacks = self.purses[player].lacks(terms.want)
        if lacks == "no_such_item":
            return lacks
        return "offer_closed" if now_ms >= terms.expires_at_ms else lacks or "ok"

    def accept(self, player: str, offer: str, now_ms: int) -> None:
        """Both sides change hands, and wait."""
        assert self.can_accept(player, offer, now_ms) == "ok"
        terms = self.offers.pop(offer)
        self.purses[player].give(terms.want)
        self._wait(player, "traded", terms.give)
        self._wait(terms.maker, "traded", terms.want)
        self.inboxes[player].remove(offer)
        for each in (player, terms.maker):
            self._tell(each, offer, "accepted")

    def can_end(self, player: str, offer: str, now_ms: int, *, by_maker: bool) -> str:
        """Whether the player can withdraw the offer, or decline it; as `can_make`."""
        terms = self.offers.get(offer)
        here = terms is not None and (terms.maker == player if by_maker else offer in self.inboxes[player])
        if not here:
            return "offer_closed" if offer in self._over[player] else "no_such_offer"
        assert terms is not None
        return "offer_closed" if now_ms >= terms.expires_at_ms else "ok"

    def end(self, offer: str, how: str) -> None:
        """Its maker knows that it is over, if it was not: everything comes back, the gold by itself."""
        terms = self.offers.pop(offer, None)
        if terms is not None:
            self.purses[terms.maker].gold += terms.give.gold
            self._wait(terms.maker, "returned", OfferSide(items=terms.give.items, commodities=terms.give.commodities))
            self._tell(terms.maker, offer, how)

    def forget(self, player: str, offer: str, how: str) -> None:
        """The other knows that it is over, if it was not."""
        if offer in self.inboxes[player]:
            self.inboxes[player].remove(offer)
            self._tell(player, offer, how)

    def claim(self, player: str, kind: str, what: OfferSide) -> None:
        """What waited is here."""
        self.waiting[player].remove((kind, what))
        self.purses[player].get(what)

    def _wait(self, player: str, kind: str, what: OfferSide) -> None:
        if what != OfferSide():
            self.waiting[player].append((kind, what))

    def _tell(self, player: str, offer: str, how: str) -> None:
        self.told[player].append((offer, how))
        self._over[player].add(offer)
