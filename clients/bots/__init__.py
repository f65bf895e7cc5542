"""A believable population: sellers, bargain hunters, snipers and collectors who make a market in any house.

`strategies` say what a bot wants (`intentions`), purely; `population` says who lives there; `living` carries it out.
"""

from clients.bots.command import bots_command

__all__ = ["bots_command"]
