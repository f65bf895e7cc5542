"""What clients may be told, and what must hold when a house has come to rest. What is durable, `books` checks.

told          an answer, or a push, tells nothing but what is durable when the node says it
one answer    a key has one answer, whoever repeats it wherever; what was said to be done is in the books for ever
nothing done  what was refused, or unavailable, was not done
one by one    the requests about each listing could have happened one after another, by the pure rules
frozen        nothing begins in what is known to be frozen (`tests.simulation.frozen`)
at rest       no trade is open, no order waits for its market, all transfers have arrived, nothing is overdue; every
              node finds every open listing and knows what is frozen, every session was pushed every notice; memory is
              what a replay of the journal would make of it, and so is what a start would find on disk, logs included
"""

from collections.abc import Iterable
from math import inf
from typing import Any

import msgspec

from auction import keys
from auction.commands import (
    AdminMutation,
    BuyOut,
    CancelListing,
    FreezeTrading,
    GetBook,
    GetListing,
    GetPlayer,
    Mutation,
    PlaceBid,
    SearchListings,
    ThawTrading,
)
from auction.context import Request
from auction.events import Answered
from auction.needs import first_store
from auction.refusals import Refusal
from auction.results import (
    BookResult,
    DeliveriesResult,
    ListingResult,
    ListingView,
    OffersResult,
    OrdersResult,
    PlayerResult,
    Result,
    SearchResult,
    WatchesResult,
)
from auction.state import Notice, StoreId
from auction.stores import State
from auction.views import listing_view
from clients.watched import Match
from shardnode.storage.replay import replay
from shardnode.wire.events import PriceMatched
from shardnode.wire.methods import METHODS
from tests.auction.house import Names, rows_of, store_of
from tests.simulation.books import Books
from tests.simulation.frozen import FrozenThings
from tests.simulation.house import WORLD, House, SimulatedNode
from tests.simulation.linearizable import Operation, linearizable
from tests.simulation.lines import LATENCY_S
from tests.simulation.one_listing import END, Asked, OneListing
from tests.simulation.owners import disagreement
from tests.simulation.workload import LOST, Attempt, Visit
from tests.simulation.world import World

OVERDUE_MS = 3_000
"""How late a listing may end, or an offer expire, in a house at rest."""
UNSURE = (LOST, "in_doubt")
"""Reasons with which nobody knows whether it was done."""
_RESULT_OF = {method.params: method.result for method in METHODS.values()}


