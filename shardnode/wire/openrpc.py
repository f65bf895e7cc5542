"""The protocol as an OpenRPC document, made from the method table and the types themselves.

OpenRPC (https://spec.open-rpc.org) describes methods only. What else a client's developer needs (pushes, events, close
codes) stands in `x-` members, which the specification leaves to us.
"""

from typing import Any

import msgspec

from auction.refusals import REASONS
from auction.state import Notice
from shardnode.wire.errors import CODES, FAULTS
from shardnode.wire.events import EVENTS, WATCHED, Hello
from shardnode.wire.methods import METHODS, Method
from shardnode.wire.transport import (
    BATCH_MAX,
    MESSAGE_BYTES_MAX,
    PROTOCOL,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    WEBSOCKET_PATH,
    CloseCode,
)

OPENRPC_VERSION = "1.3.2"
PROTOCOL_VERSION = "1.0.0"

CODE_MESSAGES = {
    -32700: "the message does not parse",
    -32600: "not a JSON-RPC request",
    -32601: "no such method",
    -32602: "a param is wrong",
    -32001: "not logged in",
    -32002: "the role may not",
    -32003: "refused by a rule",
    -32004: "no such thing",
    -32005: "too many requests",
    -32006: "nothing was done, for certain",
    -32007: "it may have been done",
    -32008: "another node is at home here",
}

Json = dict[str, Any]


def openrpc_document() -> Json:
    """The whole document, ready to be encoded as JSON."""
    types: list[Any] = [Hello, Notice, *EVENTS.values(), *WATCHED]
    for method in METHODS.values():
        types += [method.params, method.result]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    names = {kind: schema["$ref"].rsplit("/", 1)[1] for kind, schema in zip(types, schemas, strict=True)}
    _speak_ecma(components)
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": PROTOCOL,
            "version": PROTOCOL_VERSION,
            "description": "JSON-RPC 2.0 over WebSockets between a game client and any node of an auction house.",
            "license": {"name": "MIT"},
        },
        "methods": [_method(method, components[names[method.params]], names) for method in METHODS.values()],
        "components": {"schemas": components},
        "x-transport": {
            "path": WEBSOCKET_PATH,
            "subprotocols": [SUBPROTOCOL_MSGPACK, SUBPROTOCOL_JSON],
            "max_message_bytes": MESSAGE_BYTES_MAX,
            "max_batch": BATCH_MAX,
        },
        "x-pushes": {
            "hello": _ref(names[Hello]),
            "event": _ref(names[Notice]),
            "watch": {"anyOf": [_ref(names[matched]) for matched in WATCHED]},
        },
        "x-events": {name: _ref(names[data]) for name, data in EVENTS.items()},
        "x-close-codes": {str(int(code)): code.meaning for code in CloseCode},
        "x-reasons": {reason: {"code": code, "meaning": _meaning(reason)} for reason, code in CODES.items()},
    }


def _method(method: Method, params: Json, names: dict[Any, str]) -> Json:
    required = params.get("required", [])
    return {
        "name": method.name,
        "summary": method.summary,
        "tags": [{"name": method.name.split(".")[0]}],
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in required, "schema": schema}
            for name, schema in params["properties"].items()
        ],
        "result": {"name": names[method.result], "schema": _ref(names[method.result])},
        "errors": _errors(method),
        "x-mutation": method.mutation,
        "x-roles": list(method.roles),
    }


def _errors(method: Method) -> list[Json]:
    """One error a code, as OpenRPC wants them, with the reasons behind it."""
    by_code: dict[int, Json] = {}
    for reason in ("bad_params", *method.faults, *method.refusals):
        by_code.setdefault(CODES[reason], {})[reason] = _meaning(reason)
    return [
        {"code": code, "message": CODE_MESSAGES[code], "data": {"reasons": reasons}}
        for code, reasons in by_code.items()
    ]


def _meaning(reason: str) -> str:
    return FAULTS[reason][1] if reason in FAULTS else REASONS[reason]


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _speak_ecma(schema: Any) -> None:
    """Write regular expressions as JSON Schema wants them: Python's end of text is `$` in ECMA-262."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            schema["pattern"] = schema["pattern"].replace("\\Z", "$")
        for part in schema.values():
            _speak_ecma(part)
    elif isinstance(schema, list):
        for part in schema:
            _speak_ecma(part)
