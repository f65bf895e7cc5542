"""Every state that the agreement's machines can be in, and what moves them. Rules that hold for all four:

1. A pair of state and input that is not in a table cannot happen; met all the same, it raises IllegalInput and changes
   nothing. What can come late or twice and then means nothing is in the table, or is met before it is looked at.
2. A machine that has reached its last state is forgotten; what is said of it later is answered from the closed set.
3. What a machine persists, sends and asks for when it moves is in its own module, and nowhere else.

docs/agreement-states.md draws them.
"""

from enum import Enum, unique
from typing import TypeVar

from shardnode.agreement.errors import IllegalInput

S = TypeVar("S", bound=Enum)
I = TypeVar("I", bound=Enum)  # noqa: E741 - the input of a machine, beside S, its state


class Table(dict[tuple[S, I], S]):
    """(state, input) → state."""

    def __missing__(self, pair: tuple[S, I]) -> S:
        raise IllegalInput(*pair)


class _Word(Enum):
    """A state or input. Looked up at every step, hence hashed by identity."""

    __hash__ = object.__hash__


@unique
class LegState(_Word):
    """A participant's store in one trade (`participant`)."""

    UNSEEN = "never heard of it"
    CHECKING = "the rules are asked whether the leg holds"
    DOOMED = "the rules are still asked, but the trade is aborted already"
    PREPARED = "voted YES, holds what the trade takes, until it is decided"
    COMMITTING = "the store is asked to apply it"
    ABORTING = "the store is asked to release it"
    COMMITTED = "applied; kept until the trade is closed"
    ABORTED = "refused or released; kept until the trade is closed"
    CLOSED = "over and forgotten, but for the closed set"


@unique
class LegInput(_Word):
    """What happens to a leg."""

    PREPARE = "the coordinator asks for the vote"
    YES = "the rules hold it"
    NO = "the rules refuse it"
    COMMIT = "the outcome is told: commit"
    ABORT = "the outcome is told: abort"
    SETTLED = "the store has done it"
    CLOSE = "the trade is closed"


LEG: Table[LegState, LegInput] = Table(
    {
        (LegState.UNSEEN, LegInput.PREPARE): LegState.CHECKING,
        (LegState.UNSEEN, LegInput.ABORT): LegState.ABORTED,
        (LegState.CHECKING, LegInput.YES): LegState.PREPARED,
        (LegState.CHECKING, LegInput.NO): LegState.ABORTED,
        (LegState.CHECKING, LegInput.ABORT): LegState.DOOMED,
        (LegState.CHECKING, LegInput.CLOSE): LegState.DOOMED,
        (LegState.DOOMED, LegInput.YES): LegState.ABORTING,
        (LegState.DOOMED, LegInput.NO): LegState.ABORTED,
        (LegState.DOOMED, LegInput.ABORT): LegState.DOOMED,
        (LegState.DOOMED, LegInput.CLOSE): LegState.DOOMED,
        (LegState.PREPARED, LegInput.COMMIT): LegState.COMMITTING,
        (LegState.PREPARED, LegInput.ABORT): LegState.ABORTING,
        (LegState.PREPARED, LegInput.CLOSE): LegState.ABORTING,
        (LegState.COMMITTING, LegInput.COMMIT): LegState.COMMITTING,
        (LegState.COMMITTING, LegInput.SETTLED): LegState.COMMITTED,
        (LegState.ABORTING, LegInput.ABORT): LegState.ABORTING,
        (LegState.ABORTING, LegInput.CLOSE): LegState.ABORTING,
        (LegState.ABORTING, LegInput.SETTLED): LegState.ABORTED,
        (LegState.COMMITTED, LegInput.COMMIT): LegState.COMMITTED,
        (LegState.COMMITTED, LegInput.CLOSE): LegState.CLOSED,
        (LegState.ABORTED, LegInput.ABORT): LegState.ABORTED,
        (LegState.ABORTED, LegInput.CLOSE): LegState.CLOSED,
    }
)


