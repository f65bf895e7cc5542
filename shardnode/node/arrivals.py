"""Arrivals: what stores of other nodes sent to stores here is taken in, once each, in order."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.context import Context
from auction.events import TransferSent
from auction.outcomes import Asleep, Executed, Locked
from auction.transfers import take_transfer
from shardnode.cluster.messages import Transfer
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.gate import Gate
from shardnode.node.records import Records
from shardnode.node.requests import Requests
from shardnode.node.trades import Trades
from shardnode.node.turns import Turns
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import Unavailable

log = Logger()

TURN_S = 2.0
"""How long a transfer waits for a listing that is held for a trade; its sender sends it again."""
RETRY_AFTER_MS = 1_000


class Arrivals:
    """Takes transfers in."""

    def __init__(
        self,
        *,
        stores: AwakeStores,
        records: Records,
        requests: Requests,
        trades: Trades,
        turns: Turns,
        gate: Gate,
        context: Callable[[], Context],
        failed: Callable[[Failure], None],
    ) -> None:
        self._stores = stores
        self._records = records
        self._requests = requests
        self._trades = trades
        self._turns = turns
        self._gate = gate
        self._context = context
        self._failed = failed

    def take(self, transfer: Transfer, sent: TransferSent) -> "Deferred[None]":
        """Fires when a transfer is taken in durably; fails with Unavailable where it has to come again."""
        taken: Deferred[None] = Deferred()
        if self._stores.make_room():
            self._try(transfer, sent, taken)
        else:
            taken.errback(_come_again("the node holds as many stores as it may"))
        return taken

    def _try(
        self, transfer: Transfer, sent: TransferSent, taken: "Deferred[None]", waited_at: tuple[str, str] | None = None
    ) -> bool:
        """False where the listing that was waited for is held again."""
        context = self._context()
        outcome = take_transfer(transfer.to, transfer.sender, transfer.life, sent, self._stores.state, context)
        if isinstance(outcome, Executed):
            if outcome.record:
                position = self._records.commit(outcome.record, context.now_ms)
            else:
                position = self._stores.position(outcome.reads)
            self._requests.finish(outcome, None, position)
            self._gate.when(position, taken.callback, None)
            self._trades.took(transfer.to, outcome.record)
        elif isinstance(outcome, Asleep):
            awake = self._stores.wake(outcome.stores)
            awake.addCallback(lambda _: self._try(transfer, sent, taken))
            awake.addErrback(self._cannot, taken)
        elif isinstance(outcome, Locked):
            place = (outcome.store, outcome.listing)
            if place == waited_at:
                return False
            self._turns.wait(
                place,
                lambda: self._try(transfer, sent, taken, place),
                lambda: taken.errback(_come_again("its listing is held for a trade")),
                TURN_S,
            )
        else:
            taken.errback(_come_again("an earlier one is missing"))
        return True

    def _cannot(self, failure: Failure, taken: "Deferred[None]") -> None:
        if failure.check(StorageFault):
            log.error("the store that a transfer is for cannot be opened", why=str(failure.value))
            taken.errback(_come_again("its store cannot be opened"))
        else:
            self._failed(failure)


def _come_again(why: str) -> Unavailable:
    return Unavailable(f"the transfer cannot be taken in now: {why}", RETRY_AFTER_MS)
