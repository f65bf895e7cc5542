"""A catalog's identity: the hash of what it says."""

import hashlib

import msgspec

from worlddata.types import Catalog, Rules

HASH_DIGITS = 32
RULES_DIGITS = 8


def content_hash(catalog: Catalog) -> str:
    """Return the first 32 hex digits of the SHA-256 of the catalog's canonical JSON.

    Canonical means: ``hash`` is "", keys are sorted, no white space, UTF-8 unescaped. Everything in a catalog is an
    integer, a string, a list or an object, so any language's JSON library gives the same bytes.
    """
    return _digest(msgspec.structs.replace(catalog, hash=""))[:HASH_DIGITS]


def with_hash(catalog: Catalog) -> Catalog:
    """Return the catalog with its own content hash in it."""
    return msgspec.structs.replace(catalog, hash=content_hash(catalog))


def with_rules(catalog: Catalog, rules: Rules) -> Catalog:
    """Return the catalog with other rules, under a version and a hash of its own; unchanged when the rules are."""
    if rules == catalog.rules:
        return catalog
    sources_version = catalog.version.partition("+")[0]
    version = f"{sources_version}+rules.{_digest(rules)[:RULES_DIGITS]}"
    return with_hash(msgspec.structs.replace(catalog, version=version, rules=rules))


def _digest(content: Catalog | Rules) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
