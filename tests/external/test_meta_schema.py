"""The OpenRPC document under the specification's own meta-schema."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shardnode.wire.openrpc import openrpc_document

pytestmark = pytest.mark.external


def errors(workshop: Path, document: dict[str, Any]) -> list[Any]:
    """What the meta-schema has against a document."""
    file = workshop / "document.json"
    file.write_bytes(msgspec.json.encode(document))
    command = ["node", "validate.js", file.name]
    done = subprocess.run(command, cwd=workshop, capture_output=True, text=True, check=True, timeout=60)
    found: list[Any] = json.loads(done.stdout)
    return found


def test_the_document_is_valid(workshop: Path) -> None:
    """It is an OpenRPC document by the letter."""
    assert errors(workshop, openrpc_document()) == []


def test_an_invalid_one_is_found(workshop: Path) -> None:
    """The check can fail: a method without its params is none."""
    document = openrpc_document()
    del document["methods"][0]["params"]
    assert errors(workshop, document)
