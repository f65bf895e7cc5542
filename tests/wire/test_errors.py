"""The error table: every reason has one code, and every fault says what to do."""

import re

import pytest

from auction.refusals import REASONS, Refusal
from shardnode.wire import errors
from shardnode.wire.methods import METHODS, Login

SAMPLES = [
    errors.ParseError("why"),
    errors.InvalidRequest("why", 5),
    errors.UnknownMethod("there is no such method"),
    errors.BadParams("items[0].level", "Expected `int`"),
    errors.Unauthenticated(),
    errors.TokenExpired(),
    errors.TokenInvalid("the token is no JWT"),
    errors.Forbidden("admin.grant", "player"),
    errors.RateLimited("too many requests", 40),
    errors.Unavailable("the node is stopping", 250),
    errors.InDoubt("key", "trade"),
    errors.Moved("ws://other/ws"),
]

PROTOCOL_CODES = {
    -32700: {"parse_error"},
    -32600: {"invalid_request"},
    -32601: {"unknown_method"},
    -32602: {"bad_params"},
    -32001: {"unauthenticated", "token_expired", "token_invalid"},
    -32002: {"forbidden"},
    -32003: {
        *("insufficient_gold", "insufficient_goods", "not_owner", "own_listing", "bound_item", "listing_limit"),
        *("bid_limit", "stash_full", "wallet_full", "bid_too_low", "outbid", "not_for_bids", "no_buyout"),
        *("listing_closed", "price_changed", "price_out_of_range", "duration_not_offered", "cancel_window_over"),
        *("has_bids", "quote_expired", "order_closed", "offer_closed", "delivery_claimed", "key_reused"),
        *("cursor_mismatch", "cursor_expired", "frozen"),
    },
    -32004: {
        *("no_such_listing", "no_such_item", "no_such_base", "no_such_commodity", "no_such_delivery"),
        *("no_such_order", "no_such_quote", "no_such_offer", "no_such_watch", "no_such_player"),
    },
    -32005: {"rate_limited"},
    -32006: {"unavailable"},
    -32007: {"in_doubt"},
    -32008: {"moved"},
}
"""The protocol's own table, written out once more."""
ADDED = {
    -32003: {
        *("order_limit", "buy_limit", "offer_limit", "inbox_full", "watch_limit", "freeze_limit", "relist_cooldown"),
        "too_new",
    },
    -32004: {"no_such_category"},
}
"""Reasons of this house beyond it."""


def test_every_reason_has_the_code_that_the_protocol_gives_it() -> None:
    """The table of codes is the protocol's, reason by reason."""
    tables = (PROTOCOL_CODES, ADDED)
    expected = {reason: code for table in tables for code, reasons in table.items() for reason in reasons}
    assert expected == errors.CODES


def test_there_is_a_fault_for_every_reason_of_faults() -> None:
    """Each row of the fault table has its class, and no class is without a row."""
    assert [fault.reason for fault in SAMPLES] == list(errors.FAULTS)


@pytest.mark.parametrize("fault", SAMPLES, ids=lambda fault: fault.reason)
def test_a_fault_becomes_an_error_object(fault: errors.ClientFault) -> None:
    """The error has the reason's code, a message, and the reason among its data."""
    error = fault.error()
    assert error.code == errors.CODES[fault.reason]
    assert error.message == str(fault)
    assert error.data["reason"] == fault.reason


def test_faults_carry_their_figures() -> None:
    """What a program acts on stands in data, under the protocol's names."""
    data = {fault.reason: fault.error().data for fault in SAMPLES}
    assert data["bad_params"]["path"] == "items[0].level"
    assert data["rate_limited"]["retry_after_ms"] == 40
    assert data["unavailable"]["retry_after_ms"] == 250
    assert (data["in_doubt"]["key"], data["in_doubt"]["trade"]) == ("key", "trade")
    assert data["moved"]["url"] == "ws://other/ws"


def test_a_refusal_becomes_an_error_object_with_its_figures() -> None:
    """A rule's "no" is told with the rule's text and figures."""
    error = errors.refusal_error(Refusal("bid_too_low", {"min_bid": 12}))
    assert (error.code, error.message) == (-32003, REASONS["bid_too_low"])
    assert error.data == {"reason": "bid_too_low", "min_bid": 12}


@pytest.mark.parametrize("reason", REASONS)
def test_every_refusal_can_be_told(reason: str) -> None:
    """No refusal of the rules is without a code."""
    assert errors.refusal_error(Refusal(reason)).code in {-32003, -32004, -32005}


def test_reasons_are_words_for_programs() -> None:
    """Reasons are lower-case words, so that a program may use them as names."""
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", reason) for reason in errors.CODES)


def test_methods_give_reasons_that_exist() -> None:
    """What the method table says a method may answer is a reason of the rules, or of the faults."""
    for method in METHODS.values():
        assert set(method.refusals) <= set(REASONS)
        assert set(method.faults) <= set(errors.FAULTS)
        assert method.mutation == ("key_reused" in method.refusals)
        assert ("unauthenticated" in method.faults) == (method.params is not Login)
