"""`python node_with_fault.py FAULT serve …`: a node that kills itself at one point of a trade.

    before-accept    as coordinator, when everybody has voted YES, before it proposes anything to the acceptors
    before-decided   as coordinator, when the outcome is chosen, before it tells anybody

Everything else is `auction serve` as it is: only the two calls into the agreement's engine are watched.
"""

import os
import signal
import sys
from typing import Any

from shardnode.agreement.effects import Effects
from shardnode.agreement.engine import Agreement
from shardnode.agreement.messages import Decided
from shardnode.cli import main


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before_accept() -> None:
    judged = Agreement.judged

    def dying(self: Agreement, trade: Any, payload: bytes | None, now_s: float) -> Effects:
        if payload is not None:
            _die()
        return judged(self, trade, payload, now_s)

    Agreement.judged = dying  # type: ignore[method-assign]  # the point of this program


def _before_decided() -> None:
    step = Agreement.step

    def dying(self: Agreement, sender: str, message: Any, now_s: float) -> Effects:
        effects = step(self, sender, message, now_s)
        if any(isinstance(sent, Decided) and sent.value.commit for _, sent in effects.send):
            _die()
        return effects

    Agreement.step = dying  # type: ignore[method-assign]  # the point of this program


FAULTS = {"before-accept": _before_accept, "before-decided": _before_decided}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    main()
