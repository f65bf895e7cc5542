"""Sources to catalog: what they may say, and how each fault is told."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from worlddata.problems import SourceError
from worlddata.toml_sources import check_sources, read_sources
from worlddata.types import MAX_AMOUNT, Range, Rules

Texts = dict[str, str]
WriteWorld = Callable[[Texts], Path]

FAULTS = {
    "world.toml": [
        ('version = "2.3.4"', 'version = "2.3"', """world: version = '2.3': expected three numbers like "1.0.0\""""),
        ('version = "2.3.4"', "", "world: 'version' is missing; add `version = …`"),
        ("[world]", "world = 3\n[wrold]", "unknown table 'wrold'; did you mean 'world'?"),
        ("[world]", "world = 3\n[wrold]", "world: is 3; make it a table with keys"),
        ("fee_bp = 1000", "fee_pb = 1000", "rules: unknown key 'fee_pb'; did you mean 'fee_bp'?"),
        ("fee_bp = 1000", "fee_bp = 10_001", "rules: fee_bp = 10001: expected `int` <= 10000"),
        ("fee_bp = 1000", "fee_bp = true", "rules: fee_bp = True: expected `int`, got `bool`"),
        (
            "fee_bp = 1000",
            "price_min = 9\nprice_max = 8",
            "rules: price_min = 9 is above price_max = 8; lower it, or raise price_max",
        ),
        (
            'holds = "items"',
            'holds = "item"',
            "category 'knives': holds = 'item': expected \"items\" or \"commodities\"",
        ),
        ('name = "Ores"', 'name = "Knives"', "category 'ores': name 'Knives' is that of 'knives' too"),
        ("stats_min = 1\nstats_max = 2", "stats_min = 3\nstats_max = 2", "rarity 'odd': stats_min = 3 is above stats"),
        ("order = 1", "order = 0", "rarity 'plain': order = 0 is that of rarity 'odd' too; give each its own"),
        ("weight = 9", "weight = 0", "rarity 'plain': weight = 0: expected `int` >= 1"),
    ],
    "stats.toml": [
        ("[stats.edge]", "[stats.Edge]", "stat 'Edge': id = 'Edge': expected 1–48 of `a-z 0-9 _`, the first a letter"),
        ("[stats.edge]", '[stats."edge\\n"]', "stat 'edge\\n': id = 'edge\\n': expected 1–48 of"),
        ('name = "Edge"', 'name = "Edge "', "stat 'edge': name = 'Edge ': expected 1–64 characters on one line"),
        ("min = 1, max = 3", "min = 4, max = 3", "stat 'edge': at_level_1: min = 4 is above max = 3; swap them"),
        ("min = 1, max = 3", "min = 0, max = 3", "expected `int` >= 1 - at `at_level_1.min`"),
        ("min = 1, max = 3", "max = 3", "Object missing required field `min`"),
        ("[stats.edge]", "[stats.edge", "stats.toml: is not TOML: Expected ']'"),
    ],
    "goods/knives.toml": [
        ("edge = 100", "egde = 100", "base 'bread_knife': unknown stat 'egde'; did you mean 'edge'?"),
        ("edge = 100", "edge = 0", "base 'bread_knife': stat_percents = {'edge': 0, 'shine': 50}: expected `int` >= 1"),
        ("edge = 100, ", "", "base 'bread_knife': it carries 1 stats, but rarity 'odd' rolls up to 2; give it more"),
        (
            "min_level = 1\n",
            "min_level = 11\n",
            "base 'bread_knife': min_level = 11 is above max_level = 10; swap them",
        ),
        ("max_level = 100", "max_level = 101", "base 'long_knife': max_level = 101: expected `int` <= 100"),
        ('category = "knives"', 'category = "knifes"', "base 'bread_knife': unknown category 'knifes'; did you mean"),
        (
            'category = "knives"',
            'category = "zz"',
            "base 'bread_knife': unknown category 'zz'; known are: knives, ores",
        ),
        ('category = "knives"', 'category = "ores"', "category 'ores' holds commodities; choose one that holds items"),
        ("worth = 12", "worth = 0", "base 'bread_knife': worth = 0: expected `int` >= 1"),
        ("worth = 12\n", 'worth = 12\nbase = "b"\n', "base 'bread_knife': unknown key 'base'; known are: category,"),
        ('name = "Bread Knife"\n', "", "base 'bread_knife': 'name' is missing; add `name = …`"),
        ("[bases.long_knife]", "[stats.edge]", "stat 'edge': stands in goods/knives.toml too; remove or rename one"),
    ],
    "goods/ores.toml": [
        ("tick = 5", "tick = 7", "commodity 'copper': worth = 40 is not a multiple of tick = 7, as every price is"),
        ("tick = 5", f"tick = {MAX_AMOUNT + 1}", f"tick = {MAX_AMOUNT + 1}: expected `int` <= {MAX_AMOUNT}"),
        ("tick = 5", "tick = 5.0", "commodity 'copper': tick = 5.0: expected `int`, got `float`"),
        (
            'category = "ores"',
            'category = "knives"',
            "category 'knives' holds items; choose one that holds commodities",
        ),
    ],
}


@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [(file, *fault) for file, faults in FAULTS.items() for fault in faults],
)
def test_each_fault_is_told(
    small_texts: Texts, write_world: WriteWorld, file: str, right: str, wrong: str, told: str
) -> None:
    """A fault is told with its file, its entry, and what to do about it."""
    assert right in small_texts[file]
    small_texts[file] = small_texts[file].replace(right, wrong, 1)
    problems = [str(problem) for problem in check_sources(write_world(small_texts))]
    assert any(told in problem for problem in problems), problems
    assert any(problem.startswith(file) for problem in problems), problems


