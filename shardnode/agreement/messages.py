"""What nodes say to one another about trades, and what they keep of them. Every value is frozen.

coordinator ── Prepare ──► participant ── Vote ──► coordinator
coordinator ── Accept ───► acceptor ── Accepted | Nack | Closed ──► coordinator
coordinator ── Decided ──► participant ── Acked ──► coordinator
recoverer ──── AskFinished ► participant ── Finished ──► recoverer
recoverer ──── Propose ──► acceptor ── Promise | Nack | Closed ──► recoverer, then as the coordinator does
coordinator ── Close ────► acceptors and participants ── CloseTaken ──► coordinator
"""

import msgspec


class TradeId(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True, cache_hash=True):
    """Names a trade for ever: minted by `node` in its `incarnation`, under the acceptors of configuration `epoch`."""

    epoch: int
    node: str
    incarnation: int
    seq: int

    def __str__(self) -> str:
        """As people, keys and stores write it."""
        return f"{self.epoch}.{self.node}.{self.incarnation}.{self.seq}"


class Ballot(msgspec.Struct, frozen=True, array_like=True, gc=False, order=True):
    """Compared field by field. Round 0 belongs to the trade's coordinator in the incarnation that minted the trade."""

    round: int
    node: str
    incarnation: int


class Value(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is decided: commit or abort, and, of a commit, what the participants need to settle it."""

    commit: bool
    payload: bytes = b""


ABORT = Value(False)

PAYLOAD_BYTES_MAX = 8_192
"""The largest payload of a value; the coordinator aborts instead of proposing a larger one."""


class Participant(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One store of a trade and the node where it lives."""

    store: str
    node: str


class Party(msgspec.Struct, frozen=True, array_like=True):
    """All who have to do with a trade; whoever prepared it keeps this, so that it can be recovered by anybody."""

    participants: tuple[Participant, ...]
    acceptors: tuple[str, ...]
    """A_e: the acceptors of the trade's epoch, in whatever order."""


class Prepare(msgspec.Struct, frozen=True, array_like=True, tag="prepare"):
    """Coordinator → participant: check your leg, hold what it takes, vote. Void after `deadline_s` from receipt."""

    trade: TradeId
    party: Party
    store: str
    leg: bytes
    deadline_s: float


class Vote(msgspec.Struct, frozen=True, array_like=True, tag="vote", gc=False):
    """Participant → coordinator. YES is irrevocable; `payload` is the vote's figures, of a NO the refusal."""

    trade: TradeId
    store: str
    yes: bool
    payload: bytes


class Propose(msgspec.Struct, frozen=True, array_like=True, tag="propose", gc=False):
    """Recoverer → acceptor, phase 1."""

    trade: TradeId
    ballot: Ballot


class Promise(msgspec.Struct, frozen=True, array_like=True, tag="promise", gc=False):
    """Acceptor → recoverer: nothing below `ballot` will be accepted; what was accepted so far, if anything."""

    trade: TradeId
    ballot: Ballot
    accepted: Ballot | None
    value: Value | None


class Accept(msgspec.Struct, frozen=True, array_like=True, tag="accept", gc=False):
    """Coordinator or recoverer → acceptor, phase 2."""

    trade: TradeId
    ballot: Ballot
    value: Value
    last: bool = False
    """Whether all others of a majority have accepted this durably: with the receiver it is chosen."""


class Accepted(msgspec.Struct, frozen=True, array_like=True, tag="accepted", gc=False):
    """Acceptor → who sent Accept."""

    trade: TradeId
    ballot: Ballot
    last: bool = False
    """As it was asked; if so, the stores of its node know the outcome."""


class Nack(msgspec.Struct, frozen=True, array_like=True, tag="nack", gc=False):
    """Acceptor → who sent Propose or Accept with `ballot`: a larger one was promised."""

    trade: TradeId
    ballot: Ballot
    promised: Ballot


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="closed", gc=False):
    """→ who sent Propose, Accept or AskFinished: the trade is closed. Who still holds it prepared aborts."""

    trade: TradeId


class Decided(msgspec.Struct, frozen=True, array_like=True, tag="decided", gc=False):
    """Coordinator or recoverer → participant: the outcome."""

    trade: TradeId
    store: str
    value: Value


class Acked(msgspec.Struct, frozen=True, array_like=True, tag="acked", gc=False):
    """Participant → who sent Decided: the outcome is durable in the store."""

    trade: TradeId
    store: str


class AskFinished(msgspec.Struct, frozen=True, array_like=True, tag="ask-finished", gc=False):
    """Recoverer → participant: what became of it in your store?"""

    trade: TradeId
    store: str


class Finished(msgspec.Struct, frozen=True, array_like=True, tag="finished", gc=False):
    """Participant → recoverer: the outcome, None where it is not known (which proves nothing)."""

    trade: TradeId
    store: str
    value: Value | None


class Close(msgspec.Struct, frozen=True, array_like=True, tag="close", gc=False):
    """Coordinator → acceptors and participants: these of its trades are closed, all below `below` and some above.

    Seqs begin at 1; both bounds of an interval belong to it. Of two with the same `number` neither says more.
    """

    node: str
    incarnation: int
    number: int
    below: int
    intervals: tuple[tuple[int, int], ...]


class CloseTaken(msgspec.Struct, frozen=True, array_like=True, tag="close-taken", gc=False):
    """→ coordinator: what that Close says is durable here."""

    incarnation: int
    number: int


Message = (
    Prepare
    | Vote
    | Propose
    | Promise
    | Accept
    | Accepted
    | Nack
    | Closed
    | Decided
    | Acked
    | AskFinished
    | Finished
    | Close
    | CloseTaken
)


class Prepared(msgspec.Struct, frozen=True):
    """Fact `prepared/<trade>/<store>`: this store voted YES and holds what the trade takes, until it is decided."""

    trade: TradeId
    store: str
    party: Party


class Outcome(msgspec.Struct, frozen=True):
    """Fact `finished/<trade>/<store>`: what was decided, kept until the trade is closed."""

    trade: TradeId
    store: str
    value: Value


class Register(msgspec.Struct, frozen=True):
    """Fact `register/<trade>`: an acceptor's memory of one trade."""

    trade: TradeId
    promised: Ballot
    accepted: Ballot | None
    value: Value | None


class ClosedTrades(msgspec.Struct, frozen=True):
    """Fact `closed/<node>/<incarnation>`: trades of that incarnation that are over, as disjoint intervals in order."""

    node: str
    incarnation: int
    intervals: tuple[tuple[int, int], ...]


Fact = Prepared | Outcome | Register | ClosedTrades
