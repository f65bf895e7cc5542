"""The house for a person at a terminal: `auction client`.

`commands` gathers what one can type: `auctions`, `holdings`, `exchange` (commodities), `offers`, `news` (events and
watches). `typed` reads amounts, filters and goods, `references` the short names of things. `tables` and
`pictures` are what one sees, `watching` the live view, `advice` what to do about an error, `conversation` the
connection behind each command.
"""

from clients.terminal.commands import client

__all__ = ["client"]
