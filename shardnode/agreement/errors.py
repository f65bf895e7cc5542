"""What the engine raises. Neither changes anything; both are met before the engine would have to lie."""

from enum import Enum

from shardnode.agreement.messages import TradeId


class IllegalInput(AssertionError):
    """A machine was given what cannot happen in its state: a bug here or at a peer. The node has to stop."""

    def __init__(self, state: Enum, event: Enum) -> None:
        super().__init__(f"{type(state).__name__}: {event.name} cannot happen in state {state.name}")
        self.state = state
        self.event = event


class DurabilityViolated(Exception):
    """A trade was committed on a YES of this store, of which the store knows nothing: what it made durable is lost.

    The driver stops the store, and says so; the others go on.
    """

    def __init__(self, trade: TradeId, store: str) -> None:
        super().__init__(
            f"store {store} is told that trade {trade} is committed, but has lost that it voted for it: its data "
            "directory is older than it was. Stop the node, bring back the newest copy of the directory, or declare "
            "the node replaced."
        )
        self.trade = trade
        self.store = store
