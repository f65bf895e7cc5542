"""A house of several nodes in memory: the rules alone, with trades and transfers at whatever pace a test gives them.

A trade goes on only where a test says so: `prepare`, `decide`, `settle`, in any store first; a transfer arrives when it
is carried. `check` holds the whole house to the proofs, with what lies between the stores explained.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

from auction import trades
from auction.commands import (
    Ask,
    BuyOut,
    CancelListing,
    CreateListing,
    EndListing,
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    PlaceBid,
)
from auction.conservation import Totals, faults
from auction.context import HOUSE, Answer, Caller, Context, Request
from auction.events import Record, TransferSent, TransferTaken
from auction.freezes import NOTHING_FROZEN, Freezes
from auction.house import execute
from auction.needs import first_store
from auction.outcomes import (
    Answered,
    Asleep,
    Elsewhere,
    Executed,
    Gap,
    Held,
    KeyUsed,
    Locked,
    No,
    Proposal,
    Sent,
    Undecided,
    a_player,
)
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import ListingView
from auction.state import Notice, StoreId
from auction.stores import State
from auction.ties import Ties
from auction.transfers import take_transfer
from tests.auction.house import CATALOG, HOUR_S, HOUSE_STORE, START_MS, Names, empty, kind_of, market_of, seal, store_of
from worlddata.types import Rules


@dataclass
class Trade:
    """A trade as its coordinator sees it."""

    request: Request
    proposal: Proposal
    votes: dict[StoreId, bytes] = field(default_factory=dict)
    refusals: dict[StoreId, bytes] = field(default_factory=dict)
    commit: bool | None = None
    payload: bytes = b""
    again: Proposal | None = None
    settled: set[StoreId] = field(default_factory=set)
    prepared_at_ms: int = 0
    answer: Any = None
    """What the caller hears: an Answer, Undecided or KeyUsed."""

    def is_over(self) -> bool:
        """Whether every store that voted YES has settled it."""
        return self.commit is not None and self.settled == set(self.votes)


class Nodes:
    """Players live on nodes; all stores are awake."""

    def __init__(
        self, homes: dict[str, str], rules: Rules | None = None, markets: dict[str, str] | None = None
    ) -> None:
        self.catalog = msgspec.structs.replace(CATALOG, rules=rules or Rules())
        self.now_ms = START_MS
        self.homes = {store_of(player): node for player, node in homes.items()}
        self.homes.update((market_of(commodity), node) for commodity, node in (markets or {}).items())
        self.names = {store_of(player): player for player in homes}
        self.lives: dict[StoreId, int] = {}
        self.states: dict[StoreId, State] = {}
        self.records: list[Record] = []
        self.told: list[tuple[str, Notice]] = []
        self.freezes: dict[str, Freezes] = {}
        """Node → what it knows to be frozen."""
        self.unsent: list[tuple[StoreId, TransferSent]] = []
        """Transfers between nodes that are not acknowledged, in the order in which they left."""
        self.trades: dict[str, Trade] = {}
        self.answered: list[Answered] = []
        """What requests that went to other stores were answered, in the order in which the answers came."""
        self.present: set[str] = set()
        self._random = random.Random(1)
        self._grants = 0

    def state(self, player: str) -> PlayerState:
        """A player's store."""
        return a_player(self.store(store_of(player)))

    def store(self, store: StoreId) -> State:
        """A store; an empty one where nothing was written yet."""
        return self.states.setdefault(store, empty(store))

    def context(self, store: StoreId) -> Context:
        """What a decision knows in the node where a store is at home."""
        node = self.homes.get(store)
        return Context(
            catalog=self.catalog,
            now_ms=self.now_ms,
            store_of=store_of,
            market_of=market_of,
            house=HOUSE_STORE,
            seal=seal,
            random_int=self._random.randint,
            node=node or "",
            is_present=self.present.__contains__,
            at_home=lambda other: self.homes.get(other) == node,
            life_of=lambda other: self.lives.get(other, 1),
            kind_of=kind_of,
            freezes=self.freezes.get(node or "", NOTHING_FROZEN),
        )

    def execute(self, request: Request) -> Any:
        """The outcome of a request in its home; what it asks of other homes is asked there at once."""
        home = first_store(request, Names())
        assert home is not None
        context = self.context(home)
        told: dict[str, ListingView | None] = {}
        outcome = execute(request, self.store, context)
        if isinstance(outcome, Elsewhere):
            told = {listing: self.view(listing, request.caller.player) for listing in outcome.listings}
            outcome = execute(request, self.store, context, told)
        assert not isinstance(outcome, Asleep | Elsewhere), outcome
        if isinstance(outcome, Executed):
            self._done(outcome)
        elif isinstance(outcome, Sent):
            self._happened(outcome.record)
        return outcome

    def ask(self, player: str, ask: Ask, role: Any = "player", own_key: str = "") -> Any:
        """The result, Refusal or stored Answer of a request; the id of the trade that it opens; Locked or Undecided."""
        request = Request(Caller(player, role), ask, own_key)
        outcome = self.execute(request)
        if isinstance(outcome, Executed):
            return outcome.answer if outcome.answer.body is None else outcome.answer.body
        return self.open(request, outcome) if isinstance(outcome, Proposal) else outcome

    def open(self, request: Request, proposal: Proposal) -> str:
        """Open a trade, and nothing more."""
        trade = f"1.{self.homes[proposal.home]}.1.{len(self.trades) + 1}"
        self.trades[trade] = Trade(request, proposal)
        return trade

    def prepare(self, trade: str, store: StoreId) -> Any:
        """Let a store vote."""
        open_trade = self.trades[trade]
        leg = open_trade.proposal.legs[store]
        outcome = trades.prepare(trade, store, leg, self.store, self.context(store))
        assert not isinstance(outcome, Asleep)
        if isinstance(outcome, Held):
            self.records.append(outcome.record)
            open_trade.votes[store] = outcome.vote
            if store == open_trade.proposal.other:
                open_trade.prepared_at_ms = self.now_ms
            self.check()
        elif isinstance(outcome, No):
            open_trade.refusals[store] = outcome.payload
        return outcome

    def decide(self, trade: str, *, give_up: bool = False) -> None:
        """What the coordinator decides, from the votes it has; with `give_up` it aborts whatever they are."""
        it = self.trades[trade]
        judged: Any = Undecided()
        if not give_up and set(it.votes) == set(it.proposal.legs):
            judged = trades.judge(it.proposal, it.votes)
        it.commit = isinstance(judged, bytes)
        if isinstance(judged, bytes):
            it.payload = judged
        elif isinstance(judged, Proposal):
            it.again = judged
        else:
            refused = trades.refused(it.proposal, it.refusals)
            it.answer = Answer(refused, refused=True) if isinstance(refused, Refusal) else refused

    def settle(self, trade: str, store: StoreId) -> Executed:
        """Let a store learn the outcome."""
        it = self.trades[trade]
        assert it.commit is not None
        outcome = trades.settle(trade, store, it.commit, it.payload, self.store, self.context(store))
        assert isinstance(outcome, Executed)
        it.settled.add(store)
        if it.commit and store == it.proposal.home:
            it.answer = outcome.answer
        self._done(outcome)
        return outcome

    def run(self, trade: str) -> Any:
        """Do a trade from beginning to end, once more where the first had the wrong sum; what the caller hears."""
        it = self.trades[trade]
        for store in it.proposal.legs:
            if store not in it.votes:
                waits = self.prepare(trade, store)
                assert not isinstance(waits, Locked), waits
        self.decide(trade)
        for store in list(it.votes):
            self.settle(trade, store)
        if it.again is not None:
            return self.run(self.open(it.request, it.again))
        if isinstance(it.answer, KeyUsed):
            return self.ask(it.request.caller.player, it.request.ask)
        return it.answer.body if isinstance(it.answer, Answer) else it.answer

    def carry(self, *, duplicate: bool = False) -> list[Any]:
        """Carry every transfer as far as it goes now, and return what did not arrive; `duplicate` acknowledges none."""
        stuck = []
        for sender, sent in list(self.unsent):
            outcome = self.carry_one(sender, sent)
            if not isinstance(outcome, Executed):
                stuck.append(outcome)
            elif not duplicate:
                self.unsent.remove((sender, sent))
        return stuck

    def carry_one(self, sender: StoreId, sent: TransferSent) -> Any:
        """Let one transfer arrive, acknowledged or not."""
        life = self.lives.get(sender, 1)
        outcome = take_transfer(sent.to, sender, life, sent, self.store, self.context(sent.to))
        if isinstance(outcome, Executed):
            self._done(outcome)
        else:
            assert isinstance(outcome, Locked | Gap)
        return outcome

    def check(self) -> Ties:
        """Every store's books, the conservation of gold and goods, and what stores say of one another."""
        totals, ties = Totals(), Ties()
        for state in self.states.values():
            assert faults(state) == []
            totals.add(state)
            ties.add(state)
        for sender, sent in self.unsent:
            ties.add_unsent(sender, sent)
        for trade, it in self.trades.items():
            if it.commit is not None:
                ties.add_outcome(trade, it.commit, it.payload)
        ties.count_between(totals)
        assert ties.faults() == []
        assert totals.balanced(), msgspec.structs.asdict(totals.gold)
        return ties

    def grant(self, player: str, gold: int = 0, items: int = 0, commodities: dict[str, int] | None = None) -> list[str]:
        """Grant, and return the ids of the items."""
        self._grants += 1
        wanted = [GrantedItem(base="tide_oar")] * items
        ask = Grant(key=f"g{self._grants}", player=player, gold=gold, items=wanted, commodities=commodities or {})
        return [item.item for item in self.ask("mint", ask, "service").items]

    def create(self, seller: str, **params: Any) -> str:
        """List a freshly granted item and return the listing's id."""
        (item,) = self.grant(seller, items=1)
        params.setdefault("duration_s", HOUR_S)
        listing: str = self.ask(seller, CreateListing(item=item, **params)).listing.listing
        return listing

    def bid(self, bidder: str, listing: str, amount: int, key: str | None = None) -> Any:
        """What `ask` says of a bid."""
        return self.ask(bidder, PlaceBid(listing=listing, amount=amount, key=key))

    def buy_out(self, buyer: str, listing: str, price: int) -> Any:
        """What `ask` says of a buyout."""
        return self.ask(buyer, BuyOut(listing=listing, price=price))

    def cancel(self, player: str, listing: str) -> Any:
        """What `ask` says of a cancellation."""
        return self.ask(player, CancelListing(listing=listing))

    def end(self, listing: str) -> Any:
        """What the listing's timer does."""
        return self.execute(Request(HOUSE, EndListing(listing=listing)))

    def view(self, listing: str, viewer: str = "somebody") -> ListingView | None:
        """The listing as its home shows it."""
        body = self.ask(viewer, GetListing(listing=listing))
        return None if isinstance(body, Refusal) else body.listing

    def gold(self, player: str) -> tuple[int, int]:
        """What a player can spend, and what is in escrow."""
        gold = self.ask(player, GetPlayer()).gold
        return gold.available, gold.escrowed

    def _done(self, executed: Executed) -> None:
        self.answered.extend(executed.answered)
        self.told.extend(executed.notices)
        if executed.record:
            self._happened(executed.record)

    def _happened(self, record: Record) -> None:
        self.records.append(record)
        taken = {
            (event.sender, store, event.number)
            for store, events in record.items()
            for event in events
            if isinstance(event, TransferTaken)
        }
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferSent) and (store, event.to, event.number) not in taken:
                    self.unsent.append((store, event))
        self.check()


def prepared(nodes: Nodes, trade: Any) -> str:
    """A trade for which both stores voted YES."""
    assert isinstance(trade, str), trade
    for store in nodes.trades[trade].proposal.legs:
        assert isinstance(nodes.prepare(trade, store), Held)
    return trade


def committed(nodes: Nodes, trade: Any) -> str:
    """A trade that is decided, and settled nowhere."""
    nodes.decide(prepared(nodes, trade))
    assert nodes.trades[trade].commit
    return str(trade)


def leader(nodes: Nodes, listing: str) -> tuple[str | None, int]:
    """Who leads a listing in its own store."""
    row = nodes.state("al").listings.rows[listing]
    return row.leader, row.leader_max