class Answers:
    """Checks what nodes say, when they say it."""

    def __init__(self, world: World, books: Books, frozen: FrozenThings) -> None:
        self._world = world
        self._books = books
        self._frozen = frozen
        self._found: dict[tuple[str, int, str], int] = {}
        """Node, its life and listing → the version that a search there showed last."""

    def answered(self, attempt: Attempt) -> None:
        """A node answers a request."""
        ask, outcome, player = attempt.ask, attempt.outcome, attempt.caller.player
        if outcome is None:
            return
        if isinstance(ask, Mutation | AdminMutation):
            self._mutated(attempt, outcome)
            return
        match outcome:
            case PlayerResult() if isinstance(ask, GetPlayer) and outcome not in self._books.wallets.get(player, ()):
                if not outcome.gold.available == outcome.gold.escrowed == outcome.seq == 0:
                    self._wrong("told", f"{player} is told {outcome}")
            case ListingResult():
                self._shown(attempt, [outcome.listing])
            case SearchResult():
                self._shown(attempt, outcome.listings)
                if isinstance(ask, SearchListings) and ask.cursor is None:  # later pages show what the first one found
                    self._not_older(attempt, outcome.listings)
            case DeliveriesResult():
                state = self._books.players().get(store_of(player))
                waiting = state.owner().deliveries_made if state is not None else 0
                if any(int(view.delivery.rpartition(".d")[2]) > waiting for view in outcome.deliveries):
                    self._wrong("told", f"{player} is shown deliveries of which {waiting} were made: {outcome}")
            case BookResult() if isinstance(ask, GetBook):
                self._book_was_there(attempt, ask, outcome)
            case OrdersResult():
                self._were_there(attempt, [("order", view.order, view.remaining) for view in outcome.orders])
            case OffersResult():
                self._were_there(attempt, [("offer", store_of(player), view.offer) for view in outcome.offers])
            case WatchesResult():
                self._were_there(attempt, [("watch", store_of(player), view.watch) for view in outcome.watches])

    def noticed(self, player: str, notice: Notice) -> None:
        """A node pushes a notice."""
        known = self._books.players().get(store_of(player))
        if known is None or known.notices.get(notice.seq) != notice:
            self._wrong("told", f"{player} is told {notice}, which is not durable")

    def matched(self, player: str, match: Match) -> None:
        """A node pushes what somebody watches."""
        there = self._books.there
        if ("watch", store_of(player), match.watch) not in there:
            self._wrong("told", f"{player} is told of a watch that is not durable: {match}")
        if isinstance(match, PriceMatched):
            price = match.data
            if ("price", price.commodity, price.price, price.at_ms) not in there:
                self._wrong("told", f"{player} is told of a trade that is not durable: {match}")
        else:
            for view in match.data.listings:
                self._was_shown(player, view)

    def _mutated(self, attempt: Attempt, outcome: Result | Refusal) -> None:
        if isinstance(outcome, Refusal) and outcome.reason != "outbid":
            if outcome.reason == "key_reused":
                self._wrong("one answer", f"{attempt} was sent under no other key")
            return
        kept = self._books.answers.get(_place(attempt))
        if kept is None:
            self._wrong("told", f"{attempt} is answered before that is durable")
        elif decoded(attempt, kept) != outcome:
            self._wrong("one answer", f"{attempt} is answered otherwise than {kept}")
        elif isinstance(attempt.ask, FreezeTrading | ThawTrading):
            self._frozen.answered(attempt.ask, LATENCY_S)

    def _book_was_there(self, attempt: Attempt, ask: GetBook, shown: BookResult) -> None:
        for book in reversed(self._books.markets[ask.commodity]):
            if shown == BookResult(book.bids[: ask.depth], book.asks[: ask.depth], book.last):
                return
        self._wrong("told", f"{attempt.caller.player} is shown a book of {ask.commodity} that never was: {shown}")

    def _were_there(self, attempt: Attempt, shown: Iterable[tuple[object, ...]]) -> None:
        never = [thing for thing in shown if thing not in self._books.there]
        if never:
            self._wrong("told", f"{attempt.caller.player} is shown what never was durable: {never}")

    def _shown(self, attempt: Attempt, views: Iterable[ListingView]) -> None:
        for view in views:
            self._was_shown(attempt.caller.player, view)

    def _was_shown(self, player: str, view: ListingView) -> None:
        rows = self._books.rows.get(view.listing, ())
        if not any(listing_view(row, player) == view for row in reversed(rows)):
            self._wrong("told", f"{player} is shown {view}, which never was durable")

    def _not_older(self, attempt: Attempt, views: Iterable[ListingView]) -> None:
        """A node's searches never show an older version of a listing than they did before."""
        for view in views:
            rows = self._books.rows.get(view.listing, ())
            versions = [row.version for row in rows if listing_view(row, attempt.caller.player) == view]
            place = attempt.node, attempt.life, view.listing
            if versions and versions[-1] < self._found.get(place, 0):
                self._wrong("told", f"{attempt.node} found version {self._found[place]} before, and now {view}")
            self._found[place] = max([self._found.get(place, 0), *versions[:1]])

    def _wrong(self, check: str, what: str) -> None:
        self._world.violate(check, what)


def decoded(attempt: Attempt, kept: Answered) -> Result | Refusal | None:
    """A stored answer; None for one to another kind of request."""
    try:
        return msgspec.msgpack.decode(kept.answer, type=Refusal if kept.refused else _RESULT_OF[type(attempt.ask)])
    except msgspec.ValidationError:
        return None


def _place(attempt: Attempt) -> tuple[StoreId, str]:
    """The store that keeps the answer to a mutation, and under which key."""
    request = Request(attempt.caller, attempt.ask, attempt.own_key)
    use, store = keys.use_of(request), first_store(request, Names())
    assert store is not None, attempt
    return store, "" if use is None else use.key


def check_keys(world: World, books: Books, attempts: list[Attempt]) -> None:
    """Every key that the clients used: one answer, and nothing done where that was said."""
    for (store, key), tries in _by_key(attempts).items():
        kept = books.answers.get((store, key))
        if kept is not None and decoded(tries[0], kept) is None:
            world.violate("one answer", f"{key!r} is the key of another request: {kept}; {tries}")
        if kept is not None and not any(_may_have_done_it(attempt) for attempt in tries):
            world.violate("nothing done", f"{key!r} was never answered as done, but {kept} is in the books; {tries}")


def check_frozen(frozen: FrozenThings, attempts: list[Attempt]) -> None:
    """Nothing began in what was known to be frozen, for any key of the clients."""
    asked_at_s: dict[tuple[StoreId, str], float] = {}
    for place, tries in _by_key(attempts).items():
        done = [attempt.began_s for attempt in tries if _may_have_done_it(attempt)]
        if done:
            asked_at_s[place] = min(done)
    frozen.check(asked_at_s)


