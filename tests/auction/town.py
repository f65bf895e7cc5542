"""A small town where everybody does everything, at random but seeded: a house with a history of every kind of trade."""

import random

from auction.commands import (
    AcceptOffer,
    BuyCommodity,
    CancelOrder,
    ClaimDelivery,
    CreateListing,
    DeclineOffer,
    EndOffer,
    MakeOffer,
    OfferSide,
    SellCommodity,
    Take,
    WithdrawOffer,
)
from auction.context import HOUSE, Request
from tests.auction.house import HOUR_S, House
from worlddata.types import Rules

PLAYERS = ("al", "bo", "cy", "di")
COMMODITIES = ("tin", "salt")


class Town:
    """`do` lets somebody do something; much of it is refused, as in life."""

    def __init__(self, seed: int, rules: Rules | None = None) -> None:
        self.house = House(rules or Rules(deposit_bp=500), seed)
        self._random = random.Random(seed)
        self._taken = 0
        for player in PLAYERS:
            self.house.grant(player, gold=5_000, items=2, commodities=dict.fromkeys(COMMODITIES, 100))

    def live(self, doings: int) -> House:
        """Let so much be done, and return the house."""
        for _ in range(doings):
            self.do()
        return self.house

    def do(self) -> None:
        """One thing, by somebody; time goes on."""
        chance, house = self._random, self.house
        house.now_ms += chance.randint(1, 400_000)
        self._end_what_is_due()
        player = chance.choice(PLAYERS)
        act = chance.choice(
            (
                self._list,
                self._list,
                self._bid,
                self._bid,
                self._buy_out,
                self._cancel,
                self._order,
                self._order,
                self._order,
                self._cancel_order,
                self._offer,
                self._offer,
                self._answer_offer,
                self._answer_offer,
                self._claim,
                self._take,
            )
        )
        act(player)

    def _end_what_is_due(self) -> None:
        house = self.house
        for player in PLAYERS:
            state = house.state(player)
            for listing in state.due_listings(house.now_ms):
                house.end(listing)
            for offer in [row.offer for row in state.offers if row.expires_at_ms <= house.now_ms]:
                house.execute(Request(HOUSE, EndOffer(offer=offer)))

    def _claim(self, player: str) -> None:
        for delivery in self.house.deliveries(player):
            self.house.ask(player, ClaimDelivery(delivery=delivery.delivery))

    def _other(self, player: str) -> str:
        return self._random.choice([other for other in PLAYERS if other != player])

    def _list(self, player: str) -> None:
        items = list(self.house.state(player).items.rows)
        if items:
            start_bid = self._random.randint(1, 300)
            buyout = self._random.choice((None, start_bid + self._random.randint(0, 500)))
            item = self._random.choice(items)
            listed = CreateListing(item=item, start_bid=start_bid, buyout=buyout, duration_s=HOUR_S)
            self.house.ask(player, listed)
        else:
            self.house.grant(player, items=1)

    def _listing(self, player: str) -> str | None:
        others = [name for other in PLAYERS if other != player for name in self.house.state(other).open_listings]
        return self._random.choice(others) if others else None

    def _bid(self, player: str) -> None:
        listing = self._listing(player)
        if listing is not None:
            least = self.house.view(listing).min_bid
            if least is not None:
                self.house.bid(player, listing, least + self._random.randint(0, 200))

    def _buy_out(self, player: str) -> None:
        listing = self._listing(player)
        if listing is not None:
            price = self.house.view(listing).buyout
            if price is not None:
                self.house.buy_out(player, listing, price)

    def _cancel(self, player: str) -> None:
        mine = list(self.house.state(player).open_listings)
        if mine:
            self.house.cancel(player, self._random.choice(mine))

    def _order(self, player: str) -> None:
        kind = self._random.choice((BuyCommodity, SellCommodity))
        commodity, quantity = self._random.choice(COMMODITIES), self._random.randint(1, 30)
        price = self._random.randint(1, 6) * self.house.catalog.commodities[commodity].tick
        self.house.ask(player, kind(commodity=commodity, quantity=quantity, limit_price=price))

    def _cancel_order(self, player: str) -> None:
        mine = list(self.house.state(player).orders.rows)
        if mine:
            self.house.ask(player, CancelOrder(order=self._random.choice(mine)))

    def _offer(self, player: str) -> None:
        to = self._other(player)
        self.house.ask(player, MakeOffer(to=to, give=self._side(player), want=self._side(to), expires_s=HOUR_S))

    def _side(self, player: str) -> OfferSide:
        chance, items = self._random, list(self.house.state(player).items.rows)
        return OfferSide(
            gold=chance.choice((0, chance.randint(1, 500))),
            items=chance.sample(items, min(len(items), chance.randint(0, 2))),
            commodities={"tin": chance.randint(1, 20)} if chance.random() < 0.5 else {},
        )

    def _answer_offer(self, player: str) -> None:
        state = self.house.state(player)
        if state.inbox.rows and self._random.random() < 0.8:
            offer = self._random.choice(list(state.inbox.rows))
            self.house.ask(player, self._random.choice((AcceptOffer, AcceptOffer, DeclineOffer))(offer=offer))
        elif state.offers.rows:
            self.house.ask(player, WithdrawOffer(offer=self._random.choice(list(state.offers.rows))))

    def _take(self, player: str) -> None:
        self._taken += 1
        state = self.house.state(player)
        items = list(state.items.rows)[: self._random.randint(0, 1)]
        gold = min(self._random.randint(0, 50), state.gold())
        self.house.ask("mint", Take(key=f"t{self._taken}", player=player, gold=gold, items=items), "service")
