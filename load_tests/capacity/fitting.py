"""From times of whole runs to the times of the steps that they consist of."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np


def costs_of(runs: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """Seconds of one step of each kind, by least squares, none below 0.

    `runs` has how many steps of each kind a run took, `seconds` how long all of them took. Which of the costs are 0 is
    tried out, every way: the kinds are few.
    """
    counts, taken_s = np.array(runs, float), np.array(seconds, float)
    kinds = counts.shape[1]
    best, least = [0.0] * kinds, float(taken_s @ taken_s)
    for size in range(1, kinds + 1):
        for chosen in combinations(range(kinds), size):
            part = counts[:, chosen]
            costs, *_ = np.linalg.lstsq(part, taken_s, rcond=None)
            rest = part @ costs - taken_s
            if (costs >= 0).all() and float(rest @ rest) < least - 1e-15:
                least = float(rest @ rest)
                best = [0.0] * kinds
                for kind, cost in zip(chosen, costs, strict=True):
                    best[kind] = float(cost)
    return best
