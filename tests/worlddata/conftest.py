"""A world small enough to read at a glance, for tests that break it."""

from collections.abc import Callable
from pathlib import Path

import pytest

SMALL_WORLD = {
    "world.toml": """
[world]
version = "2.3.4"

[rules]
fee_bp = 1000

[categories.knives]
name = "Knives"
holds = "items"

[categories.ores]
name = "Ores"
holds = "commodities"

[rarities.plain]
name = "Plain"
order = 0
stats_min = 1
stats_max = 1
weight = 9
worth_factor = 1

[rarities.odd]
name = "Odd"
order = 1
stats_min = 1
stats_max = 2
weight = 1
worth_factor = 10
""",
    "stats.toml": """
[stats.edge]
name = "Edge"
unit = "points"
at_level_1 = { min = 1, max = 3 }
at_level_100 = { min = 100, max = 201 }

[stats.shine]
name = "Shine"
unit = "percent"
at_level_1 = { min = 1, max = 2 }
at_level_100 = { min = 10, max = 20 }
""",
    "goods/knives.toml": """
[bases.bread_knife]
name = "Bread Knife"
category = "knives"
min_level = 1
max_level = 10
worth = 12
stat_percents = { edge = 100, shine = 50 }

[bases.long_knife]
name = "Long Knife"
category = "knives"
min_level = 8
max_level = 100
worth = 90
stat_percents = { shine = 100, edge = 120 }
""",
    "goods/ores.toml": """
[commodities.copper]
name = "Copper"
category = "ores"
tick = 5
worth = 40
""",
}

WriteWorld = Callable[[dict[str, str]], Path]


@pytest.fixture
def write_world(tmp_path: Path) -> WriteWorld:
    """Return a function that writes texts, by file name, into a directory of their own, and returns that."""

    def write(files: dict[str, str]) -> Path:
        directory = tmp_path / f"sources-{len(list(tmp_path.iterdir()))}"
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return directory

    return write


@pytest.fixture
def small_texts() -> dict[str, str]:
    """Return the small world's texts by file name, to change at will."""
    return dict(SMALL_WORLD)


@pytest.fixture
def small_world(write_world: WriteWorld) -> Path:
    """Return the directory of the small world's sources."""
    return write_world(SMALL_WORLD)
