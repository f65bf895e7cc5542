"""What is looked at when the load is over. A run that loses something has failed, whatever its speed."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """One thing that must be true of a side."""

    what: str
    passed: bool
    found: str
