"""What the steps of the real nodes cost, as the model takes it: measured by `--calibrate`, kept in a file.

Processor times are of one thread, waiting left out. A figure that is not measured here says so in its docstring.
"""

import tomllib
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

HERE = Path(__file__).parent
CALIBRATION = HERE / "calibration.toml"

Time = Annotated[float, msgspec.Meta(ge=0, le=10)]
"""Seconds of a step."""
Count = Annotated[float, msgspec.Meta(ge=0, le=1e12)]


class CapacityFault(Exception):
    """A file of the model cannot be used; the text says which part and what to do."""


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Costs of single steps on one machine."""

    machine: str
    """Processor and Python on which it was measured, and when."""
    wake_up_s: Time
    """Reactor: going to sleep when there is nothing to do, and waking up for something."""
    batch_s: Time
    """Reactor: a batch handed to the journal, and the gate opened for it."""
    bid_s: Time
    """Reactor: a bid whose stores all live here, from its frame to its answer and the push to whoever was outbid."""
    coordinator_s: Time
    """Reactor: a trade across nodes, at the bidder's home; frames, feed and the refund excluded, as in the next two."""
    participant_s: Time
    """Reactor: the same at the listing's home."""
    acceptor_s: Time
    """Reactor: a vote on a trade's outcome, at each acceptor."""
    coordinator_records: Count
    """Journal records of a trade at the bidder's home, the refund of a rival who lives there as well included."""
    participant_records: Count
    acceptor_records: Count
    frame_s: Time
    """Reactor: a frame sent to, or received from, another node, without the work that its messages ask for."""
    link_s: Time
    """Reactor: a link with nothing to do, a second: heartbeats and signs of life, both ways."""
    feed_row_s: Time
    """Reactor: a changed listing of another node."""
    index_row_s: Time
    """Search thread: the same."""
    journal_batch_s: Time
    """Journal thread: a batch, besides its records."""
    journal_record_s: Time
    """Journal thread: a record of a trade within a node."""
    journal_fact_s: Time
    """Journal thread: a record of a trade across nodes, which is mostly facts."""
    commit_wait_s: Time
    """From a batch's hand-over to the reactor hearing of its end, less the journal thread's time: disk, wake-ups."""
    fsync_s: Time
    """Of one page on the same disk; for comparison, it is part of `commit_wait_s`."""
    push_s: Time
    """Reactor: an event told to one more session."""
    login_s: Time
    """All threads: a socket opened, upgraded and logged in."""
    search_s: Time
    """Reactor and search thread: a page of a search over few listings, a request and its answer included."""
    wake_s: Time
    """All threads: loading a sleeping store, beside what its request costs."""
    request_s: Time
    """Reactor: a request that changes nothing, of a store that is awake."""
    checkpoint_s: Time
    """File thread: a store written into its file."""
    generator_s: Time
    """The load generator: a request sent and its answer and a push read."""
    node_bytes: Count
    """Memory of a node with nothing in it."""
    store_bytes: Count
    """Memory of an awake store, a player with gold and nothing else."""
    connection_bytes: Count
    """Memory of an idle connection, the player's store included."""
    row_bytes: Count
    """A listing as it is shown, MessagePack: about what a changed row of the feed takes on the wire."""
    messages_a_trade: Count
    """Between nodes, all of them, in a trade whose nodes are no acceptors."""


T = TypeVar("T", bound=msgspec.Struct)


def read(path: Path, kind: type[T]) -> T:
    """A file of the model, as what it holds. Raises CapacityFault."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), kind)
    except OSError as error:
        raise CapacityFault(f"{path}: cannot be read ({error.strerror}); name a file of the model") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CapacityFault(f"{path}: is not TOML: {error}; mend it there") from error
    except msgspec.ValidationError as error:
        raise CapacityFault(f"{path}: {error}; docs/capacity.md names what belongs there") from error


def write(calibration: Calibration, path: Path) -> None:
    """Keep a calibration. Raises OSError."""
    lines = [
        "# Written by `python -m load_tests.capacity --calibrate`; load_tests/capacity/calibration.py explains it."
    ]
    for name, value in msgspec.structs.asdict(calibration).items():
        lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {_figure(value)}")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _figure(value: float) -> str:
    """Four digits that count."""
    return f"{value:.0f}.0" if value >= 1_000 else repr(float(f"{value:.4g}"))
