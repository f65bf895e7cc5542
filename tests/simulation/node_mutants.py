"""Bugs planted in the node around the agreement: gate, keys, transfers, recovery, trades, routing, feed.

Each function patches one method and returns the patch. The name of the function is the mutant's. Those of orders,
offers and freezes are in `tests.simulation.exchange_mutants`.
"""

from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

import auction.trades
import shardnode.node.arrivals
import shardnode.node.trades
from auction.commands import EndListing, Mutation
from auction.events import Answered, Record, TransferTaken
from auction.outcomes import Executed
from auction.player_state import PlayerState
from shardnode.agreement.messages import Prepared
from shardnode.cluster.router import Router
from shardnode.cluster.transfers import Transfers
from shardnode.node.arrivals import Arrivals
from shardnode.node.checkpoints import Checkpoints
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.node.records import Records
from shardnode.node.requests import Requests
from shardnode.search.index import OpenListings
from shardnode.storage.memory import MemoryJournal, MemoryStorage
from shardnode.wire.errors import Unavailable
from tests.simulation import exchange_mutants
from tests.simulation.exchange_mutants import does_not_wait
from tests.simulation.mutants import Mutant, Patch, instead, planting

_planted: list[Mutant] = []
planted = planting(_planted)

LATER_S = 0.05
"""When a record follows that should have been one with another."""


# The gate.


@planted
def gate_opened_early() -> Patch:
    """Nothing leaves before it is durable: everything leaves at once."""

    def mutated(_when: Any, _gate: Gate, _position: int, leave: Any, *args: Any) -> None:
        leave(*args)

    return instead(Gate, "when", mutated)


@planted
def reads_do_not_wait() -> Patch:
    """An answer waits for what it reads: reads wait for nothing."""

    def mutated(finish: Any, requests: Requests, outcome: Executed, answer: Any, position: int) -> None:
        if answer is None or outcome.record:
            finish(requests, outcome, answer, position)
        else:
            answer.callback(outcome.answer)

    return instead(Requests, "finish", mutated)


@planted
def notices_do_not_wait() -> Patch:
    """A push waits for its notice to be durable: it leaves at once."""

    def mutated(finish: Any, requests: Requests, outcome: Executed, answer: Any, position: int) -> None:
        for player, notice in outcome.notices:
            requests._push(player, notice)
        finish(requests, replace(outcome, notices=[]), answer, position)

    return instead(Requests, "finish", mutated)


@planted
def votes_do_not_wait() -> Patch:
    """What vouches for a record leaves behind it: the agreement's messages leave at once."""

    def mutated(perform: Any, trades: Any, effects: Any, record: Record | None = None) -> int:
        effects.binding = False
        position: int = perform(trades, effects, record)
        return position

    return instead(shardnode.node.trades.Trades, "_perform", mutated)


# Keys and records.


@planted
def key_in_another_record() -> Patch:
    """A key is stored in the record of its effect: it is stored in a later one."""
    return _later(lambda event: isinstance(event, Answered))


@planted
def own_keys_used_again() -> Patch:
    """An incarnation is durable before anything is sent: every start has the same."""
    return instead(MemoryStorage, "open", lambda opened, storage: replace(opened(storage), incarnation=1))


@planted
def key_told_is_forgotten() -> Patch:
    """A forwarded mutation keeps its key: a cut off one is sent again under a fresh one."""

    def mutated(cut_off: Any, router: Router, node: str, forwarded: Any) -> None:
        request = forwarded.request
        if not isinstance(request.ask, Mutation) or not request.own_key or request.own_key.endswith("again"):
            cut_off(router, node, forwarded)
            return
        again = router.forward(node, replace(request, own_key=f"{request.own_key}.again"))
        again.addBoth(lambda answer: forwarded.answer.called or forwarded.answer.callback(answer))

    return instead(Router, "_cut_off", mutated)


@planted
def unavailable_for_in_doubt() -> Patch:
    """`unavailable` says that nothing was done: a mutation that is cut off is answered so, too."""

    def mutated(_cut_off: Any, _router: Router, node: str, forwarded: Any) -> None:
        forwarded.answer.errback(Unavailable(f"node {node} was lost", 250))

    return instead(Router, "_cut_off", mutated)


# Transfers.


@planted
def mark_in_another_record() -> Patch:
    """A transfer's mark moves in the record of its effect: it moves in a later one."""
    return _later(lambda event: isinstance(event, TransferTaken), only_of_one_store=True)


@planted
def transfer_acknowledged_early() -> Patch:
    """A transfer is acknowledged when it is durable: it is acknowledged when it is taken in."""

    def mutated(attempt: Any, arrivals: Arrivals, transfer: Any, sent: Any, taken: Any, *rest: Any) -> bool:
        with patch.object(arrivals._gate, "when", lambda _position, leave, *args: leave(*args)):
            done: bool = attempt(arrivals, transfer, sent, taken, *rest)
        return done

    return instead(Arrivals, "_try", mutated)


