"""A believable population: sellers, bargain hunters, gatherers, crafters and others who make a market in any house.

`strategies` and `wares` say what a bot wants (`intentions`), purely, out of common `habits`; `population` says who
lives there, `worth` what things sell for; `living` carries it out, by the house's methods in `requests`.
"""

from clients.bots.command import bots_command

__all__ = ["bots_command"]
