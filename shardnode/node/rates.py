"""The players' rates, as far as this node counts them: at a player's home what goes there, and here what does not.

Nearly all that a player asks goes to its home, whichever nodes it is connected to, and is counted there once for all.
Searches, and questions to listings and markets, are counted by the node that the player is connected to.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from auction.context import Answer, Request
from auction.rates import CLASSES, Bucket, spend
from auction.refusals import Refusal
from shardnode.ops.metrics import Metrics
from worlddata.types import Rate, RateClass


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what is remembered."""

    buckets_max: int = 100_000
    """Players' buckets in memory; of the one that was asked for longest ago it is forgotten that it was not full."""


class Rates:
    """Buckets by player and class. `seconds` is a clock that never goes back."""

    def __init__(
        self, *, rates: Mapping[RateClass, Rate], seconds: Callable[[], float], limits: RateLimits, metrics: Metrics
    ) -> None:
        self._rates = rates
        self._seconds = seconds
        self._limits = limits
        self._metrics = metrics
        self._buckets: OrderedDict[tuple[str, RateClass], Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Buckets in memory."""
        return len(self._buckets)

    def refused(self, request: Request) -> Answer | None:
        """Count a request of a player; the answer where it comes too early."""
        if not self._rates or request.caller.role != "player":
            return None
        kind = CLASSES.get(type(request.ask))
        rate = None if kind is None else self._rates.get(kind)
        if kind is None or rate is None:
            return None
        name = request.caller.player, kind
        after = spend(self._buckets.get(name), rate, int(self._seconds() * 1000))
        if isinstance(after, Refusal):
            self._metrics.limit_hit(f"rates.{kind}")
            return Answer(after, refused=True)
        self._buckets[name] = after
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._limits.buckets_max:
            self._buckets.popitem(last=False)
        return None
