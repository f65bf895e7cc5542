"""What goes wrong in a simulated history: one set of options for the agreement alone and for whole nodes.

Each seed draws its own: about half of the kinds stay away, the others have rates between rare and dreadful, so that
some histories are nearly sound and others are ruins (swarm testing: Groce et al., "Swarm Testing", ISSTA 2012).
"""

from random import Random

import msgspec


class Faults(msgspec.Struct, frozen=True):
    """Rates of the kinds of faults (0: never), and how long those last that take time. Seconds are simulated ones."""

    lost: float = 0.0
    """Share of messages that never arrive."""
    duplicated: float = 0.0
    """Share of messages that arrive twice, the second time up to `delay_s` later."""
    delayed: float = 0.0
    """Share of messages that take up to `delay_s`."""
    reordered_s: float = 0.0
    """Spread of the ordinary latency; at 0 every link keeps its order."""
    targeted: float = 0.0
    """Share of the messages of one kind, drawn by the seed, that are lost or delayed beyond the others."""
    cuts: float = 0.0
    """Cuts of a link, one way or both, per second; each for up to `outage_s`."""
    pauses: float = 0.0
    """Nodes that stand still, per second; each for up to `outage_s`."""
    crashes: float = 0.0
    """Share of a node's steps that it does not survive: before its record, after it, or with half of it sent."""
    lost_disks: float = 0.0
    """Share of crashed acceptors that lose their disk; never more than a minority of an acceptor set."""
    slow_fsyncs: float = 0.0
    """Share of fsyncs that take up to `fsync_s`; what is not durable at a crash is lost."""
    failed_fsyncs: float = 0.0
    """Share of fsyncs that fail: the node stops itself, whether or not its record reached the disk."""
    slow_tasks: float = 0.0
    """Share of the rules' tasks that are answered late, up to `outage_s`."""
    drift: float = 0.0
    """Largest share by which a node's clock goes too fast or too slow."""
    jumps: float = 0.0
    """Clocks that jump by up to `outage_s`, per second: monotonic ones forwards, the time of day either way."""
    bystanders: float = 0.0
    """Recoveries begun by a node that need not be a participant, per second."""

    delay_s: float = 1.0
    outage_s: float = 1.0
    fsync_s: float = 0.1

    def kinds(self) -> tuple[str, ...]:
        """The kinds of faults that happen at all, in a fixed order."""
        return tuple(kind for kind in KINDS if getattr(self, kind))

    def without(self, kind: str) -> "Faults":
        """The same faults, but none of this kind."""
        return msgspec.structs.replace(self, **{kind: 0.0})


LARGEST = {
    "lost": 0.3,
    "duplicated": 0.3,
    "delayed": 0.3,
    "reordered_s": 0.05,
    "targeted": 1.0,
    "cuts": 1.0,
    "pauses": 1.0,
    "crashes": 0.1,
    "lost_disks": 1.0,
    "slow_fsyncs": 0.8,
    "failed_fsyncs": 0.02,
    "slow_tasks": 0.3,
    "drift": 0.2,
    "jumps": 0.5,
    "bystanders": 2.0,
}
"""Kind of fault → its largest rate. Both levels draw from these."""
KINDS = tuple(LARGEST)
ABSENT = 0.5
"""Share of histories in which a kind of fault stays away."""
MILDNESS = 2.0
"""The power of a random share that makes a rate of the largest one: the higher, the more histories are nearly sound."""
DELAY_S = (0.05, 8.0)
OUTAGE_S = (0.2, 6.0)
FSYNC_S = (0.01, 1.0)
"""Shortest and longest bound of what takes time; the bound is drawn per seed, the times below it per fault."""


def draw(random: Random, absent: float = ABSENT, mildness: float = MILDNESS) -> Faults:
    """The faults of one history, and nothing but what `random` says."""
    share = random.random
    rates = {kind: largest * share() ** mildness for kind, largest in LARGEST.items() if share() >= absent}
    times = {"delay_s": DELAY_S, "outage_s": OUTAGE_S, "fsync_s": FSYNC_S}
    return Faults(**rates, **{name: low + (high - low) * share() ** 2 for name, (low, high) in times.items()})
