"""The arrows between the packages: who may import whom, and which libraries each may use."""

import ast
import sys
from collections.abc import Iterator

import msgspec
import pytest

from shardnode.cli import COMMANDS
from tests.project.repository import OUR_PACKAGES, Source, our_sources, report


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """What the modules of one package, or one module, may import besides the standard library and their own package."""

    ours: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


_AUCTION_TYPES = (
    "auction.commands",
    "auction.events",
    "auction.refusals",
    "auction.results",
    "auction.state",
    "worlddata.types",
)
_SHELL = ("auction", "worlddata.types", "shardnode.wire", "shardnode.storage")
_TWISTED = ("twisted", "zope", "msgspec")
_CLIENT_CORE = (
    "clients.codec",
    "clients.effects",
    "clients.errors",
    "clients.inbox",
    "clients.route",
    "clients.session",
    "clients.watched",
)
_SANS_IO = Layer(ours=("shardnode.wire", *_AUCTION_TYPES, *_CLIENT_CORE), libraries=("msgspec",))

LAYERS = {
    "worlddata": Layer(libraries=("sqlalchemy", "msgspec")),
    "auction": Layer(ours=("worlddata.types",), libraries=("msgspec",)),
    "shardnode": Layer(),
    "shardnode.wire": Layer(ours=("auction", "worlddata.types"), libraries=("msgspec",)),
    "shardnode.agreement": Layer(libraries=("msgspec",)),
    "shardnode.storage": Layer(ours=("auction", "worlddata.types"), libraries=("sqlalchemy", "msgpack", "msgspec")),
    "shardnode.ops": Layer(ours=(*_SHELL, "shardnode.agreement"), libraries=(*_TWISTED, "prometheus_client")),
    "shardnode.search": Layer(ours=_SHELL, libraries=("msgspec", "numpy")),
    "shardnode.watches": Layer(ours=(*_SHELL, "shardnode.search"), libraries=("msgspec",)),
    "shardnode.gateway": Layer(
        ours=(*_SHELL, "shardnode.ops"), libraries=(*_TWISTED, "autobahn", "jwt", "cryptography", "OpenSSL")
    ),
    "shardnode.cluster": Layer(
        ours=(
            *(*_SHELL, "shardnode.agreement", "shardnode.ops", "shardnode.search", "shardnode.watches"),
            *("shardnode.gateway.fail_stop", "shardnode.gateway.frames", "shardnode.gateway.outbox"),
        ),
        libraries=(*_TWISTED, "autobahn", "cryptography", "OpenSSL"),
    ),
    "shardnode.node": Layer(
        ours=(
            *(*_SHELL, "worlddata", "shardnode.ops", "shardnode.search", "shardnode.gateway", "shardnode.agreement"),
            *("shardnode.cluster", "shardnode.watches"),
        ),
        libraries=_TWISTED,
    ),
    "shardnode.cli": Layer(
        ours=("auction", "worlddata", "shardnode", "clients"), libraries=(*_TWISTED, "click", "rich")
    ),
    "clients": Layer(
        ours=("shardnode.wire", *_AUCTION_TYPES),
        libraries=("msgspec", "msgpack", "twisted", "zope", "autobahn", "click", "rich"),
    ),
    **dict.fromkeys(_CLIENT_CORE, _SANS_IO),
    "load_tests": Layer(
        ours=("clients",), libraries=("click", "msgpack", "msgspec", "twisted", "autobahn", "jwt", "cryptography")
    ),
    "load_tests.capacity": Layer(
        ours=("load_tests", "clients"), libraries=("click", "rich", "msgspec", "matplotlib", "numpy")
    ),
    "load_tests.comparison": Layer(
        ours=("load_tests", "clients"),
        libraries=("autobahn", "click", "matplotlib", "msgpack", "msgspec", "psycopg", "rich", "twisted"),
    ),
    "load_tests.growth": Layer(
        ours=("load_tests", "clients", "auction.ids"), libraries=("click", "rich", "msgspec", "matplotlib", "numpy")
    ),
    "load_tests.__main__": Layer(ours=("load_tests",), libraries=("click", "rich")),
    "load_tests.harness": Layer(ours=("load_tests", "clients"), libraries=("hdrh", "msgspec")),
    "load_tests.report": Layer(ours=("load_tests",), libraries=("msgspec", "hdrh", "matplotlib", "rich")),
    "load_tests.search": Layer(
        ours=("load_tests", "auction", "worlddata", "shardnode.search"),
        libraries=("click", "rich", "msgspec", "twisted", "psycopg", "matplotlib"),
    ),
    "load_tests.search.ours": Layer(
        ours=(
            *("load_tests", "auction", "shardnode.search", "shardnode.ops.metrics", "shardnode.storage.memory"),
            *("shardnode.node.searches", "shardnode.node.lanes"),
        ),
        libraries=("msgspec", "twisted"),
    ),
    "load_tests.standard": Layer(
        ours=(
            *("load_tests", "auction", "worlddata", "shardnode.gateway", "shardnode.wire"),
            *("shardnode.ops.metrics", "shardnode.ops.logs", "shardnode.ops.open_trades", "shardnode.search.query"),
        ),
        libraries=("asyncpg", "click", "hiredis", "msgspec", "psycopg", "twisted"),
    ),
}
"""Package or module → what it may import. The longest name that fits a module holds.

`load_tests.growth` makes files of stores that nobody opens, under names made as the house makes names.

Two reach into the node. `load_tests.search` measures the index itself, which no socket shows without itself.
`load_tests.standard` has the node's own gateway, codecs and pure rules before a database, so that what is compared
differs in the architecture alone.
"""