@planted
def transfers_forgotten_at_a_restart() -> Patch:
    """What was sent is sent until it is acknowledged, by the next start too: a start does not remember."""
    return instead(Transfers, "_remember", lambda _remember, _transfers, _facts: None)


@planted
def transfer_leaves_without_a_fact() -> Patch:
    """An unsent transfer is a fact of its record: it is in memory alone."""

    def mutated(add: Any, writer: JournalWriter, record: Record, now_ms: int, *rest: Any) -> int:
        *others, facts = rest
        kept = {key: fact for key, fact in facts.items() if fact is None or not key.startswith("transfer/")}
        position: int = add(writer, record, now_ms, *others, kept)
        return position

    return instead(JournalWriter, "add", mutated)


@planted
def transfer_taken_twice() -> Patch:
    """A transfer is taken once: what was taken is not looked up."""

    def mutated(take: Any, to: str, sender: str, life: int, sent: Any, stores: Any, context: Any) -> Any:
        state = stores(to)
        if state is not None:
            state.transfers_in.rows.pop(sender, None)
            sent = replace(sent, number=1)
        return take(to, sender, life, sent, stores, context)

    return instead(shardnode.node.arrivals, "take_transfer", mutated)


# Recovery.


@planted
def last_record_replayed_twice() -> Patch:
    """A record is replayed once: the last one that a file holds is replayed, too."""
    return instead(MemoryJournal, "replay", lambda replay, journal, store, after: replay(journal, store, after - 1))


@planted
def tail_not_replayed() -> Patch:
    """All that a file lacks is replayed: the last record is not."""
    return instead(MemoryJournal, "replay", lambda replay, journal, store, after: replay(journal, store, after)[:-1])


@planted
def files_ahead_of_the_journal() -> Patch:
    """A file never knows more than the journal: a checkpoint does not wait for what it writes."""

    def mutated(pass_: Any, checkpoints: Checkpoints) -> Any:
        with patch.object(checkpoints._gate, "when", lambda _position, leave, *args: leave(*args)):
            return pass_(checkpoints)

    return instead(Checkpoints, "_pass", mutated)


@planted
def wakeups_not_kept() -> Patch:
    """A store's earliest wake-up is kept with its record: it is in memory alone."""

    def mutated(add: Any, writer: JournalWriter, record: Record, now_ms: int, _wakeups: Any, *rest: Any) -> int:
        position: int = add(writer, record, now_ms, {}, *rest)
        return position

    return instead(JournalWriter, "add", mutated)


@planted
def prepared_forgotten_at_a_restart() -> Patch:
    """A YES is irrevocable: a start does not remember what was prepared."""

    def mutated(read: Any, key: str, value: bytes) -> Any:
        fact = read(key, value)
        return None if isinstance(fact, Prepared) else fact

    return instead(shardnode.node.trades, "read", mutated)


# Trades.


@planted
def ending_does_not_wait() -> Patch:
    """An ending waits for the trades that were prepared before it: it does not."""
    return does_not_wait(EndListing)


@planted
def held_gold_is_spent() -> Patch:
    """Held gold is never spendable: a prepared leg holds none."""

    def mutated(hold: Any, store: str, row: Any, state: PlayerState, opening: Any) -> Any:
        return hold(store, replace(row, held=0), state, opening)

    return instead(auction.trades, "_hold", mutated)


@planted
def vote_counted_without_a_hold() -> Patch:
    """A hold is what the listing's vote names: what differs is not tried again."""
    return instead(auction.trades, "judge", lambda _judge, proposal, votes: votes[proposal.other])


# The feed.


@planted
def feed_goes_back() -> Patch:
    """An older version never replaces a newer one: whatever comes last is shown."""

    def mutated(apply: Any, listings: OpenListings, rows: Any, *, past: bool = False) -> None:
        rows = list(rows)
        for row in rows:
            listings._rows.pop(row.listing)
        apply(listings, rows, past=past)

    return instead(OpenListings, "apply", mutated)


@planted
def ended_listing_comes_back() -> Patch:
    """While a snapshot is read, what has ended is remembered: it is not."""

    def mutated(apply: Any, listings: OpenListings, rows: Any, *, past: bool = False) -> None:
        listings._ended.clear()
        apply(listings, rows, past=past)

    return instead(OpenListings, "apply", mutated)


def _later(moves: Any, *, only_of_one_store: bool = False) -> Patch:
    """Some events of a record go into a record of their own, a little later."""

    def mutated(commit: Any, records: Records, record: Record, now_ms: int, facts: Any = None) -> int:
        first: Record = {store: [event for event in part if not moves(event)] for store, part in record.items()}
        then = {store: [event for event in part if moves(event)] for store, part in record.items()}
        then = {store: part for store, part in then.items() if part}
        if not then or (only_of_one_store and len(record) > 1) or not any(first.values()):
            position: int = commit(records, record, now_ms, facts)
            return position
        records._timers._reactor.callLater(LATER_S, commit, records, then, now_ms)
        return int(commit(records, {store: part for store, part in first.items() if part}, now_ms, facts))

    return instead(Records, "commit", mutated)


MUTANTS = (*_planted, *exchange_mutants.MUTANTS)