def check_one_by_one(world: World, books: Books, attempts: list[Attempt]) -> None:
    """Every listing by itself: what clients heard of it could have happened one after another.

    `listing.get` shows what the listing's home has settled, which may be a trade less than its bidder knows of already.
    So reads are left out at first, and then put among changes that last until every store has settled them.
    """
    changes = _changes(books, attempts)
    reads: dict[str, list[Operation]] = {}
    for attempt in attempts:
        if isinstance(attempt.ask, GetListing) and attempt.outcome is not None:
            reads.setdefault(attempt.ask.listing, []).append(_operation(attempt, attempt.outcome))
    for listing, rows in sorted(books.rows.items()):
        one = OneListing(rows[0], clocks_go_back=bool(world.plan.faults.jumps))
        strictly = [change for change, _ in changes.get(listing, ())]
        loosely = [
            msgspec.structs.replace(change, ended_s=max(change.ended_s, settled_at_s))
            for change, settled_at_s in changes.get(listing, ())
        ]
        for history in (strictly, [*loosely, *reads.get(listing, ())]):
            if linearizable([*history, _END], one.start(), one.step) is None:
                world.violate("one by one", f"{listing}: no order explains " + "; ".join(map(_line, history)))


_END = Operation(END, 0.0, inf, optional=True)


def _changes(books: Books, attempts: list[Attempt]) -> dict[str, list[tuple[Operation, float]]]:
    """Listing → the requests to change it that had an outcome, and when every store had settled what they did."""
    found: dict[str, list[tuple[Operation, float]]] = {}
    settled_at_s = books.settled_at_s()
    for (store, key), tries in _by_key(attempts).items():
        ask = tries[0].ask
        if not isinstance(ask, PlaceBid | BuyOut | CancelListing):
            continue
        here = found.setdefault(ask.listing, [])
        for attempt in tries:
            if _is_refused(attempt) and not _is_frozen(attempt):
                assert attempt.outcome is not None
                here.append((_operation(attempt, attempt.outcome), 0.0))
        kept = books.answers.get((store, key))
        outcome = decoded(tries[0], kept) if kept is not None else None
        if outcome is not None:
            may_be = [attempt for attempt in tries if _may_have_done_it(attempt)]
            began_s = min(attempt.began_s for attempt in may_be)
            ended_s = min(attempt.ended_s if attempt.outcome is not None else inf for attempt in may_be)
            asked = Asked(tries[0].caller.player, ask, outcome)
            here.append((Operation(asked, began_s, ended_s), settled_at_s.get((store, key), 0.0)))
    return found


def _by_key(attempts: list[Attempt]) -> dict[tuple[StoreId, str], list[Attempt]]:
    found: dict[tuple[StoreId, str], list[Attempt]] = {}
    for attempt in attempts:
        if isinstance(attempt.ask, Mutation | AdminMutation):
            store, key = _place(attempt)
            if key:
                found.setdefault((store, key), []).append(attempt)
    return found


def _is_refused(attempt: Attempt) -> bool:
    """Whether it certainly did nothing by the rules."""
    return isinstance(attempt.outcome, Refusal) and attempt.outcome.reason != "outbid"


def _is_frozen(attempt: Attempt) -> bool:
    """Whether it was refused for what no listing knows of."""
    return isinstance(attempt.outcome, Refusal) and attempt.outcome.reason == "frozen"


def _may_have_done_it(attempt: Attempt) -> bool:
    if attempt.outcome is None:
        return attempt.reason in UNSURE
    return not _is_refused(attempt)


def _operation(attempt: Attempt, outcome: Result | Refusal) -> Operation:
    return Operation(Asked(attempt.caller.player, attempt.ask, outcome), attempt.began_s, attempt.ended_s)  # type: ignore[arg-type]  # of a listing


def _line(operation: Operation) -> str:
    what = operation.what
    ask = f"{type(what.ask).__name__}({getattr(what.ask, 'amount', getattr(what.ask, 'price', ''))})"
    outcome = what.outcome
    if isinstance(outcome, Refusal):
        heard = f"{outcome.reason} {outcome.data}"
    else:
        view = outcome.listing
        heard = f"{view.state} at {view.price}, {view.bids} bids" + (", winning" if view.winning else "")
    return f"[{operation.began_s:.4f} {operation.ended_s:.4f}] {what.player} {ask} -> {heard}"