def test_an_entry_outside_its_table_is_told(small_texts: Texts, write_world: WriteWorld) -> None:
    """A kind of entries that is no table is told with how to write one."""
    small_texts["goods/ores.toml"] = "commodities = 5"
    problems = check_sources(write_world(small_texts))
    assert [str(problem) for problem in problems] == [
        "goods/ores.toml, commodities: is not a table; write [commodities.<id>]"
    ]


def test_all_faults_are_told_at_once(small_texts: Texts, write_world: WriteWorld) -> None:
    """One run tells every fault of every file, and no fault twice under another name."""
    small_texts["stats.toml"] = small_texts["stats.toml"].replace('unit = "points"', "unit = 7")
    small_texts["goods/knives.toml"] = small_texts["goods/knives.toml"].replace("min_level = 8", "min_level = 0")
    small_texts["goods/ores.toml"] = small_texts["goods/ores.toml"].replace("tick = 5", "tick = 3\ncolour = 1")
    problems = check_sources(write_world(small_texts))
    assert [(problem.file, problem.entry) for problem in problems] == [
        ("stats.toml", "stat 'edge'"),
        ("goods/knives.toml", "base 'long_knife'"),
        ("goods/ores.toml", "commodity 'copper'"),
    ]


def test_an_unreadable_file_is_told_alone(small_texts: Texts, write_world: WriteWorld) -> None:
    """What refers to the entries of a file that cannot be read is not told as a fault of its own."""
    directory = write_world(small_texts)
    (directory / "stats.toml").write_bytes(b"# \xff")
    assert [str(problem) for problem in check_sources(directory)] == [
        "stats.toml: is not UTF-8 at byte 2; save it as UTF-8"
    ]
    (directory / "stats.toml").unlink()
    (directory / "stats.toml").symlink_to(directory / "nowhere")
    (problem,) = check_sources(directory)
    assert str(problem).startswith("stats.toml: cannot be read")


def test_missing_parts_are_told(write_world: WriteWorld) -> None:
    """Sources without a version, rules or rarities make no world."""
    problems = check_sources(write_world({"empty.toml": ""}))
    assert [problem.entry for problem in problems] == ["world", "rules", "rarities"]


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    """A directory that is not there is told by its name."""
    (problem,) = check_sources(tmp_path / "nowhere")
    assert problem.file == str(tmp_path / "nowhere")


def test_a_stat_may_not_grow_beyond_its_bound(small_texts: Texts, write_world: WriteWorld) -> None:
    """A percentage that lifts a stat above the largest value is refused."""
    small_texts["stats.toml"] = small_texts["stats.toml"].replace("max = 201", "max = 1_000_000")
    (problem,) = check_sources(write_world(small_texts))
    assert str(problem) == (
        "goods/knives.toml, base 'long_knife': stat 'edge' reaches 1200000, above 1000000; lower its percentage"
    )


def test_the_error_carries_every_problem(write_world: WriteWorld) -> None:
    """Reading unsound sources raises one error whose text and problems are the whole list."""
    directory = write_world({"empty.toml": ""})
    with pytest.raises(SourceError) as raised:
        read_sources(directory)
    assert list(raised.value.problems) == check_sources(directory)
    assert str(raised.value).splitlines() == [str(problem) for problem in raised.value.problems]


def test_what_a_source_says_is_in_the_catalog(small_world: Path) -> None:
    """Rules left out are the defaults, rarities come in their order, and a base has the widest ranges of its stats."""
    catalog = read_sources(small_world)
    assert catalog.version == "2.3.4"
    assert catalog.rules == Rules(fee_bp=1000)
    assert list(catalog.rarities) == ["plain", "odd"]
    assert catalog.bases["bread_knife"].stats == {"edge": Range(min=1, max=21), "shine": Range(min=1, max=2)}
    assert catalog.commodities["copper"].tick == 5


def test_files_and_order_mean_nothing(small_texts: Texts, write_world: WriteWorld) -> None:
    """However entries are ordered and cut into files, the catalog is the same to the byte."""
    expected = read_sources(write_world(small_texts))
    entries = [entry for text in small_texts.values() for entry in text.strip().split("\n\n")]
    for seed in range(10):
        random.Random(seed).shuffle(entries)
        cut = seed + 1
        texts = {"a.toml": "\n\n".join(entries[:cut]), "z/b.toml": "\n\n".join(entries[cut:])}
        catalog = read_sources(write_world(texts))
        assert msgspec.json.encode(catalog) == msgspec.json.encode(expected)


def test_every_word_counts(small_texts: Texts, write_world: WriteWorld) -> None:
    """A change of any value gives another hash."""
    hashes = {read_sources(write_world(small_texts)).hash}
    changes = [
        ("world.toml", "2.3.4", "2.3.5"),
        ("world.toml", "fee_bp = 1000", "fee_bp = 1001"),
        ("world.toml", "weight = 9", "weight = 8"),
        ("stats.toml", "max = 201", "max = 202"),
        ("goods/knives.toml", "shine = 50", "shine = 51"),
        ("goods/ores.toml", "worth = 40", "worth = 45"),
    ]
    for file, right, other in changes:
        changed = {**small_texts, file: small_texts[file].replace(right, other)}
        hashes.add(read_sources(write_world(changed)).hash)
    assert len(hashes) == len(changes) + 1
