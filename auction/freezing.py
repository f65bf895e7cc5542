"""Freezing and thawing: an operator stops trading in something, or lets it go on, in the house's own store.

What may be done meanwhile, each rule that begins something asks of `auction.freezes`. What was agreed before still
ends: a listing settles, a trade that was promised is kept.
"""

from auction import audit_log
from auction.commands import FreezeTrading, ThawTrading
from auction.context import Context
from auction.events import Event, Frozen, HouseOpened, Thawed
from auction.freezes import name_of
from auction.house_state import FREEZES_MAX, Freeze, FrozenThing, House, HouseState
from auction.refusals import Refusal
from auction.results import FreezesResult


def freeze(
    state: HouseState, operator: str, ask: FreezeTrading, context: Context
) -> tuple[list[Event], FreezesResult] | Refusal:
    """Stop trading in something. Freezing it again says anew whether claims are allowed.

    `ask` has passed `auction.params.bad_param`. Whether a player of that name exists is not asked: one may be frozen
    before it first comes.
    """
    unknown = _unknown(ask.what, ask.id, context)
    if unknown is not None:
        return unknown
    head, frozen, opening = _opened(state, context)
    name = name_of(ask.what, ask.id)
    if name not in frozen and len(frozen) >= FREEZES_MAX:
        return Refusal("freeze_limit", {"max": FREEZES_MAX})
    frozen[name] = row = Freeze(name, ask.what, ask.id, ask.claims, operator, context.now_ms)
    detail = f"{name}, claims {'allowed' if ask.claims else 'stopped too'}"
    entry = audit_log.acted(head, operator, "operator", "admin.freeze", name, detail, context.now_ms)
    return [*opening, Frozen(row), entry], _all(frozen)


def thaw(
    state: HouseState, operator: str, ask: ThawTrading, context: Context
) -> tuple[list[Event], FreezesResult] | Refusal:
    """Let trading in something go on; what is not frozen stays so, and what the catalog lost can still be thawed."""
    head, frozen, opening = _opened(state, context)
    name = name_of(ask.what, ask.id)
    thawed = [Thawed(name, context.now_ms)] if frozen.pop(name, None) is not None else []
    detail = name if thawed else f"{name}, which was not frozen"
    entry = audit_log.acted(head, operator, "operator", "admin.thaw", name, detail, context.now_ms)
    return [*opening, *thawed, entry], _all(frozen)


def _unknown(what: FrozenThing, thing: str | None, context: Context) -> Refusal | None:
    if what == "category" and thing not in context.catalog.categories:
        return Refusal("no_such_category")
    if what == "commodity" and thing not in context.catalog.commodities:
        return Refusal("no_such_commodity")
    return None


def _opened(state: HouseState, context: Context) -> tuple[House, dict[str, Freeze], list[Event]]:
    """The store's row and what is frozen, with the events that it takes to begin.

    A store that was lost with its node's disk begins with what the nodes know to be frozen.
    """
    head = state.head()
    if head is not None:
        return head, dict(state.freezes.rows), []
    life = context.life_of(context.house)
    known = context.freezes.rows
    opening: list[Event] = [HouseOpened(context.house, life), *map(Frozen, known.values())]
    return House.opened(context.house, life), dict(known), opening


def _all(frozen: dict[str, Freeze]) -> FreezesResult:
    return FreezesResult([frozen[name] for name in sorted(frozen)])
