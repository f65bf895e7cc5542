"""What is frozen, as every node knows it, and whether it stands in the way of something."""

from collections.abc import Iterable

import msgspec

from auction.house_state import Freeze, FrozenThing, HouseState
from auction.refusals import Refusal


class Freezes(msgspec.Struct, frozen=True):
    """All that is frozen, as of a version of the house's store; of two the one of the higher version is true."""

    version: int = 0
    rows: dict[str, Freeze] = {}
    """By what is frozen, as `name_of` writes it."""

    def against(
        self,
        *,
        players: Iterable[str] = (),
        categories: Iterable[str] = (),
        commodities: Iterable[str] = (),
        claim: bool = False,
    ) -> Refusal | None:
        """Why something must not be done now: `frozen`, with what is frozen. `claim` is claiming what waits, or taking
        back what was begun, which a freeze may allow.
        """
        if not self.rows:
            return None
        things = [name_of("house")]
        things.extend(name_of("category", category) for category in categories)
        things.extend(name_of("commodity", commodity) for commodity in commodities)
        things.extend(name_of("player", player) for player in players)
        for thing in things:
            row = self.rows.get(thing)
            if row is not None and not (claim and row.claims):
                return Refusal("frozen", {"what": row.what, "id": row.id})
        return None


NOTHING_FROZEN = Freezes()


def name_of(what: FrozenThing, thing: str | None = None) -> str:
    """What can be frozen, in one word."""
    return what if thing is None else f"{what}/{thing}"


def as_of(state: HouseState) -> Freezes:
    """What the house's own store says is frozen."""
    head = state.head()
    return NOTHING_FROZEN if head is None else Freezes(head.version, dict(state.freezes.rows))
