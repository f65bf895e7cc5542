"""The standard architecture in both of its forms for all of these tests, under the rules of the conformance tests."""

from collections.abc import Iterator
from typing import get_args

import pytest

from load_tests.standard import Standard, running_standard
from load_tests.standard.settings import RulesIn
from tests.conformance.client import MSGPACK
from tests.conformance.conftest import RULES
from tests.conformance.house import TOKEN_S, House, Issuer


@pytest.fixture(scope="package", params=get_args(RulesIn))
def rules_in(request: pytest.FixtureRequest) -> RulesIn:
    """Where bids and buyouts are decided."""
    chosen: RulesIn = request.param
    return chosen


@pytest.fixture(scope="package")
def standard(tmp_path_factory: pytest.TempPathFactory, rules_in: RulesIn) -> Iterator[Standard]:
    """Two workers behind nginx."""
    directory = tmp_path_factory.mktemp("standard")
    with running_standard(directory, workers=2, rules=RULES, rules_in=rules_in) as standard:
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
