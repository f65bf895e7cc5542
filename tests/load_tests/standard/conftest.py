"""One standard architecture for all of these tests, under the house rules of the conformance tests."""

from collections.abc import Iterator

import pytest

from load_tests.standard import Standard, running_standard
from tests.conformance.client import MSGPACK
from tests.conformance.conftest import RULES
from tests.conformance.house import TOKEN_S, House, Issuer


@pytest.fixture(scope="package")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standard]:
    """Two workers behind nginx."""
    with running_standard(tmp_path_factory.mktemp("standard"), workers=2, rules=RULES) as standard:
        yield standard


class Tokens(Issuer):
    """The issuer that the standard architecture trusts, as the conformance tests ask it."""

    def __init__(self, standard: Standard) -> None:
        self._standard = standard

    def token(self, player: str, role: str = "player", ttl_s: int = TOKEN_S) -> str:  # noqa: ARG002 - all live long
        """A token for a player."""
        return self._standard.issuer.token(player, role)


@pytest.fixture
def house(standard: Standard) -> Iterator[House]:
    """The house as the conformance tests know it."""
    with House(standard.server.url, Tokens(standard), MSGPACK) as house:
        yield house
