"""The `auction` command. Each subcommand lives in a module of its own and is imported only when it is used, so each
starts fast.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.surroundings import Surroundings

if TYPE_CHECKING:
    from shardnode.wire.methods import TokenRole

COMMANDS = {
    "run": "shardnode.cli.run:run_command",
    "demo": "shardnode.cli.demo:demo_command",
    "serve": "shardnode.cli.serve:serve_command",
    "cluster": "shardnode.cli.cluster:cluster_command",
    "token": "shardnode.cli.token:token_command",
    "audit": "shardnode.cli.audit:audit_command",
    "audit-log": "shardnode.cli.audit_log:audit_log_command",
    "trace": "shardnode.cli.trace:trace_command",
    "freeze": "shardnode.cli.freeze:freeze_command",
    "thaw": "shardnode.cli.freeze:thaw_command",
    "inspect": "shardnode.cli.inspect:inspect_command",
    "trades": "shardnode.cli.trades:trades_command",
    "world": "shardnode.cli.world:world",
    "client": "clients.terminal:client",
    "bots": "clients.bots:bots_command",
}
"""Subcommand → where it stands."""

SUMMARIES = {
    "run": "Serve a populated auction house, to meet it for the first time.",
    "demo": "Kill a node of three while everybody trades, and count everything afterwards.",
    "serve": "Run one node of the auction house.",
    "cluster": "Run a local cluster, or say that one of its nodes was replaced.",
    "token": "Print a token for a player, a service or an operator.",
    "audit": "Prove over stopped data directories that nothing was lost or doubled.",
    "audit-log": "Print who did what: people with a role, and trades of great worth.",
    "trace": "Show whose an item was, and what a tainted thing turned into.",
    "freeze": "Stop trading in the house, a category, a commodity or for a player.",
    "thaw": "Let trading go on.",
    "inspect": "Show one player's store.",
    "trades": "Show a node's open trades and what they wait for.",
    "world": "Check, build and look at the world data.",
    "client": "Trade at a terminal.",
    "bots": "Let a population of bots trade.",
}


class LazyGroup(click.Group):
    """Knows its subcommands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """All subcommands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        """Import a subcommand."""
        place = COMMANDS.get(name)
        if place is None:
            return None
        module, attribute = place.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """List the subcommands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=LazyGroup)
@click.version_option(package_name="fractal-auction")
@click.pass_context
def main(context: click.Context) -> None:
    """An auction house for games, built as a fractal of identical nodes that hold their own state."""
    context.obj = Surroundings(mint=mint_token)


def mint_token(data: Path, sub: str, role: "TokenRole", ttl_s: int) -> str:
    """Brought along for the clients' commands, which know a house by its protocol alone."""
    from shardnode.cli.token import mint
    from shardnode.gateway.tokens import KeyFault

    try:
        return mint(data, sub, role, ttl_s)
    except (KeyFault, OSError) as error:
        raise click.ClickException(f"cannot make a token for {sub} from {data}: {error}") from error
