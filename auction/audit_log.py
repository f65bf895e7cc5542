"""The audit log: what people with a role did to a store, and trades of great worth, for those who look after the house.

An entry is an event of the record that it tells of, so there is none without its deed and no deed without its entry.
What a service or an operator did stands in the store that it was done to; a trade stands where the price was agreed:
in the seller's store, or the market's. Who only looks changes nothing, and leaves no entry: a question must not cost a
durable write, nor fail where a disk is full.
"""

from auction.events import Audited
from auction.house_state import House
from auction.market.state import Book
from auction.state import Account, AuditEntry
from auction.stores import State
from worlddata.types import Rules


def acted(
    head: Account | House, who: str, role: str, action: str, ref: str | None, detail: str, now_ms: int, worth: int = 0
) -> Audited:
    """Somebody with a role did something here; `action` is the protocol's method. `head` is as before the deed."""
    return Audited(AuditEntry(head.audited + 1, now_ms, who, role, action, ref, worth, detail))


def traded(
    head: Account | Book, rules: Rules, *, buyer: str, ref: str, worth: int, detail: str, now_ms: int, after: int = 0
) -> list[Audited]:
    """Something was sold for `worth` gold: an entry where the rules want one, `after` others of the same decision."""
    if rules.audit_worth == 0 or worth < rules.audit_worth:
        return []
    return [Audited(AuditEntry(head.audited + 1 + after, now_ms, buyer, "player", "trade", ref, worth, detail))]


def write(state: State, event: Audited) -> None:
    """Put an entry down; a part of `auction.evolve`."""
    head = state.head_to_change()
    head.audited += 1
    assert event.entry.number == head.audited, event
    state.audit.put(event.entry.number, event.entry)
