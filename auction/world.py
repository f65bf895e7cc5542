"""What the catalog answers alone."""

from auction.commands import DescribeWorld, ListBases, ListCommodities, WorldQuery
from auction.cursors import cursor, text_after
from auction.refusals import Refusal
from auction.results import BasesResult, BaseView, CommoditiesResult, CommodityView, Span, WorldResult
from worlddata.types import Base, Catalog


def answer(ask: WorldQuery, catalog: Catalog) -> WorldResult | BasesResult | CommoditiesResult | Refusal:
    """Answer a question about the world."""
    match ask:
        case DescribeWorld():
            return _describe(catalog)
        case ListBases():
            return _bases(ask, catalog)
        case ListCommodities():
            return _commodities(catalog)


def _describe(catalog: Catalog) -> WorldResult:
    return WorldResult(
        version=catalog.version,
        hash=catalog.hash,
        rules=catalog.rules,
        categories=list(catalog.categories.values()),
        rarities=sorted(catalog.rarities.values(), key=lambda rarity: rarity.order),
        stats=list(catalog.stats.values()),
        counts={
            "categories": len(catalog.categories),
            "rarities": len(catalog.rarities),
            "stats": len(catalog.stats),
            "bases": len(catalog.bases),
            "commodities": len(catalog.commodities),
        },
    )


def _bases(ask: ListBases, catalog: Catalog) -> BasesResult | Refusal:
    """A page of bases, by id."""
    after = text_after(ask)
    if isinstance(after, Refusal):
        return after
    found = sorted(
        base.base
        for base in catalog.bases.values()
        if (ask.category is None or base.category == ask.category) and (after is None or base.base > after)
    )
    page = [_base_view(catalog.bases[base]) for base in found[: ask.limit]]
    return BasesResult(page, cursor(ask, page[-1].base) if len(found) > ask.limit else None)


def _base_view(base: Base) -> BaseView:
    return BaseView(
        base=base.base,
        name=base.name,
        category=base.category,
        min_level=base.min_level,
        max_level=base.max_level,
        stats={stat: Span(bounds.min, bounds.max) for stat, bounds in base.stats.items()},
    )


def _commodities(catalog: Catalog) -> CommoditiesResult:
    return CommoditiesResult(
        [
            CommodityView(commodity.commodity, commodity.name, commodity.category, commodity.tick)
            for commodity in catalog.commodities.values()
        ]
    )