@unique
class TradeState(_Word):
    """A trade at its coordinator (`coordinator`)."""

    PREPARING = "waits for the votes"
    REFUSED = "a NO came; waits for the other votes, for the refusals that they may tell"
    JUDGING = "all voted YES; the rules are asked what the votes make together"
    PROPOSING = "waits for a majority of acceptors"
    RECOVERING = "another ballot came between; the recoverer finds the outcome out"
    TELLING = "committed; waits until every participant has it durably"
    CLOSED = "over; the next Close says so"


@unique
class TradeInput(_Word):
    """What happens to a trade at its coordinator."""

    YES = "a participant voted for it"
    NO = "a participant voted against it"
    ALL_VOTED = "no vote is missing"
    DEADLINE = "a vote is missing, and it is too late"
    AGREED = "the rules made a payload of the votes"
    DISAGREED = "the rules cannot"
    NACK = "an acceptor has promised a larger ballot"
    COMMIT = "chosen, or heard from a recoverer"
    ABORT = "heard from a recoverer"
    ALL_ACKED = "every participant has it durably"


TRADE: Table[TradeState, TradeInput] = Table(
    {
        (TradeState.PREPARING, TradeInput.YES): TradeState.PREPARING,
        (TradeState.PREPARING, TradeInput.NO): TradeState.REFUSED,
        (TradeState.PREPARING, TradeInput.ALL_VOTED): TradeState.JUDGING,
        (TradeState.PREPARING, TradeInput.DEADLINE): TradeState.CLOSED,
        (TradeState.PREPARING, TradeInput.ABORT): TradeState.CLOSED,
        (TradeState.REFUSED, TradeInput.YES): TradeState.REFUSED,
        (TradeState.REFUSED, TradeInput.NO): TradeState.REFUSED,
        (TradeState.REFUSED, TradeInput.ALL_VOTED): TradeState.CLOSED,
        (TradeState.REFUSED, TradeInput.DEADLINE): TradeState.CLOSED,
        (TradeState.REFUSED, TradeInput.ABORT): TradeState.REFUSED,
        (TradeState.JUDGING, TradeInput.AGREED): TradeState.PROPOSING,
        (TradeState.JUDGING, TradeInput.DISAGREED): TradeState.CLOSED,
        (TradeState.JUDGING, TradeInput.ABORT): TradeState.CLOSED,
        (TradeState.PROPOSING, TradeInput.COMMIT): TradeState.TELLING,
        (TradeState.PROPOSING, TradeInput.ABORT): TradeState.CLOSED,
        (TradeState.PROPOSING, TradeInput.NACK): TradeState.RECOVERING,
        (TradeState.RECOVERING, TradeInput.NACK): TradeState.RECOVERING,
        (TradeState.RECOVERING, TradeInput.COMMIT): TradeState.TELLING,
        (TradeState.RECOVERING, TradeInput.ABORT): TradeState.CLOSED,
        (TradeState.TELLING, TradeInput.NACK): TradeState.TELLING,
        (TradeState.TELLING, TradeInput.COMMIT): TradeState.TELLING,
        (TradeState.TELLING, TradeInput.ALL_ACKED): TradeState.CLOSED,
    }
)


@unique
class RecoveryState(_Word):
    """A trade at a node that finds its outcome out (`recovery`)."""

    ASKING = "asks the participants what they know"
    PROMISING = "has proposed a ballot; waits for a majority of promises"
    ACCEPTING = "has asked to accept a value; waits for a majority"
    WAITING = "backs off after a NACK"
    TELLING = "knows the outcome; tells the participants"
    OVER = "done, or left to somebody else"


@unique
class RecoveryInput(_Word):
    """What happens to a recovery."""

    UNKNOWN = "no participant knows the outcome, or none says so in time"
    MAJORITY = "a majority of acceptors has promised the ballot"
    NACK = "an acceptor has promised a larger ballot"
    DUE = "time has passed"
    LEARNED = "a participant knows the outcome, or the proposed value is chosen"
    TOLD = "somebody else tells the outcome"
    CLOSED = "the trade is closed"
    TAKEN_OVER = "the trade's coordinator is alive here and goes on"
    ALL_ACKED = "every participant has it durably"
    GIVEN_UP = "told often enough"


