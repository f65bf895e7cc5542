"""Single players at the nodes of a cluster, who speak the protocol themselves and repeat nothing by themselves."""

import time
from typing import Any

from tests.cluster_processes.cluster import Cluster
from tests.conformance.client import eventually
from tests.conformance.house import House, Issuer, Player
from tests.crash.loop import Loop

PAUSE_S = 0.1
"""Between two attempts at what the house cannot answer yet."""


class Town:
    """A started cluster, and players by the node where they are at home and the one that they talk to."""

    def __init__(self, cluster: Cluster, issuer: Issuer, loop: Loop) -> None:
        self.cluster = cluster
        self._loop = loop
        self.houses = {node: House(cluster.url(node), issuer) for node in cluster.processes}
        self._names = 0

    def player(self, home: str, through: str, *, gold: int = 0, items: int = 0) -> Player:
        """Somebody new, with gold and items."""
        self._names += 1
        player = self.houses[through].enter(self.cluster.player_at(home, f"player-{self._names}"))
        if gold or items:
            house = self.houses[through]
            granted = house.grant(player.name, gold=gold, items=[{"base": house.base}] * items)
            player.items = [item["item"] for item in granted["items"]]
        return player

    def repeat(self, player: Player, method: str, **params: Any) -> dict[str, Any]:
        """Ask until the house knows the answer, as a client does that was told `in_doubt` or `unavailable`."""
        answers: list[dict[str, Any]] = []

        def is_known() -> bool:
            answers.append(player.ask(method, params))
            reason = answers[-1].get("error", {}).get("data", {}).get("reason")
            if reason in ("in_doubt", "unavailable"):
                self._loop.until_moment(PAUSE_S)
            return reason not in ("in_doubt", "unavailable")

        eventually(is_known)
        return answers[-1]

    def close(self) -> None:
        """Everybody leaves."""
        for house in self.houses.values():
            house.close()


def refusal_of(player: Player, method: str, **params: object) -> tuple[str | None, float]:
    """The reason of a refusal, and how many seconds it took."""
    began_s = time.monotonic()
    reason = player.refusal(method, **params).reason
    return reason, time.monotonic() - began_s
