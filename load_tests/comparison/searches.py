"""Searches over many listings beside the same on PostgreSQL: `load_tests.search`, shortened, in a process of its own.

A process of its own, because a million listings in this one would weigh on the generator.
"""

import subprocess
import sys
from pathlib import Path

import msgspec

from load_tests.figures import Spread
from load_tests.search.report import BY_HAND, PLAIN, Report

TIME_MAX_S = 900


class Searches(msgspec.Struct, frozen=True):
    """PostgreSQL's time a page ÷ ours, round by round, over the same searches of the same listings."""

    listings: int
    mean: Spread
    p99: Spread
    by_hand_mean: Spread
    """Beside statements written by hand, in ways to which PostgreSQL's planner does not come by itself."""
    pages_compared: int
    """That were the same on both sides, listing by listing."""


class SearchesFailed(Exception):
    """The searches could not be measured, or the sides found different listings; the text has what was said."""


def measure(directory: Path, listings: int, rounds: int, seconds: float, seed: int) -> Searches:
    """Search for `seconds` a side and round. Raises SearchesFailed."""
    file = directory / "search.json"
    options = {
        "--listings": listings,
        "--rounds": rounds,
        "--seconds": rounds * seconds,
        "--seed": seed,
        "--updates-per-s": 0,
        "--socket-listings": 0,
        "--json": file,
    }
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "load_tests.search", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_MAX_S, check=False)
    if done.returncode != 0:
        raise SearchesFailed(f"`{' '.join(command[1:])}` ended with {done.returncode}: {done.stderr}")
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    plain = report.ratios[PLAIN]
    return Searches(listings, plain.mean, plain.p99, report.ratios[BY_HAND].mean, report.pages_compared)
