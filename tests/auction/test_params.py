"""Params that no rule needs to look at."""

import pytest

from auction.commands import CreateListing, GetPlayer, PlaceBid
from auction.params import bad_param
from tests.auction.house import CATALOG


@pytest.mark.parametrize(
    ("start_bid", "buyout", "path"), [(None, None, "start_bid"), (100, 99, "buyout"), (1, 0, "buyout")]
)
def test_prices_that_make_no_sense_are_bad_params(start_bid: int | None, buyout: int | None, path: str) -> None:
    """A listing needs a price, and its buyout must not be below its start bid."""
    bad = bad_param(CreateListing(item="x", start_bid=start_bid, buyout=buyout, duration_s=3_600), CATALOG)
    assert bad is not None
    assert bad.path == path
    assert bad.message


@pytest.mark.parametrize(("start_bid", "buyout"), [(100, None), (None, 100), (100, 100), (0, 0)])
def test_one_price_is_enough(start_bid: int | None, buyout: int | None) -> None:
    """Either price alone, or both, even equal, are good params; whether they are allowed is a rule's to say."""
    ask = CreateListing(item="x", start_bid=start_bid, buyout=buyout, duration_s=3_600)
    assert bad_param(ask, CATALOG) is None


def test_other_questions_have_no_such_params() -> None:
    """What its types say is all there is to say about any other question."""
    assert bad_param(GetPlayer(), CATALOG) is None
    assert bad_param(PlaceBid(listing="x", amount=0), CATALOG) is None
