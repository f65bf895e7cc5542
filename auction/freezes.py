"""What is frozen, as every node knows it, and whether it stands in the way of something."""

from collections.abc import Iterable

import msgspec

from auction.house_state import Freeze
from auction.refusals import Refusal


class Freezes(msgspec.Struct, frozen=True):
    """All that is frozen, as of a version of the house's store; of two the one of the higher version is true."""

    version: int = 0
    rows: tuple[Freeze, ...] = ()

    def against(
        self,
        *,
        players: Iterable[str] = (),
        categories: Iterable[str] = (),
        commodity: str | None = None,
        claim: bool = False,
    ) -> Refusal | None:
        """Why something must not be done now: `frozen`, with what is frozen. `claim` is claiming what waits, or taking
        back what was begun, which a freeze may allow.
        """
        if not self.rows:
            return None
        things = {("house", None), ("commodity", commodity)}
        things.update(("player", player) for player in players)
        things.update(("category", category) for category in categories)
        for row in self.rows:
            if (row.what, row.id) in things and not (claim and row.claims):
                return Refusal("frozen", {"what": row.what, "id": row.id})
        return None


NOTHING_FROZEN = Freezes()
