"""The types of the TypeScript client, made of the OpenAPI document: `python -m tools.typescript` writes them."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from procession.web.app import described

FILE: Final = Path(__file__).resolve().parent.parent / "clients" / "typescript" / "src" / "generated.ts"
NOTE: Final = (
    "// Made from the OpenAPI document by `python -m tools.typescript`; do not edit it here.\n\n"
    "/** A value as JSON has it. Numbers are those of JavaScript: what needs more digits travels as a text. */\n"
    "export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };\n"
)
_PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def generated() -> str:
    """The text of the file."""
    document: dict[str, Any] = json.loads(described())
    schemas: dict[str, Any] = document["components"]["schemas"]
    parts = [NOTE]
    parts += [_declared(name, schemas[name]) for name in sorted(schemas)]
    parts.append(_operations(document["paths"]))
    return "\n".join(parts)


def _declared(name: str, schema: Mapping[str, Any]) -> str:
    about = _comment(str(schema.get("description", "")))
    if schema.get("type") == "object" and "properties" in schema:
        return f"{about}export interface {_named(name)} {_object(schema)}\n"
    return f"{about}export type {_named(name)} = {_type(schema)};\n"


def _object(schema: Mapping[str, Any], indent: str = "") -> str:
    required = set(schema.get("required", ()))
    lines: list[str] = []
    for name, field in schema["properties"].items():
        lines += [f"{indent}  {line}" for line in _comment(str(field.get("description", ""))).splitlines()]
        mark = "" if name in required else "?"
        lines.append(f"{indent}  {_key(name)}{mark}: {_type(field, indent + '  ')};")
    return "{\n" + "\n".join(lines) + f"\n{indent}}}" if lines else "Record<string, never>"


def _type(schema: Mapping[str, Any], indent: str = "") -> str:
    """The type of a schema."""
    if "$ref" in schema:
        return _named(str(schema["$ref"]).rpartition("/")[2])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_type(each, indent) for each in schema[word]))
    if "allOf" in schema:
        return " & ".join(_type(each, indent) for each in schema["allOf"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": each}, indent) for each in kind)
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_type(each, indent) for each in schema['prefixItems'])}]"
        inner = _type(schema.get("items") or {}, indent)
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if kind == "object":
        if schema.get("properties"):
            return _object(schema, indent)
        more = schema.get("additionalProperties")
        return f"Record<string, {_type(more, indent) if isinstance(more, dict) else 'Json'}>"
    return _PLAIN.get(str(kind), "Json")


def _operations(paths: Mapping[str, Any]) -> str:
    """Every operation by its id: where it is, and what it takes and answers."""
    places: list[str] = []
    types: list[str] = []
    found = [
        (operation["operationId"], path, method, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    for name, path, method, operation in sorted(found, key=lambda each: each[0]):
        about = _comment(str(operation.get("summary", "")))
        places.append(f'  {name}: {{ method: "{method.upper()}", path: "{path}" }},')
        types += [f"  {line}" for line in about.splitlines()]
        types.append(f"  {name}: {{")
        types += [f"    {line}" for line in _parts(operation)]
        types.append("  };")
    table = "/** Where each operation is. */\nexport const operations = {\n" + "\n".join(places) + "\n} as const;\n"
    shapes = (
        "/** What each operation takes and answers. */\nexport interface Operations {\n" + "\n".join(types) + "\n}\n"
    )
    return f"{table}\n{shapes}"


def _parts(operation: Mapping[str, Any]) -> Iterable[str]:
    named = [each for each in operation.get("parameters", ()) if "name" in each]
    for place in ("path", "query"):
        here = [each for each in named if each["in"] == place]
        fields = [f"{_key(each['name'])}{_mark(each)}: {_type(each['schema'])}" for each in here]
        if fields:
            # What has no field that must be given may be left out as a whole.
            mark = "" if any(each.get("required") for each in here) else "?"
            yield f"{place}{mark}: {{ {'; '.join(fields)} }};"
    body = operation.get("requestBody", {})
    content = body.get("content", {}).get("application/json")
    if content is not None:
        yield f"body{'' if body.get('required') else '?'}: {_type(content.get('schema') or {}, '    ')};"
    yield f"answer: {' | '.join(dict.fromkeys(_answers(operation))) or 'void'};"


def _mark(parameter: Mapping[str, Any]) -> str:
    return "" if parameter.get("required") else "?"


def _answers(operation: Mapping[str, Any]) -> Iterable[str]:
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        content = response.get("content", {})
        if not content:
            yield "void"
        for media, each in content.items():
            yield _type(each.get("schema") or {}, "    ") if media == "application/json" else "string"


def _comment(text: str) -> str:
    if not text:
        return ""
    lines = textwrap.wrap(" ".join(text.split()).replace("*/", "* /"), 112)
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}\n" for line in lines) + " */\n"


def _named(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name)


if __name__ == "__main__":
    FILE.write_text(generated(), encoding="utf-8")
    print(f"wrote {FILE}")
