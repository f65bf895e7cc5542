"""How this package says that a world cannot be used, and what to do about it."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

import msgspec


class WorldError(Exception):
    """The world cannot be used as it is; the message says what to do next."""


class Problem(msgspec.Struct, frozen=True):
    """One thing to mend in a TOML source."""

    file: str
    """Relative to the sources' directory."""
    entry: str
    """For a person: "base 'oyster_knife'", "rules", or "" for the whole file."""
    message: str

    def __str__(self) -> str:
        """Return the problem on one line."""
        where = f"{self.file}, {self.entry}" if self.entry else self.file
        return f"{where}: {self.message}"


class SourceError(WorldError):
    """TOML sources do not make a world; ``problems`` holds everything there is to mend."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return the end of a message about an unknown word: the nearest known one, or all of them."""
    nearest = get_close_matches(word, known, n=1)
    if nearest:
        return f"did you mean {nearest[0]!r}?"
    return f"known are: {', '.join(sorted(known))}" if known else "none is defined"
