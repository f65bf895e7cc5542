"""What the catalog answers alone."""

from auction.commands import DescribeWorld, ListBases, ListCommodities
from tests.auction.house import CATALOG, House
from worlddata.types import BuyLimit, Rate, Rules


def test_the_world_is_described_with_the_rules_in_force() -> None:
    """Identity, rules, shelves and counts are the catalog's own; rarities come in their order."""
    rules = Rules(fee_bp=777, buy_limits={"tin": BuyLimit(5, 60)}, rates={"trade": Rate(1, 2)})
    seen = House(rules).ask("nobody", DescribeWorld())
    assert seen.rules == rules
    assert (seen.version, seen.hash) == (CATALOG.version, CATALOG.hash)
    assert [category.category for category in seen.categories] == ["oars", "bells", "ores"]
    assert [rarity.rarity for rarity in seen.rarities] == ["plain", "rare"]
    assert {stat.stat for stat in seen.stats} == {"reach", "tone", "weight"}
    assert seen.counts == {"categories": 3, "rarities": 2, "stats": 3, "bases": 3, "commodities": 2}


def test_bases_come_in_pages_by_id() -> None:
    """Every base once, with the widest range of its stats; a category narrows them, an unknown one to none."""
    house = House()
    first = house.ask("nobody", ListBases(limit=2))
    rest = house.ask("nobody", ListBases(limit=2, cursor=first.next))
    assert [base.base for base in (*first.bases, *rest.bases)] == ["fog_bell", "short_oar", "tide_oar"]
    assert rest.next is None
    assert (rest.bases[0].stats["reach"].min, rest.bases[0].stats["reach"].max) == (1, 208)
    assert [base.base for base in house.ask("nobody", ListBases(category="bells")).bases] == ["fog_bell"]
    assert house.ask("nobody", ListBases(category="hats")).bases == []


def test_a_cursor_of_another_category_is_a_mismatch() -> None:
    """Pages of one category cannot be continued in another."""
    house = House()
    cursor = house.ask("nobody", ListBases(category="oars", limit=1)).next
    assert house.refusal("nobody", ListBases(category="bells", cursor=cursor)) == ("cursor_mismatch", {})
    assert house.refusal("nobody", ListBases(cursor="nonsense")) == ("cursor_mismatch", {})


def test_commodities_are_listed_with_their_ticks() -> None:
    """All of them at once."""
    seen = House().ask("nobody", ListCommodities()).commodities
    assert [(view.commodity, view.name, view.category, view.tick) for view in seen] == [
        ("tin", "Tin", "ores", 1),
        ("salt", "Salt", "ores", 5),
    ]


def test_the_world_depends_on_no_store() -> None:
    """Its answers need nobody's store."""
    house = House()
    house.ask("nobody", DescribeWorld())
    assert house.states == {}
