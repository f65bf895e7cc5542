"""What one axis gives: curves over sizes, in panels; and what lines through them say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from load_tests.figures import Spread

Fit = Literal["power", "line"]
"""How curves are summed up: by the power of the size that they grow with, or by a straight line."""


class Curve(msgspec.Struct, frozen=True):
    """One measured value at each size of its panel."""

    name: str
    values: list[Spread]

    @property
    def medians(self) -> list[float]:
        """The middle of the rounds at each size."""
        return [value.median for value in self.values]


class Panel(msgspec.Struct, frozen=True):
    """Curves of one unit over the same sizes."""

    title: str
    """What is measured."""
    unit: str
    varied: str
    """What the sizes count."""
    sizes: list[float]
    curves: list[Curve]
    fit: Fit


class Growth(msgspec.Struct, frozen=True):
    """One axis, measured."""

    name: str
    title: str
    panels: list[Panel]
    seconds: float
    """The whole axis took so long."""
    point_s: float
    """Measured time of one size where bids are measured, warm-up aside."""
    other_cpus: float
    """Cores that other programs kept busy meanwhile."""


class Line(msgspec.Struct, frozen=True):
    """The straight line nearest to some points, by least squares."""

    slope: float
    start: float
    """Its value at size 0."""
    r2: float
    """The share of the values' variance that it explains; 1 if there is none."""


class NoGrowth(Exception):
    """There are no figures of an axis, or no place for them; the text says what to do."""


def line(sizes: Sequence[float], values: Sequence[float]) -> Line:
    """The line through at least two different sizes."""
    x, y = np.asarray(sizes, float), np.asarray(values, float)
    assert len(set(sizes)) > 1, "one size has no slope"
    slope, start = np.polyfit(x, y, 1)
    variance = float(((y - y.mean()) ** 2).sum())
    missed = float(((y - slope * x - start) ** 2).sum())
    return Line(float(slope), float(start), 1 - missed / variance if variance else 1.0)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """By which power of the size the values grow: 0 is flat, 1 linear; least squares in logarithms.

    Points at size or value 0 have no logarithm and are left out; None where fewer than two sizes are left.
    """
    points = [(size, value) for size, value in zip(sizes, values, strict=True) if size > 0 and value > 0]
    if len({size for size, _ in points}) < 2:
        return None
    x, y = np.log(np.asarray(points, float)).T
    return float(np.polyfit(x, y, 1)[0])


def write(growth: Growth, directory: Path) -> Path:
    """Keep an axis' figures; returns the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{growth.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(growth)))
    return path


def read(name: str, directory: Path) -> Growth:
    """An axis' kept figures. Raises NoGrowth."""
    path = directory / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Growth)
    except (OSError, msgspec.DecodeError) as error:
        raise NoGrowth(f"{path} cannot be read ({error}): measure it with --only {name}") from error
