"""Bounded integer arithmetic: gold, prices and quantities are 0 … MAX_AMOUNT, sums and products included.

Python's integers do not overflow; the bound is checked where amounts meet, so that no sum ever leaves what every
client can read exactly.
"""

from worlddata.types import BASIS_POINTS, MAX_AMOUNT

__all__ = ["BASIS_POINTS", "LIFETIME_MAX", "MAX_AMOUNT", "checked", "fits", "share_rounded_up"]

LIFETIME_MAX = 2**62
"""The largest total that is ever counted: what entered one store since it was opened. A store file keeps 64 bits."""


def fits(amount: int) -> bool:
    """Whether an amount is within 0 … MAX_AMOUNT."""
    return 0 <= amount <= MAX_AMOUNT


def checked(amount: int) -> int:
    """The amount itself; an amount out of bounds here is our own bug and stops the node."""
    assert 0 <= amount <= MAX_AMOUNT, amount
    return amount


def share_rounded_up(amount: int, share_bp: int) -> int:
    """A share of an amount in basis points, rounded up once to whole gold: fees and deposits, to the payer's loss."""
    return -(-amount * share_bp // BASIS_POINTS)
