"""Typed calls and typed errors, held against the protocol's own tables."""

import inspect
from collections.abc import Awaitable
from typing import Any, get_args

import msgspec
import pytest

from clients.calls import Calls, pages
from clients.errors import (
    BY_CODE,
    BY_REASON,
    AuctionError,
    BidTooLow,
    BuyLimit,
    ErrorBody,
    Frozen,
    InsufficientGold,
    InsufficientGoods,
    NotFound,
    Refused,
    error_from,
)
from shardnode.wire.errors import CODES
from shardnode.wire.methods import METHODS

SAMPLE: dict[str, Any] = {
    "item": "s.i1",
    "listing": "s.l1",
    "delivery": "s.d1",
    "player": "ann",
    "category": "swords",
    "base": "harbour_cutter",
    "state": "open",
    "text": "cutter",
    "sort": "price",
    "cursor": "c",
    "key": "k",
    "amount": 5,
    "price": 5,
    "duration_s": 3600,
    "start_bid": 1,
    "buyout": 2,
    "seq": 0,
    "limit": 10,
    "gold": 5,
    "rarity": ["rare"],
    "level": {"min": 3},
    "stats": [{"stat": "damage", "min": 5}],
    "score": {"damage": 2},
    "buyout_only": True,
    "commodities": {"iron": 3},
    "with_market": True,
    "commodity": "iron",
    "side": "buy",
    "quantity": 7,
    "limit_price": 4,
    "quote": "q",
    "order": "s.o1",
    "depth": 5,
    "bucket_s": 3600,
    "to": "ben",
    "give": {"gold": 5, "items": ["s.i1"]},
    "want": {"commodities": {"iron": 3}},
    "expires_s": 600,
    "offer": "s.f1",
    "query": {"text": "cutter"},
    "watch": "s.w1",
    "what": "commodity",
    "id": "iron",
    "claims": False,
}
SAMPLES_BY_CALL: dict[str, dict[str, Any]] = {
    "search": {"price": {"max": 5}, "order": "asc"},
    "grant": {"items": [{"base": "harbour_cutter"}]},
    "take": {"items": ["s.i1"]},
}


class Recorder(Calls):
    """Notes what each call would ask."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], type, str | None]] = []

    def call(self, method: str, params: dict[str, Any], result: type, key: str | None = None) -> Any:
        """Note a call."""
        self.asked.append((method, params, result, key))

    def new_key(self) -> str:
        """Always the same."""
        return "new"


def typed_calls() -> dict[str, Any]:
    """The methods of Calls that ask the house for something."""
    return {
        name: function
        for name, function in inspect.getmembers(Calls, inspect.isfunction)
        if name not in ("call", "change", "new_key")
    }


@pytest.mark.parametrize("name", typed_calls())
@pytest.mark.parametrize("everything", [True, False], ids=["all params", "required params"])
def test_a_typed_call_is_a_request_that_the_node_takes(name: str, everything: bool) -> None:
    """Params fit the method's class, the promised result is the method's, and a key is there exactly for a mutation."""
    recorder = Recorder()
    function = getattr(recorder, name)
    wanted = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if everything or parameter.default is inspect.Parameter.empty
    ]
    samples = {**SAMPLE, **SAMPLES_BY_CALL.get(name, {})}
    function(**{parameter: samples[parameter] for parameter in wanted})
    ((method, params, result, key),) = recorder.asked
    row = METHODS[method]
    msgspec.convert(params, row.params)
    assert result is row.result
    assert (key is not None) == row.mutation
    assert params.get("key") == key
    if everything:
        assert set(row.params.__struct_fields__) == params.keys()
    (promised,) = get_args(inspect.signature(function, eval_str=True).return_annotation)
    assert promised is result
    assert inspect.signature(function, eval_str=True).return_annotation.__origin__ is Awaitable


def test_every_method_has_a_typed_call() -> None:
    """No method of the protocol is left out, but for the login, which is the session's."""
    recorder = Recorder()
    for name in typed_calls():
        function = getattr(recorder, name)
        samples = {**SAMPLE, **SAMPLES_BY_CALL.get(name, {})}
        function(**{parameter: samples[parameter] for parameter in inspect.signature(function).parameters})
    assert {method for method, *_ in recorder.asked} == METHODS.keys() - {"session.login"}


def test_every_code_has_a_family() -> None:
    """Each error of the protocol becomes the exception of its family."""
    assert set(CODES.values()) <= BY_CODE.keys()
    for reason, code in CODES.items():
        error = error_from(ErrorBody(code, "text", {"reason": reason}))
        assert type(error) is not AuctionError
        assert isinstance(error, BY_CODE[code])
        assert (error.reason, error.code) == (reason, code)


def test_reasons_with_a_class_are_refusals_of_the_rules() -> None:
    """The classes of single reasons name reasons that exist, in the family they refine."""
    assert all(issubclass(BY_CODE[CODES[reason]], Refused) for reason in BY_REASON)


def test_errors_carry_their_figures() -> None:
    """Figures are properties with a name; the text names the reason."""
    low = error_from(ErrorBody(-32003, "the bid is too low", {"reason": "bid_too_low", "min_bid": 12}))
    assert isinstance(low, BidTooLow)
    assert low.min_bid == 12
    poor = error_from(ErrorBody(-32003, "not enough", {"reason": "insufficient_gold", "available": 3}))
    assert isinstance(poor, InsufficientGold)
    assert poor.available == 3
    assert str(low) == "the bid is too low (bid_too_low)"
    full = error_from(ErrorBody(-32003, "enough", {"reason": "buy_limit", "left": 7, "retry_after_ms": 60_000}))
    assert isinstance(full, BuyLimit)
    assert (full.left, full.retry_after_ms) == (7, 60_000)
    cold = error_from(ErrorBody(-32003, "stop", {"reason": "frozen", "what": "commodity", "id": "iron"}))
    assert isinstance(cold, Frozen)
    assert cold.what == "commodity"


@pytest.mark.parametrize(("data", "available"), [({"available": 3}, 3), ({}, None)])
def test_missing_pieces_are_counted_where_the_node_says_so(data: dict[str, int], available: int | None) -> None:
    """A quote's refusal says how many the book has; others do not."""
    few = error_from(ErrorBody(-32003, "too few", {"reason": "insufficient_goods", **data}))
    assert isinstance(few, InsufficientGoods)
    assert few.available == available


def test_an_unknown_code_is_still_an_error_of_the_house() -> None:
    """A newer node's error reaches the program with all that it says."""
    error = error_from(ErrorBody(-32050, "the moon is full", {"reason": "full_moon", "phase": 4}))
    assert type(error) is AuctionError
    assert (error.reason, error.data["phase"]) == ("full_moon", 4)
    assert isinstance(error_from(ErrorBody(-32004, "gone", {"reason": "no_such_moon"})), NotFound)


def test_pages_follow_cursors_to_the_end() -> None:
    """`pages` asks for page after page with the same params until there is none."""
    asked: list[str | None] = []

    class One(msgspec.Struct):
        next: str | None

    async def listing(*, limit: int, cursor: str | None = None) -> One:
        asked.append(cursor)
        assert limit == 2
        return One({None: "a", "a": "b", "b": None}[cursor])

    async def collect() -> list[str | None]:
        return [page.next async for page in pages(listing, limit=2)]

    run = collect()
    with pytest.raises(StopIteration) as finished:
        run.send(None)
    assert finished.value.value == ["a", "b", None]
    assert asked == [None, "a", "b"]
