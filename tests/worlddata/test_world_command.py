"""`auction world`: what a person is shown, and the exit codes that a script sees."""

from pathlib import Path

from click.testing import CliRunner

from shardnode.cli.world import world
from worlddata.catalog_file import open_catalog


def test_check_of_the_packaged_world() -> None:
    """Without options the packaged world is checked, and it is sound."""
    result = CliRunner().invoke(world, ["check"])
    assert (result.exit_code, result.output) == (0, "the sources make a world; nothing to mend\n")


def test_check_tells_every_problem(small_world: Path) -> None:
    """Every problem is one line on standard error, and the exit code is 1."""
    (small_world / "stats.toml").write_text("[stats.edge]\ncolour = 1\n")
    result = CliRunner().invoke(world, ["check", "--sources", str(small_world)])
    assert result.exit_code == 1
    assert "stats.toml, stat 'edge': unknown key 'colour'" in result.stderr
    assert "goods/knives.toml, base 'long_knife': unknown stat 'shine'" in result.stderr
    assert result.stdout == ""


def test_build_prints_the_path(small_world: Path, tmp_path: Path) -> None:
    """The only line on standard output is the path of a file that opens."""
    result = CliRunner().invoke(world, ["build", "--sources", str(small_world), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert open_catalog(Path(result.stdout.strip())).version == "2.3.4"


def test_build_of_unsound_sources_writes_nothing(small_world: Path, tmp_path: Path) -> None:
    """Sources that make no world leave no file."""
    (small_world / "world.toml").unlink()
    result = CliRunner().invoke(world, ["build", "--sources", str(small_world), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "world: is in none of the files" in result.stderr
    assert not (tmp_path / "out").exists()


def test_show_the_world() -> None:
    """The overview names categories, rarities, stats and rules."""
    output = CliRunner().invoke(world, ["show"]).stdout
    for word in ("world 1.0.0", "body_armour", "Singular", "ember_ward", "cancel_window_s"):
        assert word in output


def test_show_a_base(small_world: Path) -> None:
    """A base is shown with its stats at the ends of its levels."""
    output = CliRunner().invoke(world, ["show", "bread_knife", "--sources", str(small_world)]).stdout
    assert "Bread Knife (Knives), worth about 12 gold" in output
    (edge,) = [line for line in output.splitlines() if "edge" in line]
    assert [cell.strip() for cell in edge.strip("│").split("│")] == ["edge", "points", "100 %", "1–3", "10–21"]


def test_show_a_category(small_world: Path) -> None:
    """A category lists what stands on it, items or commodities."""
    knives, ores = (
        CliRunner().invoke(world, ["show", category, "--sources", str(small_world)]).stdout
        for category in ("knives", "ores")
    )
    assert "long_knife" in knives and "copper" not in knives
    assert "copper" in ores and "long_knife" not in ores


def test_show_an_unknown_base() -> None:
    """A word with a slip in it is answered with the nearest one."""
    result = CliRunner().invoke(world, ["show", "harbour_cuter"])
    assert result.exit_code == 1
    assert "did you mean 'harbour_cutter'?" in result.stderr
