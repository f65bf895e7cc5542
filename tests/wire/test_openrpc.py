"""The OpenRPC document is well formed, and says what the code's tables say."""

import json
import re
from typing import Any

import msgspec
import pytest

from shardnode.wire.errors import CODES
from shardnode.wire.events import EVENTS
from shardnode.wire.methods import METHODS
from shardnode.wire.openrpc import openrpc_document
from shardnode.wire.transport import CloseCode

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(openrpc_document()))
BY_NAME: dict[str, dict[str, Any]] = {method["name"]: method for method in DOCUMENT["methods"]}


def references(part: object) -> list[str]:
    """Every `$ref` in a part of the document."""
    if isinstance(part, dict):
        found = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return found + [reference for value in part.values() for reference in references(value)]
    if isinstance(part, list):
        return [reference for value in part for reference in references(value)]
    return []


def test_the_document_has_the_shape_of_openrpc_1() -> None:
    """Members of the root, of methods, params, results and errors are those that the specification names."""
    assert re.fullmatch(r"1\.\d+\.\d+", DOCUMENT["openrpc"])
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    members = {"openrpc", "info", "servers", "methods", "components", "externalDocs"}
    assert {name for name in DOCUMENT if not name.startswith("x-")} <= members
    for method in DOCUMENT["methods"]:
        assert {"name", "params", "result", "errors", "summary", "paramStructure"} <= method.keys()
        assert method["paramStructure"] == "by-name"
        names = [param["name"] for param in method["params"]]
        assert len(set(names)) == len(names)
        assert all({"name", "schema", "required"} == param.keys() for param in method["params"])
        assert {"name", "schema"} == method["result"].keys()
        codes = [error["code"] for error in method["errors"]]
        assert len(set(codes)) == len(codes)
        assert all({"code", "message", "data"} == error.keys() for error in method["errors"])


def test_the_document_has_every_method_and_no_other() -> None:
    """Methods of the table and of the document are the same, in the same order."""
    assert list(BY_NAME) == list(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_params_and_result_of_its_classes(name: str) -> None:
    """Params are the fields of the command, required where they have no default; the result has the result's fields."""
    method, described = METHODS[name], BY_NAME[name]
    fields = msgspec.structs.fields(method.params)
    assert {param["name"]: param["required"] for param in described["params"]} == {
        field.encode_name: field.required for field in fields
    }
    schema = DOCUMENT["components"]["schemas"][described["result"]["schema"]["$ref"].rsplit("/", 1)[1]]
    assert list(schema["properties"]) == list(method.result.__struct_encode_fields__)
    assert described["x-roles"] == list(method.roles)
    assert described["x-mutation"] == method.mutation


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_errors_of_the_table(name: str) -> None:
    """Each reason stands under its own code."""
    method = METHODS[name]
    told = {reason: error["code"] for error in BY_NAME[name]["errors"] for reason in error["data"]["reasons"]}
    assert told == {reason: CODES[reason] for reason in ("bad_params", *method.faults, *method.refusals)}


def test_every_reference_leads_somewhere() -> None:
    """All schemas that are referred to are there, and none is there for nothing."""
    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    found = references(DOCUMENT)
    assert set(found) <= schemas
    params = {f"#/components/schemas/{method.params.__name__}" for method in METHODS.values()}
    assert schemas - params == set(found) - params


def test_patterns_are_those_of_json_schema() -> None:
    """No pattern ends the way that only Python reads."""
    text = json.dumps(DOCUMENT)
    assert '"pattern"' in text
    assert "\\\\Z" not in text


def test_pushes_events_reasons_and_close_codes_are_there() -> None:
    """What OpenRPC has no place for stands in members of our own."""
    assert DOCUMENT["x-pushes"].keys() == {"hello", "event", "watch"}
    assert list(DOCUMENT["x-events"]) == list(EVENTS)
    assert {reason: entry["code"] for reason, entry in DOCUMENT["x-reasons"].items()} == CODES
    assert {int(code) for code in DOCUMENT["x-close-codes"]} == set(CloseCode)
