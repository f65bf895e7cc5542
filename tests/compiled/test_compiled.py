"""What `make compiled` makes: the same decisions, never of sources that have changed, and nothing that is needed."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from shardnode.cli import main
from shardnode.ops.build_compiled import CannotCompile, build, check_compiler, compiled_modules
from shardnode.ops.compiled import PACKAGES, STAMP, MadeOf, is_compiled, is_made_of, is_stale, sources_digest
from tests.project.repository import ROOT

SEED = 7


def test_a_checkout_is_neither_compiled_nor_stale() -> None:
    """Whoever works on the sources runs them as they are."""
    assert not (ROOT / STAMP).exists()
    assert is_compiled() == Path(sys.modules["auction.house"].__file__ or "").name.endswith(".so")
    assert not is_stale(ROOT)


def test_modules_to_compile_are_there_and_hold_no_records() -> None:
    """The rule finds the hot ones, and what is listed by hand exists."""
    names = compiled_modules()
    assert {"auction.house", "auction.evolve", "shardnode.node.records"} <= set(names)
    assert not {"auction.state", "auction.events", "auction.commands"} & set(names)
    for name in names:
        source = ROOT / f"{name.replace('.', '/')}.py"
        assert "msgspec.Struct, " not in source.read_text(), f"{name} defines a record, which mypyc would spoil"


def test_a_tree_is_stale_once_its_sources_change(tmp_path: Path) -> None:
    """Any change of a module makes it stale, and taking the change back mends it; without the sources it is not."""
    sources, tree = tmp_path / "sources", tmp_path / "tree"
    for package in PACKAGES:
        (sources / package).mkdir(parents=True)
        (sources / package / "__init__.py").write_text('"""A package."""\n')
    tree.mkdir()
    (tree / STAMP).write_bytes(msgspec.json.encode(MadeOf(str(sources), sources_digest(sources))))
    assert not is_stale(tree)
    changed = sources / "auction" / "house.py"
    changed.write_text("FEE = 1\n")
    assert is_stale(tree)
    changed.unlink()
    assert not is_stale(tree)
    sources.rename(tmp_path / "elsewhere")
    assert not is_stale(tree)


def test_a_tree_of_a_checkout_that_was_moved_is_built_anew(tmp_path: Path) -> None:
    """It was made of the same sources, but its command names the place where they were."""
    sources, tree = tmp_path / "sources", tmp_path / "tree"
    for package in PACKAGES:
        (sources / package).mkdir(parents=True)
    tree.mkdir()
    assert not is_made_of(tree, sources)
    (tree / STAMP).write_bytes(msgspec.json.encode(MadeOf(str(sources), sources_digest(sources))))
    assert is_made_of(tree, sources)
    moved = sources.rename(tmp_path / "elsewhere")
    assert not is_made_of(tree, moved)


def test_a_stale_tree_does_not_serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says what to type instead."""
    monkeypatch.setattr("shardnode.ops.compiled.is_stale", lambda _tree: True)
    done = CliRunner().invoke(main, ["serve", "--data", str(tmp_path / "data")])
    assert done.exit_code == 2
    assert "make compiled" in done.output
    assert not (tmp_path / "data").exists()


def test_without_a_compiler_it_says_so_and_leaves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a C compiler is told that nothing needs one."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CannotCompile, match=r"no C compiler.*everything works without"):
        build(ROOT, tmp_path / "tree", ["auction.pricing"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_compiled_rules_decide_as_interpreted_ones(tmp_path: Path) -> None:
    """A day of trading gives the same answers and the same records, byte by byte."""
    try:
        check_compiler()
    except CannotCompile as problem:
        pytest.skip(str(problem))
    tree = tmp_path / "tree"
    build(ROOT, tree, compiled_modules(), optimised=False)
    interpreted, compiled = _day(ROOT, tmp_path), _day(tree, tmp_path)
    assert interpreted[0] == "interpreted" and compiled[0] == "compiled"
    assert len(interpreted) > 300
    assert compiled[1:] == interpreted[1:]


def _day(tree: Path, directory: Path) -> list[str]:
    """What `market_day` prints with the packages of a tree, and the tests of the checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.compiled.market_day", str(SEED)],
        cwd=directory,
        env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join((str(tree), str(ROOT)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
