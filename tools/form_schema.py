"""The JSON Schema of forms, from the tables that the reader uses: `python -m tools.form_schema` writes it anew.

It is ours, made from our tables; editors that are given it complete and check forms as they are typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from procession.forms.components import COLUMN, COMPONENTS, KEY, OBJECTS, OPTION, ROOT, Property
from procession.forms.extensions import EXTENSIONS, KINDS, PREFIX

FILE: Final = Path(__file__).parents[1] / "src" / "procession" / "forms" / "form.schema.json"
ID: Final = "https://procession.dev/schema/form.schema.json"

Schema: TypeAlias = "dict[str, Any]"
_FEEL: Final[Schema] = {"type": "string", "pattern": "^="}
_KINDS: Final[dict[str, Schema]] = {
    "text": {"type": "string"},
    "template": {"type": "string"},
    "feel": _FEEL,
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": 0},
    "number": {"type": "number"},
    "path": {"type": "string", "pattern": f"^{KEY}$"},
    "options": {"type": "array", "items": {"$ref": "#/$defs/option"}},
    "columns": {"type": "array", "items": {"$ref": "#/$defs/column"}},
    "components": {"type": "array", "items": {"$ref": "#/$defs/component"}},
    "object": {"type": "object"},
    "any": {},
}
_EMPTY: Final[dict[str, list[str | None]]] = {
    "text": [None],
    "template": [None],
    "feel": [""],
    "path": [""],
    "integer": ["", None],
    "number": ["", None],
}
"""What stands for nothing where a property may be left out."""
_JSON_TEXT: Final[Schema] = {"type": "string", "pattern": r"^\s*[\[{]", "contentMediaType": "application/json"}
_EXTENSIONS: Final[dict[str, Schema]] = {
    "text": {"type": "string", "minLength": 1},
    "kind": {"type": "string", "minLength": 1, "examples": list(KINDS)},
    "boolean": {"enum": [True, False, "true", "false"]},
    "integer": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[1-9][0-9]*$"}]},
    "size": {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "maxLength": 20, "pattern": r"^\s*0*[1-9][0-9]* *([KMGkmg]?[Bb])?\s*$"},
        ]
    },
    "feel": _FEEL,
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "translations": {
        "anyOf": [
            {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}}},
            _JSON_TEXT,
        ]
    },
    "rules": {"anyOf": [{"type": "array", "items": {"type": "object"}}, _JSON_TEXT]},
}


def document() -> Schema:
    """The whole schema."""
    types = sorted(COMPONENTS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "A form",
        "description": "The schema of form-js with the extensions of Procession. Unknown properties are kept.",
        **_object(ROOT),
        "$defs": {
            "component": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": types}},
                "allOf": [
                    {"if": {"properties": {"type": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}}
                    for name in types
                ],
            },
            "extensions": _extensions(),
            "option": _object(OPTION),
            "column": _object(COLUMN),
            **{f"of-{name}": _object(table) for name, table in OBJECTS.items()},
            **{name: _object(COMPONENTS[name].properties) for name in types},
        },
    }


def text() -> str:
    """The file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _object(table: Mapping[str, Property]) -> Schema:
    properties = {name: _property(row) for name, row in table.items()}
    if "properties" in properties:
        properties["properties"] = {"$ref": "#/$defs/extensions"}
    required = [name for name, row in table.items() if row.required]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _extensions() -> Schema:
    """The extensions. One that has no effect at a component is no error there, so they are the same for all."""
    rows = {
        PREFIX + name: {"description": row.says, **_EXTENSIONS[row.type]} for name, row in sorted(EXTENSIONS.items())
    }
    return {"type": "object", "properties": rows}


def _property(row: Property) -> Schema:
    if row.inside:
        return {"$ref": f"#/$defs/of-{row.inside}"}
    schema: Schema = {"enum": list(row.words)} if row.words else dict(_KINDS[row.kind])
    others: list[Schema] = []
    if row.feel:
        others.append(_FEEL)
    if not row.required and not row.words and row.kind in _EMPTY:
        others.append({"enum": _EMPTY[row.kind]})
    return {"anyOf": [schema, *others]} if others else schema


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