RECOVERY: Table[RecoveryState, RecoveryInput] = Table(
    {
        (RecoveryState.ASKING, RecoveryInput.UNKNOWN): RecoveryState.PROMISING,
        (RecoveryState.PROMISING, RecoveryInput.MAJORITY): RecoveryState.ACCEPTING,
        (RecoveryState.PROMISING, RecoveryInput.NACK): RecoveryState.WAITING,
        (RecoveryState.PROMISING, RecoveryInput.DUE): RecoveryState.ASKING,
        (RecoveryState.ACCEPTING, RecoveryInput.NACK): RecoveryState.WAITING,
        (RecoveryState.ACCEPTING, RecoveryInput.DUE): RecoveryState.ASKING,
        (RecoveryState.WAITING, RecoveryInput.DUE): RecoveryState.ASKING,
        (RecoveryState.TELLING, RecoveryInput.DUE): RecoveryState.TELLING,
        (RecoveryState.TELLING, RecoveryInput.TOLD): RecoveryState.TELLING,
        (RecoveryState.TELLING, RecoveryInput.LEARNED): RecoveryState.TELLING,
        (RecoveryState.TELLING, RecoveryInput.CLOSED): RecoveryState.OVER,
        (RecoveryState.TELLING, RecoveryInput.TAKEN_OVER): RecoveryState.OVER,
        (RecoveryState.TELLING, RecoveryInput.ALL_ACKED): RecoveryState.OVER,
        (RecoveryState.TELLING, RecoveryInput.GIVEN_UP): RecoveryState.OVER,
        **{
            (state, event): after
            for state in (
                RecoveryState.ASKING,
                RecoveryState.PROMISING,
                RecoveryState.ACCEPTING,
                RecoveryState.WAITING,
            )
            for event, after in (
                (RecoveryInput.LEARNED, RecoveryState.TELLING),
                (RecoveryInput.TOLD, RecoveryState.OVER),
                (RecoveryInput.CLOSED, RecoveryState.OVER),
            )
        },
    }
)


@unique
class RegisterState(_Word):
    """A trade at an acceptor (`acceptor`)."""

    BLANK = "nothing is known of it"
    PROMISED = "lower ballots are refused"
    ACCEPTED = "a value is accepted, lower ballots are refused"
    CLOSED = "over and forgotten, but for the closed set"


@unique
class RegisterInput(_Word):
    """What happens to a register."""

    PROPOSE = "phase 1 with a larger ballot than promised"
    ACCEPT = "phase 2 with a ballot at least as large as promised"
    LATE = "either, with a smaller ballot"
    CLOSE = "the trade is closed"


REGISTER: Table[RegisterState, RegisterInput] = Table(
    {
        (RegisterState.BLANK, RegisterInput.PROPOSE): RegisterState.PROMISED,
        (RegisterState.BLANK, RegisterInput.ACCEPT): RegisterState.ACCEPTED,
        (RegisterState.PROMISED, RegisterInput.PROPOSE): RegisterState.PROMISED,
        (RegisterState.PROMISED, RegisterInput.ACCEPT): RegisterState.ACCEPTED,
        (RegisterState.PROMISED, RegisterInput.LATE): RegisterState.PROMISED,
        (RegisterState.PROMISED, RegisterInput.CLOSE): RegisterState.CLOSED,
        (RegisterState.ACCEPTED, RegisterInput.PROPOSE): RegisterState.ACCEPTED,
        (RegisterState.ACCEPTED, RegisterInput.ACCEPT): RegisterState.ACCEPTED,
        (RegisterState.ACCEPTED, RegisterInput.LATE): RegisterState.ACCEPTED,
        (RegisterState.ACCEPTED, RegisterInput.CLOSE): RegisterState.CLOSED,
    }
)