FOR_OTHERS = ("clients.asyncio_client", "clients.twisted_client")
"""Modules that nobody here imports: the SDK's edges for game developers."""


def test_every_module_imports_only_what_its_layer_may() -> None:
    """Imports run down the arrows of ARCHITECTURE.md, those inside functions and for type checkers included."""
    problems = [
        f"{source.at(line)}: {source.module} imports {imported}; {_mend(source.module)}"
        for source in our_sources()
        for line, imported in _imports(source)
        if not _allowed(source.module, imported)
    ]
    assert not problems, report(problems, "imports against the arrows (tests/project/test_layers.py has the table):")


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("worlddata.types", "auction.state"),
        ("auction.house", "worlddata.loading"),
        ("auction.house", "sqlalchemy"),
        ("auction.house", "twisted.internet.defer"),
        ("shardnode.wire.codec", "shardnode.node.config"),
        ("shardnode.storage.port", "twisted.internet.threads"),
        ("shardnode.agreement.acceptor", "auction.events"),
        ("shardnode.search.index", "shardnode.gateway.session"),
        ("shardnode.search.index", "shardnode.watches.engine"),
        ("shardnode.watches.engine", "twisted.internet.defer"),
        ("shardnode.watches.engine", "shardnode.cluster.watchers"),
        ("shardnode.cluster.router", "shardnode.node.node"),
        ("shardnode.gateway.session", "shardnode.cluster.router"),
        ("shardnode.gateway.session", "shardnode.node.node"),
        ("clients.client", "shardnode.gateway.session"),
        ("clients.client", "auction.house"),
        ("clients.session", "clients.client"),
        ("clients.session", "twisted.internet.defer"),
        ("load_tests.duels", "shardnode.storage.port"),
        ("load_tests.comparison.bids", "shardnode.search.index"),
        ("load_tests.search.mix", "shardnode.node.searches"),
        ("load_tests.search.ours", "shardnode.node.node"),
    ],
)
def test_the_table_refuses_what_runs_against_the_arrows(module: str, imported: str) -> None:
    """Named wrong turns stay wrong, whatever else the table comes to allow."""
    assert not _allowed(module, imported)


def test_every_package_stands_in_the_table() -> None:
    """A new package gets its place among the layers before it gets code."""
    missing = sorted({source.name for source in our_sources() if _place(source.module) is None})
    assert not missing, report(missing, "modules of no layer; add their package to LAYERS:")


def test_every_module_is_used() -> None:
    """A module is imported by another, is a command, or is run by its name; what nobody reaches is deleted."""
    imported = {name for source in our_sources() for _, name in _imports(source)}
    commands = {place.split(":")[0] for place in COMMANDS.values()}
    unused = [
        f"{source.at(1)}: nobody imports or runs {source.module}; use it or delete it"
        for source in our_sources()
        if source.module not in imported | commands | set(FOR_OTHERS)
        and not source.name.endswith(("__init__.py", "__main__.py"))
        and 'if __name__ == "__main__"' not in source.text
    ]
    assert not unused, report(unused, "modules out of use:")


def _place(module: str) -> str | None:
    fitting = [name for name in LAYERS if _within(module, name)]
    place = max(fitting, key=len, default=None)
    return None if place == "shardnode" and module != "shardnode" else place


def _allowed(module: str, imported: str) -> bool:
    place = _place(module)
    if place is None:
        return False
    layer, top = LAYERS[place], imported.split(".")[0]
    if top in OUR_PACKAGES:
        return any(_within(imported, name) for name in (place, *layer.ours))
    return top in sys.stdlib_module_names or top in layer.libraries


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _mend(module: str) -> str:
    place = _place(module)
    if place is None:
        return "its package is of no layer"
    layer = LAYERS[place]
    return f"{place} may import {', '.join((*layer.ours, *layer.libraries)) or 'nothing'}; move the code or pass it in"


def _imports(source: Source) -> Iterator[tuple[int, str]]:
    """Line and full name of every module imported."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, f"{source.at(node.lineno)}: write imports in full"
            for alias in node.names:
                yield node.lineno, _module_of(node.module, alias.name)


def _module_of(module: str, name: str) -> str:
    """`from auction import commands` imports auction.commands, `from auction.commands import Limit` that too."""
    if module.split(".")[0] in OUR_PACKAGES and any(s.module == f"{module}.{name}" for s in our_sources()):
        return f"{module}.{name}"
    return module
