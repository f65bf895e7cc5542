"""Which roles may ask what; the wire refuses the others (`forbidden`) before the house is asked."""

from typing import Final

from auction.commands import Ask, EndListing, Grant, InspectPlayer, Take
from auction.context import Role

ANYBODY: Final[frozenset[Role]] = frozenset({"player", "service", "operator"})

ALLOWED: Final[dict[type[Ask], frozenset[Role]]] = {
    Grant: frozenset({"service"}),
    Take: frozenset({"service"}),
    InspectPlayer: frozenset({"service", "operator"}),
    EndListing: frozenset({"house"}),
}
"""What is not for ANYBODY."""


def may(role: Role, ask: type[Ask]) -> bool:
    """Whether a role may ask this."""
    return role in ALLOWED.get(ask, ANYBODY)
