"""`make compiled`: the same sources, the hottest of them compiled by mypyc, in a tree of its own.

Nothing is written for the compiler, and nothing needs what it makes: `build/compiled/bin/auction` is `auction`, faster.
Compiled are the modules of the rules that define no msgspec record, for mypyc does not pass on what such a class is
made with (`frozen=True`), and a short list of the shell's, which every bid goes through.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import msgspec

import auction
from shardnode.ops.compiled import PACKAGES, STAMP, MadeOf, is_made_of, running_tree, sources_digest

TREE = Path("build", "compiled")
"""Where the tree is, in the checkout."""

OF_THE_SHELL = (
    "shardnode.gateway.frames",
    "shardnode.gateway.outbox",
    "shardnode.gateway.presence",
    "shardnode.gateway.rate",
    "shardnode.node.clock",
    "shardnode.node.gate",
    "shardnode.node.journal_writer",
    "shardnode.node.names",
    "shardnode.node.records",
    "shardnode.node.turns",
    "shardnode.search.packed",
)
"""No record, no generator for Twisted, no base class from elsewhere."""

COMMAND = """#!/bin/sh
PYTHONSAFEPATH=1 PYTHONPATH='{tree}' exec '{python}' -m shardnode.cli "$@"
"""
"""PYTHONSAFEPATH, or the working directory's packages would come first, in child processes too."""


class CannotCompile(Exception):
    """There is no compiled tree; the text says why and what to do."""


def main() -> None:
    """Build the tree of the sources that this module is among, unless it is there and they are as they were."""
    sources = running_tree()
    tree = sources / TREE
    if is_made_of(tree, sources):
        sys.stdout.write(f"{TREE} is up to date\n")
        return
    names = compiled_modules()
    sys.stdout.write(f"compiling {len(names)} modules, which takes a minute or two\n")
    sys.stdout.flush()
    try:
        build(sources, tree, names)
    except CannotCompile as problem:
        sys.exit(str(problem))
    sys.stdout.write(f"built {TREE}: use {TREE / 'bin' / 'auction'} in place of `auction`\n")


def compiled_modules() -> list[str]:
    """The modules that are worth compiling and can be."""
    return [*_of_the_rules(), *OF_THE_SHELL]


def build(sources: Path, tree: Path, names: Sequence[str], optimised: bool = True) -> None:
    """Make a tree of the sources with these modules compiled, in place of the one that is there. Raises CannotCompile,
    and leaves that one.
    """
    check_compiler()
    digest = sources_digest(sources)
    making = tree.with_name(f"{tree.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(sources / package, making / package, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(making, [name.replace(".", "/") + ".py" for name in names], sources / "pyproject.toml", optimised)
    command = making / "bin" / "auction"
    command.parent.mkdir()
    command.write_text(COMMAND.format(tree=tree, python=sys.executable))
    command.chmod(0o755)
    (making / STAMP).write_bytes(msgspec.json.encode(MadeOf(str(sources), digest)))
    shutil.rmtree(tree, ignore_errors=True)
    making.rename(tree)


def _of_the_rules() -> Iterator[str]:
    for found in walk_packages(auction.__path__, "auction."):
        module = import_module(found.name)
        defined = [each for each in vars(module).values() if getattr(each, "__module__", None) == found.name]
        if not found.ispkg and not any(isinstance(each, type) and issubclass(each, msgspec.Struct) for each in defined):
            yield found.name


def check_compiler() -> None:
    """Raise CannotCompile where this machine lacks what extension modules are made with."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        raise CannotCompile(
            f"there is no C compiler ({compiler}): install one or name it in CC; everything works without, only slower"
        )
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        raise CannotCompile(
            "Python's header files are missing: install them (python3-dev); everything works without, only slower"
        )


def _compile(tree: Path, files: Sequence[str], config: Path, optimised: bool) -> None:
    """Make extension modules beside the files of a tree; what the compilers leave behind goes."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and files
        [sys.executable, "-m", "mypyc", f"--config-file={config}", "--follow-imports=silent", *files],
        cwd=tree,
        env={**os.environ, "MYPYC_OPT_LEVEL": "3" if optimised else "0", "MYPYC_DEBUG_LEVEL": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-4_000:]
        raise CannotCompile(f"mypyc failed, and nothing was changed; everything works without. It said:\n{said}")
    shutil.rmtree(tree / "build")


if __name__ == "__main__":
    main()
