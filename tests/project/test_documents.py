"""The documents keep up with the code: whatever a user can set, call or meet is on the page that owns it."""

import ast
import re
from pkgutil import resolve_name

import click
import msgspec
import pytest

from auction.events import Event
from auction.refusals import REASONS
from shardnode.cli import COMMANDS, main
from shardnode.node.config import Config
from shardnode.wire.errors import FAULTS
from shardnode.wire.events import EVENTS
from shardnode.wire.methods import METHODS
from shardnode.wire.transport import CloseCode
from tests.project.repository import OUR_PACKAGES, ROOT, documents, our_sources, page, report
from worlddata.types import Rules

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
DOTTED_NAME = re.compile(rf"(?<![\w./-])(?:{'|'.join(OUR_PACKAGES)})(?:\.[A-Za-z_]\w*)+")
PATH = re.compile(rf"(?:{'|'.join((*OUR_PACKAGES, 'tests', 'docs'))})/[\w./-]*")
PROTOCOL_NAMES = ("auction.v1",)
"""Dotted names that look like modules of ours and are none."""

WALK = "docs/extending.md"
"""The page that makes files of its own; tests/project/test_extending.py makes them."""

COMMAND_PAGES = {"client": "docs/clients.md", "bots": "docs/clients.md"}
"""Commands that have a page of their own; docs/operating.md owns the others."""


def test_every_option_of_the_node_is_documented() -> None:
    """docs/operating.md has each option of `shardnode.node.config.Config` by name."""
    _check_named("docs/operating.md", Config.__struct_fields__, "option")


def test_every_command_and_its_options_are_documented() -> None:
    """Each subcommand of `auction`, and each flag and argument that it takes, is on its page."""
    problems = [
        f"{owner}: add `{name}` of `{path}`"
        for command in COMMANDS
        if (owner := COMMAND_PAGES.get(command, "docs/operating.md"))
        for path, name in _words_of(f"auction {command}", _subcommand(command))
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page(owner))
    ]
    assert not problems, report(problems, "commands and options that nobody can look up:")


def test_every_metric_is_documented() -> None:
    """docs/operating.md has each metric that a node shows to Prometheus."""
    _check_named("docs/operating.md", _metrics(), "metric")


def test_every_protocol_method_is_documented() -> None:
    """docs/protocol.md has each method of `shardnode.wire.methods`."""
    _check_named("docs/protocol.md", METHODS, "method")


def test_every_reason_is_documented() -> None:
    """docs/protocol.md has each reason of a refusal or fault by which a program can tell what happened."""
    by_number = {"parse_error", "invalid_request", "unknown_method", "bad_params"}
    _check_named("docs/protocol.md", [name for name in (*REASONS, *FAULTS) if name not in by_number], "reason")


def test_every_push_and_close_code_is_documented() -> None:
    """docs/protocol.md has each event that a player can be told, and each code by which a node closes a socket."""
    _check_named("docs/protocol.md", EVENTS, "event")
    missing = [
        f"docs/protocol.md: add {code.value}" for code in CloseCode if str(code.value) not in page("docs/protocol.md")
    ]
    assert not missing, report(missing, "close codes that the page lacks:")


def test_every_rule_of_the_house_is_documented() -> None:
    """docs/protocol.md has each rule that a world or an operator can set."""
    _check_named("docs/protocol.md", Rules.__struct_fields__, "rule")


def test_every_domain_event_is_documented() -> None:
    """docs/storage.md or docs/rules.md has each class of event that a journal can hold."""
    text = page("docs/storage.md") + page("docs/rules.md")
    names = [kind.__name__ for kind in Event.__args__]
    missing = [f"docs/storage.md or docs/rules.md: add `{name}`" for name in names if not _named(name, text)]
    assert not missing, report(missing, "events that the pages lack:")


@pytest.mark.parametrize("origin", ["documents", "docstrings"])
def test_names_of_ours_that_texts_mention_exist(origin: str) -> None:
    """A `package.module.symbol` or `folder/file` in a document or docstring leads somewhere."""
    texts = documents() if origin == "documents" else _docstrings()
    problems = [
        f"{place}: `{name}` is not there any more; name what took its place"
        for place, text in texts.items()
        for code in CODE.findall(text)
        for name in (*DOTTED_NAME.findall(code), *PATH.findall(code))
        if not _exists(name) and not (place == WALK and f"A new file `{name}`:" in text)
    ]
    assert not problems, report(problems, "names that lead nowhere:")


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of a Markdown file has its target in the repository."""
    problems = [
        f"{name}: link to {target}; there is no such file"
        for name, text in documents().items()
        for target in LINK.findall(text)
        if "://" not in target and not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert not problems, report(problems, "links that lead nowhere:")


def _check_named(owner: str, names: object, what: str) -> None:
    text = page(owner)
    missing = [f"{owner}: add `{name}`" for name in msgspec.convert(list(names), list[str]) if not _named(name, text)]
    assert not missing, report(missing, f"{what}s that the page lacks:")


def _named(name: str, text: str) -> bool:
    """Whether the name stands in the text as code, alone or as a word of what does."""
    return any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", code) for code in CODE.findall(text))


def _subcommand(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None, name
    return command


def _words_of(path: str, command: click.Command) -> list[tuple[str, str]]:
    """Command path and word, for everything a person can type: subcommands, long flags, arguments."""
    words = [(path, path.split()[-1])]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            words.append((path, parameter.make_metavar(click.Context(command)).strip("[].")))
        else:
            words += [(path, flag) for flag in parameter.opts if flag.startswith("--")]
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            words += _words_of(f"{path} {name}", subcommand)
    return words


def _metrics() -> list[str]:
    """Names of metric families: written out in shardnode.ops, or given to `gauge` without their prefix."""
    names = set()
    for source in our_sources():
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and source.module.startswith("shardnode.ops")
            ):
                names.update(re.findall(r"^auction_[a-z_]+[a-z]$", node.value))
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called == "gauge":
                    names.add(f"auction_{node.args[0].value}")
    assert len(names) > 10, names
    return sorted(names)


def _docstrings() -> dict[str, str]:
    texts = {}
    for source in our_sources():
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                texts[source.at(node.lineno)] = node.value.value
    return texts


def _exists(name: str) -> bool:
    if name.startswith(PROTOCOL_NAMES):
        return True
    if "/" in name or name.endswith(".md"):
        return (ROOT / name).exists()
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
