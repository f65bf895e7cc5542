"""What tests of the terminal client share."""

import pytest

from tests.clients.shop import Shop


@pytest.fixture
def shop() -> Shop:
    """A house with a few things in it."""
    return Shop()