class Rest:
    """Whether a house has come to rest, and what must hold of it then."""

    def __init__(self, world: World, house: House, books: Books, frozen: FrozenThings) -> None:
        self._world = world
        self._house = house
        self._books = books
        self._frozen = frozen

    def missing(self, visits: Iterable[Visit]) -> str | None:
        """What has not come to its end yet; None for a house at rest."""
        books = self._books
        down = [node.name for node in self._house.nodes.values() if not node.runs]
        if down:
            return f"{down} are down"
        if not self._house.network.whole():
            return "not all nodes are linked"
        if books.open_trades():
            return f"trades are open: {books.open_trades()}"
        if books.in_transit():
            return f"{books.in_transit()} transfers are on their way"
        waiting = [row.order for state in books.players().values() for row in state.orders if row.state != "resting"]
        if waiting or any(state.awaited or state.open_keys for state in books.players().values()):
            return f"orders wait for their markets: {waiting}"
        for node in self._house.nodes.values():
            why = self._node_missing(node)
            if why is not None:
                return f"{node.name}: {why}"
        return self._pushes_missing(visits)

    def check(self) -> None:
        """What must hold of a house at rest."""
        self._books.count()
        for store, state in self._books.states.items():
            awake = self._home(store).node.stores.state(store)
            if awake is not None and kept(awake) != kept(state):
                self._world.violate("at rest", f"{store} in memory is not what is durable: {difference(awake, state)}")

    def check_histories(self) -> None:
        """What everybody owns came and went as it is told, and markets count what they were traded."""
        for store, state in self._books.players().items():
            fault = disagreement(state)
            if fault is not None:
                self._world.violate("at rest", f"store {store} has {fault}")

    def check_disks(self) -> None:
        """What a start would find: files and journals, and the logs that nobody has in memory."""
        for store, state in self._books.states.items():
            disk = self._home(store).disk
            found, position = disk.stores.load(store) or (None, 0)
            for _, part in disk.journal.replay(store, position):
                found = replay(found, part)
            if found is None or kept(found) != kept(state):
                differs = "nothing" if found is None else difference(found, state)
                self._world.violate("at rest", f"{store} on its disk is not what is durable: {differs}")
                continue
            for log in state.LOGS:
                rows = [*disk.log(store, log), *getattr(found, log)]
                if rows != list(getattr(state, log)):
                    self._world.violate("at rest", f"{log} of {store} is {rows} on its disk")

    def _home(self, store: StoreId) -> SimulatedNode:
        return self._house.nodes[self._house.map.home_of(store)]

    def _node_missing(self, node: SimulatedNode) -> str | None:
        if node.node.map.version != self._house.map.version:
            return "it does not know the latest map"
        if node.clock.held:
            return "it does not believe its clock"
        if node.node.writer.position != node.node.gate.durable:
            return "something is not durable yet"
        trades = [trade for trade in node.node.trades.open_trades() if trade.role != "acceptor"]
        if trades:
            return f"trades are not over: {trades[:2]}"
        index = {row.listing: row.version for row in node.node.index.rows()}
        listings = self._books.open_listings()
        versions = {listing: row.version for listing, row in listings.items()}
        if index != versions:
            return f"finds {index}, there are {versions}"
        known_sales, sales = _sales_known(node), self._books.sales()
        if known_sales != sales:
            return f"knows of the sales {known_sales}, there were {sales}"
        known, frozen = node.node.cluster.freezes, self._frozen.versions[-1]
        if known != frozen:
            return f"knows {known} to be frozen, not {frozen}"
        before_ms = self._house.now_ms(node.name) - OVERDUE_MS
        overdue = [
            due
            for store, state in self._books.players().items()
            if self._house.map.home_of(store) == node.name
            for due in (*state.due_listings(before_ms), *state.due_offers(before_ms))
        ]
        return f"listings or offers are overdue: {overdue}" if overdue else None

    def _pushes_missing(self, visits: Iterable[Visit]) -> str | None:
        for visit in visits:
            state = self._books.players().get(store_of(visit.caller.player))
            if not visit.open or not visit.seq or state is None or not state.account:
                continue
            missing = set(range(visit.seq + 1, state.owner().notices_made + 1)) - visit.seqs
            if missing:
                return f"{visit.caller.player} at {visit.node} was not told {sorted(missing)}"
        return None


def _sales_known(node: SimulatedNode) -> dict[int, int]:
    """What a node would count where somebody asks what a base goes for: mark of a sale → price."""
    found: dict[int, int] = {}
    for base in WORLD.bases:
        for marks, prices, _ in node.node.index.sold(base):
            found.update(zip(marks.tolist(), prices.tolist(), strict=True))
    return found


def kept(state: State) -> dict[str, Any]:
    """What a state holds and keeps in memory: logs leave it with every checkpoint."""
    return {name: rows for name, rows in rows_of(state).items() if name not in state.LOGS}


def difference(one: State, other: State) -> str:
    """Where two states differ, in a few words."""
    rows, others = kept(one), kept(other)
    return "; ".join(f"{name}: {rows[name]} / {others[name]}" for name in rows if rows[name] != others[name])[:2000]
