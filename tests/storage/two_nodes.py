"""A house of two nodes on disk, driven by the rules, that can be stopped in the middle of things.

Ann is at home on n1, bob and cyd on n2. Bob bids for ann's item, cyd outbids him and wins; each step is one record with
its facts in one node's journal, in the order in which a cluster might do them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from auction.commands import CreateListing, EndListing, Grant, GrantedItem, PlaceBid
from auction.context import HOUSE, Caller, Context, Request
from auction.events import Record, TransferSent, decode_events, encode_events
from auction.house import execute
from auction.outcomes import Executed, Held, Proposal
from auction.state import StoreId
from auction.stores import State
from auction.trades import judge, prepare, settle
from auction.transfers import take_transfer
from shardnode.agreement.facts import finished_key, prepared_key
from shardnode.agreement.messages import Outcome, Participant, Party, Prepared, TradeId, Value
from shardnode.storage.facts import Unsent, transfer_key
from shardnode.storage.port import Append, Entry
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.auction.house import (
    CATALOG,
    HOUR_S,
    HOUSE_STORE,
    NAMING_KEY,
    START_MS,
    empty,
    market_of,
    seal,
    store_of,
)

ANN, BOB, CYD = (store_of(name) for name in ("ann", "bob", "cyd"))
HOMES = {ANN: "n1", BOB: "n2", CYD: "n2"}
LISTING = f"{ANN}.l1"
BOBS, CYDS = TradeId(1, "n2", 1, 1), TradeId(1, "n2", 1, 2)


class Node:
    """One directory, and the stores at home in it."""

    def __init__(self, name: str, data: Path) -> None:
        self.name = name
        self.storage = SqliteStorage(data, NAMING_KEY)
        self.position = self.storage.open().position
        self.now_ms = START_MS
        self.states: dict[StoreId, State] = {}

    def store(self, store: StoreId) -> State:
        """A store that is at home here."""
        assert HOMES[store] == self.name
        return self.states.setdefault(store, empty(store))

    def context(self) -> Context:
        """What a decision here knows."""
        return Context(
            catalog=CATALOG,
            now_ms=self.now_ms,
            store_of=store_of,
            market_of=market_of,
            house=HOUSE_STORE,
            seal=seal,
            random_int=lambda low, _: low,
            node=self.name,
            at_home=lambda store: HOMES.get(store) == self.name,
        )

    def keep(self, record: Record, facts: dict[str, msgspec.Struct | None]) -> None:
        """Make a record durable, with the transfers that leave with it."""
        for sender, events in record.items():
            for event in events:
                if isinstance(event, TransferSent) and HOMES[event.to] != self.name:
                    key = transfer_key(sender, event.to, event.life, event.number)
                    facts[key] = Unsent(event.life, encode_events([event]))
        self.position += 1
        parts = {store: encode_events(events) for store, events in record.items()}
        self.storage.journal.append(Append([Entry(self.position, parts)], {}, self.now_ms, facts))


class TwoNodes:
    """The house; `steps` are its story."""

    def __init__(self, base: Path) -> None:
        self.nodes = {name: Node(name, base / name) for name in ("n1", "n2")}
        self._proposals: dict[TradeId, Proposal] = {}
        self._votes: dict[StoreId, bytes] = {}
        self.steps: dict[str, Callable[[], None]] = {
            "granted": self._grant,
            "listed": lambda: self._ask("n1", "ann", CreateListing(item=f"{ANN}.i1", start_bid=10, duration_s=HOUR_S)),
            "bob's bid prepared by ann": lambda: self._prepare(BOBS, "bob", 100, ANN),
            "and by bob": lambda: self._prepare(BOBS, "bob", 100, BOB),
            "settled by bob": lambda: self._settle(BOBS, BOB),
            "and by ann": lambda: self._settle(BOBS, ANN),
            "cyd's bid prepared by ann": lambda: self._prepare(CYDS, "cyd", 150, ANN),
            "and by cyd": lambda: self._prepare(CYDS, "cyd", 150, CYD),
            "settled by ann, bob's refund under way": lambda: self._settle(CYDS, ANN),
            "settled by cyd too": lambda: self._settle(CYDS, CYD),
            "refund taken in": lambda: self._carry(BOB, forget=False),
            "and known to be": lambda: self._forget(BOB),
            "won, the item under way": self._end,
            "item taken in": lambda: self._carry(CYD, forget=True),
        }

    def run_to(self, last: str) -> list[Path]:
        """Take the steps up to one, and stop; the directories."""
        for name, step in self.steps.items():
            step()
            if name == last:
                break
        for node in self.nodes.values():
            node.storage.close()
        return [node.storage._directory.path for node in self.nodes.values()]

    def _grant(self) -> None:
        for store, player, gold, items in ((ANN, "ann", 50, 1), (BOB, "bob", 500, 0), (CYD, "cyd", 500, 0)):
            wanted = [GrantedItem(base="tide_oar")] * items
            self._ask(HOMES[store], "mint", Grant(key=f"g{player}", player=player, gold=gold, items=wanted), "service")

    def _ask(self, name: str, player: str, ask: Any, role: Any = "player") -> None:
        node = self.nodes[name]
        executed = execute(Request(Caller(player, role), ask), node.store, node.context())
        assert isinstance(executed, Executed) and executed.record, executed
        node.keep(executed.record, {})

    def _prepare(self, trade: TradeId, player: str, amount: int, store: StoreId) -> None:
        n2, node = self.nodes["n2"], self.nodes[HOMES[store]]
        if trade not in self._proposals:
            request = Request(Caller(player, "player"), PlaceBid(listing=LISTING, amount=amount))
            proposal = execute(request, n2.store, n2.context())
            assert isinstance(proposal, Proposal)
            self._proposals[trade] = proposal
        held = prepare(str(trade), store, self._proposals[trade].legs[store], node.store, node.context())
        assert isinstance(held, Held), held
        self._votes[store] = held.vote
        party = Party((Participant(ANN, "n1"), Participant(store_of(player), "n2")), ("n1", "n2"))
        node.keep(held.record, {prepared_key(trade, store): Prepared(trade, store, party)})

    def _settle(self, trade: TradeId, store: StoreId) -> None:
        node = self.nodes[HOMES[store]]
        payload = judge(self._proposals[trade], self._votes)
        assert isinstance(payload, bytes), payload
        settled = settle(str(trade), store, True, payload, node.store, node.context())
        assert isinstance(settled, Executed)
        outcome = Outcome(trade, store, Value(True, payload))
        node.keep(settled.record, {prepared_key(trade, store): None, finished_key(trade, store): outcome})

    def _under_way(self, to: StoreId) -> Iterator[tuple[str, TransferSent]]:
        for key, value in self.nodes["n1"].storage.journal.facts().items():
            if key.startswith(f"transfer/{ANN}/{to}/"):
                (sent,) = decode_events(msgspec.json.decode(value, type=Unsent).event)
                assert isinstance(sent, TransferSent)
                yield key, sent

    def _carry(self, to: StoreId, *, forget: bool) -> None:
        n2 = self.nodes["n2"]
        for _, sent in self._under_way(to):
            taken = take_transfer(to, ANN, 1, sent, n2.store, n2.context())
            assert isinstance(taken, Executed) and taken.record, taken
            n2.keep(taken.record, {})
        if forget:
            self._forget(to)

    def _forget(self, to: StoreId) -> None:
        self.nodes["n1"].keep({}, {key: None for key, _ in self._under_way(to)})

    def _end(self) -> None:
        n1 = self.nodes["n1"]
        n1.now_ms = n1.states[ANN].listings.rows[LISTING].ends_at_ms
        ended = execute(Request(HOUSE, EndListing(listing=LISTING)), n1.store, n1.context())
        assert isinstance(ended, Executed)
        n1.keep(ended.record, {})
