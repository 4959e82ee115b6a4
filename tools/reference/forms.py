"""Forms: the types of components with their properties, the extensions, the kinds of fields, and the messages."""

from __future__ import annotations

from tools.reference.text import code, table

from procession.forms.components import COMPONENTS, OBJECTS, OPTION, ROOT, Property
from procession.forms.extensions import EXTENSIONS, KINDS, PREFIX
from procession.forms.languages import BUILT_IN, messages
from procession.forms.reading import SCHEMA_VERSION


def page() -> str:
    """The whole page."""
    parts = [
        f"Forms are read in the schema of form-js, `schemaVersion` 1 to {SCHEMA_VERSION}; [Forms](../forms.md) says"
        " what they mean. A property that may be FEEL is a text that begins with `=` then. The same tables make the"
        " JSON Schema that is shipped as `procession/forms/form.schema.json`.",
        "## The form",
        _properties(ROOT),
    ]
    common = set.intersection(*(set(each.properties) for each in COMPONENTS.values()))
    parts += [
        "## Every component",
        _properties({name: COMPONENTS["spacer"].properties[name] for name in sorted(common)}),
    ]
    for name, row in COMPONENTS.items():
        own = {key: each for key, each in row.properties.items() if key not in common}
        gives = f"Its value is of kind {code(row.value)}." if row.value else "It gives no value."
        parts += [f"## {name}", gives, _properties(own) if own else "It has no properties of its own."]
    for name, inside in OBJECTS.items():
        parts += [f"## {name} (object)", _properties(inside)]
    parts += ["## Options", _properties(OPTION), "## Extensions", _extensions(), "## Kinds of fields", _kinds()]
    parts += ["## Messages", _messages()]
    return "\n\n".join(parts)


def _properties(rows: dict[str, Property]) -> str:
    cells = [
        (
            code(name),
            row.kind,
            "yes" if row.feel or row.kind == "feel" else "",
            "yes" if row.required else "",
            _words(row),
        )
        for name, row in rows.items()
    ]
    return table(("property", "kind", "FEEL", "required", "one of"), cells)


def _words(row: Property) -> str:
    if row.inside:
        return f"see `{row.inside}`"
    return ", ".join(code(str(each)) if each != "" else "empty" for each in row.words)


def _extensions() -> str:
    rows = [
        (code(PREFIX + name), row.type, row.says, ", ".join(sorted(row.on)) if len(row.on) < 9 else "most")
        for name, row in sorted(EXTENSIONS.items())
    ]
    return "They stand under `properties`, also as texts of JSON.\n\n" + table(
        ("name", "type", "what it does", "on"), rows
    )


def _kinds() -> str:
    return table(("kind", "of"), [(code(name), ", ".join(sorted(on))) for name, on in KINDS.items()])


def _messages() -> str:
    rows = [(code(name), text if isinstance(text, str) else text["other"]) for name, text in messages("en").items()]
    known = ", ".join(code(each) for each in BUILT_IN)
    return f"In {known}; a text of the plural is shown.\n\n" + table(("rule", "message"), rows)
