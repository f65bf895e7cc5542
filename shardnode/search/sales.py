"""What sold of each base within a day: the figures that a search gives `with_market`.

Sales come to a node with the rows of listings that ended, and, for the time before it listened, with an origin's
snapshot; some come twice. They are kept in columns, 24 bytes each, and told apart by their marks when they are counted.
"""

from array import array
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from auction.results import Market
from auction.sales import SALES_KEPT_MS, Sale

SoldOfBase = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Marks, prices and instants."""


class SaleLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the sales known of one origin. Beyond one of them the oldest of a base make room: it counts too few."""

    base_sales_max: int = 20_000
    """Of one base."""
    sales_max: int = 500_000
    """Of all bases."""


class _OfOneBase:
    """The sales of one base, in the order in which they came."""

    def __init__(self) -> None:
        self.marks, self.prices, self.instants = array("q"), array("q"), array("q")

    def __len__(self) -> int:
        return len(self.marks)

    def add(self, sale: Sale) -> None:
        self.marks.append(sale.mark)
        self.prices.append(sale.price)
        self.instants.append(sale.at_ms)

    def columns(self) -> SoldOfBase:
        """Copies, for any thread."""
        return np.array(self.marks), np.array(self.prices), np.array(self.instants)

    def shrink(self) -> None:
        """Keep the latest three quarters, each once."""
        marks, prices, instants = self.columns()
        _, once = np.unique(marks, return_index=True)
        latest = once[np.argsort(instants[once], kind="stable")][-(3 * len(marks) // 4) :]
        self.marks, self.prices, self.instants = (
            array("q", column[latest].tobytes()) for column in (marks, prices, instants)
        )


class Sales:
    """The sales of one origin."""

    def __init__(self, limits: SaleLimits) -> None:
        self._limits = limits
        self._bases: dict[str, _OfOneBase] = {}
        self._count = 0
        self._latest_ms = 0

    def __len__(self) -> int:
        """How many are kept, with those that came twice."""
        return self._count

    def add(self, sale: Sale) -> None:
        """Count a sale, once however often it is added."""
        of_base = self._bases.get(sale.base)
        if of_base is None:
            of_base = self._bases[sale.base] = _OfOneBase()
        of_base.add(sale)
        self._latest_ms = max(self._latest_ms, sale.at_ms)
        self._count += 1
        if len(of_base) > self._limits.base_sales_max:
            self._shrink(of_base)
        elif self._count > self._limits.sales_max:
            self._shrink(max(self._bases.values(), key=len))

    def of(self, base: str) -> SoldOfBase | None:
        """The sales of a base; None where there are none."""
        of_base = self._bases.get(base)
        return None if of_base is None else of_base.columns()

    def __iter__(self) -> Iterator[Sale]:
        """Those of the last day, base by base, each base as it is when it is come to."""
        for base, of_base in list(self._bases.items()):
            marks, prices, instants = (column.tolist() for column in of_base.columns())
            for mark, price, at_ms in zip(marks, prices, instants, strict=True):
                if at_ms > self._latest_ms - SALES_KEPT_MS:
                    yield Sale(mark, base, price, at_ms)

    def _shrink(self, of_base: _OfOneBase) -> None:
        before = len(of_base)
        of_base.shrink()
        self._count -= before - len(of_base)


def market_of(origins: list[SoldOfBase], now_ms: int) -> Market:
    """How many were sold in the last day, and the median of what was paid (of an even number: the middle of the two
    in the middle, rounded down).
    """
    marks, prices, instants = (np.concatenate(columns) for columns in zip(_NONE, *origins, strict=True))
    _, once = np.unique(marks, return_index=True)
    paid = np.sort(prices[once][instants[once] > now_ms - SALES_KEPT_MS])
    if not len(paid):
        return Market(None, 0)
    low, high = int(paid[(len(paid) - 1) // 2]), int(paid[len(paid) // 2])
    return Market((low + high) // 2, len(paid))


_NONE: SoldOfBase = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
