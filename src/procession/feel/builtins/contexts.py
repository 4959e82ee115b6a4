"""Context built-ins (DMN 1.5, 10.3.4.10). A context is never changed: each function gives a new one."""

from __future__ import annotations

from typing import Final

from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.runtime import Runtime
from procession.feel.values import is_context, is_list, shown

Context = dict[str, object]


def get_value(rt: Runtime, context: Context | None, key: object) -> object:
    """`get value`; null for a key that is not there. A list of keys goes into nested contexts (Camunda)."""
    del rt
    if isinstance(key, str):
        return None if context is None else context.get(key)
    if not is_list(key):
        raise DomainError(f"the key must be a string, not {shown(key)}", "type")
    value: object = context
    for step in key:
        if not isinstance(step, str) or not is_context(value):
            return None
        value = value.get(step)
    return value


def get_entries(rt: Runtime, context: Context) -> list[Context]:
    """`get entries`: a list of contexts of `key` and `value`."""
    rt.charge(len(context))
    return [{"key": key, "value": value} for key, value in context.items()]


def from_entries(rt: Runtime, entries: list[object]) -> Context:
    """`context`: from entries of `key` and `value`, each key once."""
    rt.charge(len(entries))
    result: Context = {}
    for entry in entries:
        if not is_context(entry) or "value" not in entry or not isinstance(entry.get("key"), str):
            raise DomainError("every entry must be a context with a string `key` and a `value`", "type")
        key = str(entry["key"])
        if key in result:
            raise DomainError(f"the key `{key}` appears twice")
        result[key] = entry["value"]
    return result


def put(rt: Runtime, context: Context | None, key: str, value: object) -> Context:
    """`context put` with one key."""
    rt.charge(len(context or {}) + 1)
    return {**(context or {}), key: value}


def put_nested(rt: Runtime, context: Context | None, keys: list[object], value: object) -> Context:
    """`context put` with the keys of nested contexts."""
    if not keys:
        raise DomainError("there must be at least one key")
    first = keys[0]
    if not isinstance(first, str):
        raise DomainError(f"a key must be a string, not {shown(first)}", "type")
    if len(keys) == 1:
        return put(rt, context, first, value)
    inner = (context or {}).get(first)
    if inner is not None and not is_context(inner):
        raise DomainError(f"`{first}` is {shown(inner)}, not a context", "type")
    return put(rt, context, first, put_nested(rt, inner, keys[1:], value))


def merge(rt: Runtime, contexts: list[object]) -> Context:
    """`context merge`: later entries win."""
    result: Context = {}
    for context in contexts:
        if not is_context(context):
            raise DomainError(f"every item must be a context, not {shown(context)}", "type")
        rt.charge(len(context))
        result.update(context)
    return result


CONTEXTS: Final = declare({
    "get value": [("m: context, key: string", get_value)],
    "get entries": [("m: context", get_entries)],
    "context": [("entries: list", from_entries)],
    "context put": [
        ("context: context, key: string, value: any", put),
        ("context: context, keys: list, value: any", put_nested),
    ],
    "context merge": [("contexts: list", merge)],
}, frozenset({"get value", "get entries", "context", "context put", "context merge"}))  # fmt: skip
