"""The house for a person at a terminal: `auction client`.

`commands` is what one can type, `tables` what one sees, `references` the short names of things, `advice` what to do
about an error, `watching` the live view, `conversation` the connection behind each command.
"""

from clients.terminal.commands import client

__all__ = ["client"]
