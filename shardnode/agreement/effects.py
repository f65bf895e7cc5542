"""What the engine asks of its driver: facts to persist, messages to send after that, and tasks for the rules."""

import msgspec

from shardnode.agreement.messages import Fact, Message, Party, TradeId, Value


class PrepareTask(msgspec.Struct, frozen=True, gc=False):
    """Check a leg in a store of this node and hold what it takes; answer with `voted`, whose facts join the record in
    which the store holds it. After `deadline_s` from now the vote must be NO.
    """

    trade: TradeId
    store: str
    leg: bytes
    deadline_s: float


class JudgeTask(msgspec.Struct, frozen=True, gc=False):
    """All legs of a trade that this node coordinates voted YES: say what the votes make together; answer `judged`."""

    trade: TradeId
    votes: dict[str, bytes]
    """Store → payload of its YES."""


class SettleTask(msgspec.Struct, frozen=True, gc=False):
    """Apply or release what a store of this node holds for a trade; answer with `settled`, whose facts join that
    record.
    """

    trade: TradeId
    store: str
    value: Value


class EndedTask(msgspec.Struct, frozen=True, gc=False):
    """A trade that this node coordinates is decided; nothing is to be answered. `refusals`: payloads of the NO votes,
    by store; empty for a commit, and for an abort that no participant asked for (a deadline, a recovery).
    """

    trade: TradeId
    value: Value
    refusals: dict[str, bytes]


Task = PrepareTask | JudgeTask | SettleTask | EndedTask


class Effects:
    """One call's: first all of `persist` (None: remove the fact) in one record; then `send`, in order; and `tasks`."""

    __slots__ = ("binding", "persist", "send", "tasks")

    def __init__(self) -> None:
        self.persist: dict[str, Fact | None] = {}
        self.send: list[tuple[str, Message]] = []
        """Receiving node, which may be this one, and message."""
        self.binding = False
        """Whether what is sent vouches for what this call or an earlier one persisted."""
        self.tasks: list[Task] = []

    def answer(self, node: str, message: Message) -> None:
        """Send what may tell of facts that are not durable yet: behind all that was persisted so far."""
        self.send.append((node, message))
        self.binding = True


class OpenTrade(msgspec.Struct, frozen=True):
    """For an operator: one trade that is not over here, since when, and what it waits for."""

    trade: TradeId
    role: str
    """`coordinator`, `participant`, `recoverer` or `acceptor`."""
    state: str
    age_s: float
    party: Party | None
    waits_for: tuple[str, ...]
    """Nodes from which something is missing."""
