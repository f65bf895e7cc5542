"""What watches tell: the push `watch`, read into the class of what is watched."""

from typing import Any

import msgspec

from shardnode.wire.events import ListingsMatched, PriceMatched

Match = ListingsMatched | PriceMatched
"""Of a saved search or a followed listing; of a followed commodity."""


def match_of(params: dict[str, Any]) -> Match | None:
    """Read the push's params; None for a type that is not known here. Raises msgspec.ValidationError."""
    if params.get("type") != "watch.matched":
        return None
    if "commodity" in params.get("data", ()):
        return msgspec.convert(params, PriceMatched)
    return msgspec.convert(params, ListingsMatched)
