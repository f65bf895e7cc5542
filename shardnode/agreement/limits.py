"""The bounds and times of the agreement, by name."""

import msgspec

_DOUBLINGS_MAX = 16
"""Far more than any of the limits below allows; keeps the powers small."""


class AgreementLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Durations are in seconds on the node's monotonic clock, counted from receipt."""

    open_max: int = 2_000
    """Trades of this node's coordinator that are not closed yet; W of the rules."""
    recoveries_max: int = 500
    """Recoveries running at once on this node; others wait for their next turn."""
    prepare_s: float = 2.0
    """A participant may take so long for its vote."""
    votes_s: float = 2.5
    """The coordinator waits so long for all votes: longer, so that a NO at the last moment still tells its reason."""
    recovery_s: float = 1.0
    """Held prepared longer than this, a trade is recovered …"""
    recovery_jitter_s: float = 0.5
    """… after up to this much more, at random, so that participants do not duel."""
    ask_s: float = 0.25
    """A recoverer waits so long for what the participants know before it proposes."""
    widen_s: float = 0.1
    """A majority of the acceptors is asked first; when it has not accepted by then, all of them are."""
    retry_s: float = 0.5
    """What was not answered is sent again after this, then after twice as long, and so on …"""
    retry_max_s: float = 4.0
    """… up to this."""
    backoff_s: float = 0.1
    """After a first NACK a recoverer waits up to this, at random, then up to twice as long, and so on …"""
    backoff_max_s: float = 2.0
    """… up to this."""
    tell_tries: int = 5
    """A recoverer tells the participants the outcome so many times, then leaves those that are silent to themselves."""
    close_s: float = 0.5
    """Closed trades are collected for so long; a Close that was not taken is sent again after this."""

    def retry_after_s(self, tries: int) -> float:
        """How long to wait for answers after so many tries before."""
        return min(self.retry_s * (1 << min(tries, _DOUBLINGS_MAX)), self.retry_max_s)

    def backoff_below_s(self, tries: int) -> float:
        """The longest wait after a NACK, after so many tries before."""
        return min(self.backoff_s * (1 << min(tries, _DOUBLINGS_MAX)), self.backoff_max_s)

    def __post_init__(self) -> None:
        """The relations between them."""
        assert 0 < self.prepare_s < self.votes_s, "a vote at the last moment still counts"
        assert 0 < self.widen_s <= self.retry_s
        assert 0 < self.ask_s <= self.retry_s <= self.retry_max_s
        assert 0 < self.backoff_s <= self.backoff_max_s
        assert self.recovery_s > 0 and self.recovery_jitter_s > 0 and self.close_s > 0
        assert self.open_max > 0 and self.recoveries_max > 0 and self.tell_tries > 0
