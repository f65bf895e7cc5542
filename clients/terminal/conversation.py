"""The connection behind a command: open, do one thing, close; every failure as one sentence and an exit code."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console, RenderableType

from clients.client import Client
from clients.errors import AuctionError, EventsMissed
from clients.session import Settings
from clients.surroundings import Connect
from clients.terminal.advice import EXIT_REFUSED, advice, exit_code
from clients.terminal.tables import Display

PATIENCE_S = 10.0
"""How long a person waits for an answer before the command says that there is none."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Who talks to which house, and how results are shown."""

    urls: tuple[str, ...]
    token: Callable[[], str]
    connect: Connect
    as_json: bool
    console: Console

    def hold(self, act: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        """Connect, act, close. What goes wrong is told in a sentence, and ends the program with its exit code."""
        self.token()  # whoever cannot say who he is learns it before anything is tried
        try:
            asyncio.run(self._with_client(act))
        except AuctionError as error:
            _end(advice(error), exit_code(error))
        except EventsMissed as missed:
            _end(f"{missed}; see `wallet`, `bids` and `listings`", EXIT_REFUSED)

    def show(self, result: msgspec.Struct, view: Callable[[], RenderableType]) -> None:
        """Print a result: as one line of JSON for a program, or as a person reads it."""
        if self.as_json:
            click.echo(msgspec.json.encode(result).decode())
        else:
            self.console.print(view())

    async def display(self, client: Client, *, whole_ids: bool = False) -> Display:
        """How to show this house's things, as of the login."""
        login = client.session.login
        assert login is not None
        return Display(await client.world(), login.server_time_ms, width=self.console.width, whole_ids=whole_ids)

    def hold_until_interrupted(self, act: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        """As `hold`, for what has no end of its own: Ctrl-C is the way to end it."""
        try:
            self.hold(act)
        except KeyboardInterrupt:
            return

    async def _with_client(self, act: Callable[[Client], Awaitable[None]]) -> None:
        client = await self.connect(self.urls, self.token, Settings(deadline_s=PATIENCE_S))
        try:
            await act(client)
        finally:
            await client.close()


talking = click.make_pass_decorator(Conversation)
"""Gives a command its conversation."""


def _end(message: str, code: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)
