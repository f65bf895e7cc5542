"""What must hold between the entries of a world and between the rules, beyond the types of single fields."""

from collections.abc import Collection, Iterator, Mapping

from worlddata.problems import did_you_mean
from worlddata.types import MAX_STAT, Base, Catalog, Category, Commodity, Rarity, Rules, Stat

Known = Mapping[str, Collection[str]]
"""The ids of every kind, also of entries that are themselves unsound, so that one fault is not told twice."""


def relation_faults(catalog: Catalog, known: Known) -> Iterator[tuple[str, str, str]]:
    """Yield each fault of a world as (kind of entry, its id, message with the mend)."""
    for fault in rules_faults(catalog.rules, known["commodities"]):
        yield "rules", "rules", fault
    for rarity in catalog.rarities.values():
        for fault in _rarity_faults(rarity, catalog.rarities):
            yield "rarities", rarity.rarity, fault
    for stat in catalog.stats.values():
        for fault in _stat_faults(stat):
            yield "stats", stat.stat, fault
    for base in catalog.bases.values():
        for fault in _base_faults(base, catalog, known):
            yield "bases", base.base, fault
    for commodity in catalog.commodities.values():
        for fault in _commodity_faults(commodity, catalog.categories, known):
            yield "commodities", commodity.commodity, fault
    yield from _name_faults(catalog)


def rules_faults(rules: Rules, commodities: Collection[str]) -> Iterator[str]:
    """Yield what is wrong between the rules of the house, and with the commodities that they name, with the mend."""
    if rules.price_min > rules.price_max:
        yield f"price_min = {rules.price_min} is above price_max = {rules.price_max}; lower it, or raise price_max"
    if rules.increment_min > rules.price_max:
        yield f"increment_min = {rules.increment_min} is above price_max = {rules.price_max}; nobody could raise a bid"
    if len(set(rules.durations_s)) < len(rules.durations_s):
        yield f"durations_s = {list(rules.durations_s)} names a duration twice; name each once"
    if rules.offer_expires_s > rules.offer_expires_max_s:
        yield (
            f"offer_expires_s = {rules.offer_expires_s} is above offer_expires_max_s = {rules.offer_expires_max_s}; "
            "lower it, or raise offer_expires_max_s"
        )
    for commodity in rules.buy_limits:
        if commodity not in commodities:
            yield f"buy_limits names an unknown commodity {commodity!r}; {did_you_mean(commodity, commodities)}"


def _rarity_faults(rarity: Rarity, rarities: Mapping[str, Rarity]) -> Iterator[str]:
    if rarity.stats_min > rarity.stats_max:
        yield f"stats_min = {rarity.stats_min} is above stats_max = {rarity.stats_max}; swap them"
    for other in rarities.values():
        if other.order == rarity.order and other.rarity < rarity.rarity:
            yield f"order = {rarity.order} is that of rarity {other.rarity!r} too; give each its own"


def _stat_faults(stat: Stat) -> Iterator[str]:
    for key, ends in (("at_level_1", stat.at_level_1), ("at_level_100", stat.at_level_100)):
        if ends.min > ends.max:
            yield f"{key}: min = {ends.min} is above max = {ends.max}; swap them"


def _base_faults(base: Base, catalog: Catalog, known: Known) -> Iterator[str]:
    yield from _shelf_faults("items", base.category, catalog.categories, known)
    if base.min_level > base.max_level:
        yield f"min_level = {base.min_level} is above max_level = {base.max_level}; swap them"
    for stat in base.stat_percents:
        if stat not in known["stats"]:
            yield f"unknown stat {stat!r}; {did_you_mean(stat, known['stats'])}"
        elif stat in base.stats and base.stats[stat].max > MAX_STAT:
            yield f"stat {stat!r} reaches {base.stats[stat].max}, above {MAX_STAT}; lower its percentage"
    greediest = max(catalog.rarities.values(), key=lambda rarity: rarity.stats_max, default=None)
    if greediest and greediest.stats_max > len(base.stat_percents):
        yield (
            f"it carries {len(base.stat_percents)} stats, but rarity {greediest.rarity!r} rolls up to "
            f"{greediest.stats_max}; give it more, or lower the rarity's stats_max"
        )


def _commodity_faults(commodity: Commodity, categories: Mapping[str, Category], known: Known) -> Iterator[str]:
    yield from _shelf_faults("commodities", commodity.category, categories, known)
    if commodity.worth % commodity.tick:
        yield f"worth = {commodity.worth} is not a multiple of tick = {commodity.tick}, as every price is; round it"


def _shelf_faults(holds: str, category: str, categories: Mapping[str, Category], known: Known) -> Iterator[str]:
    if category not in known["categories"]:
        yield f"unknown category {category!r}; {did_you_mean(category, known['categories'])}"
    elif category in categories and categories[category].holds != holds:
        yield f"category {category!r} holds {categories[category].holds}; choose one that holds {holds}"


def _name_faults(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    named: dict[str, Mapping[str, Category | Rarity | Stat | Base | Commodity]] = {
        "categories": catalog.categories,
        "rarities": catalog.rarities,
        "stats": catalog.stats,
        "bases": catalog.bases,
        "commodities": catalog.commodities,
    }
    for kind, entries in named.items():
        first_of_name: dict[str, str] = {}
        for entry_id, entry in entries.items():
            first = first_of_name.setdefault(entry.name, entry_id)
            if first != entry_id:
                yield kind, entry_id, f"name {entry.name!r} is that of {first!r} too; nobody could tell them apart"
