"""The table of component types: the properties of each, their kinds, which may be FEEL, and what its value is.

The reader, the JSON Schema, the linter and the renderer look things up here. What must not live here: what is checked
beyond a property's type.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

Kind: TypeAlias = Literal[
    "text", "template", "feel", "boolean", "integer", "number", "path", "options", "columns", "components", "object",
    "any",
]  # fmt: skip
ValueKind: TypeAlias = Literal["", "text", "number", "boolean", "moment", "choice", "choices", "any", "files", "rows"]
"""What a component gives to the data; nothing for one that only shows."""


@final
class Property(msgspec.Struct, frozen=True, gc=False):
    """One property. `feel` tells that a text beginning with `=` may stand instead; `words` are all that it may be."""

    kind: Kind
    feel: bool = False
    required: bool = False
    words: tuple[str | int, ...] = ()
    inside: str = ""
    """The name of the table in `OBJECTS` that an object's own properties stand in."""


@final
class ComponentType(msgspec.Struct, frozen=True, gc=False):
    """A type of component. `value` is what it gives; `has_path` tells of containers that scope names."""

    properties: dict[str, Property]
    value: ValueKind = ""
    container: bool = False
    has_path: bool = False
    labelled: bool = False


def _p(kind: Kind, *, feel: bool = False, required: bool = False, words: tuple[str | int, ...] = ()) -> Property:
    return Property(kind, feel, required, words)


_TEMPLATE: Final = Property("template")
_BOOLEAN: Final = Property("boolean")
_COMMON: Final[dict[str, Property]] = {
    "type": _p("text", required=True),
    "id": _p("text"),
    "conditional": Property("object", inside="conditional"),
    "layout": Property("object", inside="layout"),
    "properties": _p("object"),
}
_SHOWN: Final = {**_COMMON, "label": _TEMPLATE}
_FIELD: Final[dict[str, Property]] = {
    **_COMMON,
    "key": _p("path", required=True),
    "label": _TEMPLATE,
    "description": _TEMPLATE,
    "disabled": _p("boolean", feel=True),
    "readonly": _p("boolean", feel=True),
    "validate": Property("object", inside="validate"),
}
_ADORNED: Final = {**_FIELD, "appearance": Property("object", inside="appearance")}
_CHOICE: Final[dict[str, Property]] = {
    **_FIELD,
    "values": _p("options"),
    "valuesKey": _p("path"),
    "valuesExpression": _p("feel"),
    "defaultValue": _p("any"),
}
_GROUP: Final[dict[str, Property]] = {
    **_SHOWN,
    "components": _p("components", required=True),
    "path": _p("path"),
    "showOutline": _BOOLEAN,
    "verticalAlignment": _p("text", words=("start", "center", "end")),
}

OBJECTS: Final[dict[str, dict[str, Property]]] = {
    "conditional": {"hide": _p("feel")},
    "layout": {"row": _p("text"), "columns": _p("integer", words=(*range(1, 17),))},
    "appearance": {"prefixAdorner": _TEMPLATE, "suffixAdorner": _TEMPLATE},
    "validate": {
        "required": _BOOLEAN,
        "validationType": _p("text", words=("", "email", "phone", "custom")),
        "pattern": _p("text"),
        "patternErrorMessage": _TEMPLATE,
        "minLength": _p("integer", feel=True),
        "maxLength": _p("integer", feel=True),
        "min": _p("number", feel=True),
        "max": _p("number", feel=True),
    },
    "security": {
        "allowScripts": _BOOLEAN,
        "allowSameOrigin": _BOOLEAN,
        "allowForms": _BOOLEAN,
        "allowModals": _BOOLEAN,
        "allowPopups": _BOOLEAN,
        "allowTopNavigation": _BOOLEAN,
    },
}
"""The objects that stand inside of components."""

COMPONENTS: Final[dict[str, ComponentType]] = {
    "textfield": ComponentType({**_ADORNED, "defaultValue": _p("text")}, "text", labelled=True),
    "textarea": ComponentType({**_ADORNED, "defaultValue": _p("text")}, "text", labelled=True),
    "number": ComponentType(
        {
            **_ADORNED,
            "defaultValue": _p("any"),
            "decimalDigits": _p("integer"),
            "increment": _p("any"),
            "serializeToString": _BOOLEAN,
        },
        "number",
        labelled=True,
    ),
    "datetime": ComponentType(
        {
            **_FIELD,
            "subtype": _p("text", required=True, words=("date", "time", "datetime")),
            "dateLabel": _TEMPLATE,
            "timeLabel": _TEMPLATE,
            "timeSerializingFormat": _p("text", words=("utc_offset", "utc_normalized", "no_timezone")),
            "timeInterval": _p("integer", words=(1, 5, 10, 15, 30, 60)),
            "use24h": _BOOLEAN,
            "disallowPassedDates": _BOOLEAN,
            "defaultValue": _p("text"),
        },
        "moment",
        labelled=True,
    ),
    "checkbox": ComponentType({**_FIELD, "defaultValue": _BOOLEAN}, "boolean", labelled=True),
    "radio": ComponentType(_CHOICE, "choice", labelled=True),
    "select": ComponentType({**_CHOICE, "searchable": _BOOLEAN}, "choice", labelled=True),
    "checklist": ComponentType(_CHOICE, "choices", labelled=True),
    "taglist": ComponentType(_CHOICE, "choices", labelled=True),
    "filepicker": ComponentType(
        {**_FIELD, "accept": _p("text", feel=True), "multiple": _p("boolean", feel=True)}, "files", labelled=True
    ),
    "expression": ComponentType(
        {
            **_COMMON,
            "key": _p("path", required=True),
            "expression": _p("feel", required=True),
            "computeOn": _p("text", required=True, words=("change", "presubmit")),
        },
        "any",
    ),
    "text": ComponentType({**_SHOWN, "text": _TEMPLATE}),
    "html": ComponentType({**_SHOWN, "content": _TEMPLATE}),
    "image": ComponentType({**_SHOWN, "source": _TEMPLATE, "alt": _TEMPLATE}),
    "button": ComponentType(
        {**_SHOWN, "action": _p("text", words=("submit", "reset")), "disabled": _p("boolean", feel=True)},
        labelled=True,
    ),
    "spacer": ComponentType({**_COMMON, "height": _p("integer")}),
    "separator": ComponentType(_COMMON),
    "iframe": ComponentType(
        {**_SHOWN, "url": _TEMPLATE, "height": _p("integer"), "security": Property("object", inside="security")},
        labelled=True,
    ),
    "table": ComponentType(
        {
            **_SHOWN,
            "dataSource": _p("text", required=True),
            "rowCount": _p("integer"),
            "columns": _p("columns"),
            "columnsExpression": _p("feel"),
        },
        labelled=True,
    ),
    "documentPreview": ComponentType(
        {**_SHOWN, "dataSource": _p("text", required=True), "maxHeight": _p("integer"), "title": _TEMPLATE}
    ),
    "group": ComponentType(_GROUP, container=True, has_path=True),
    "dynamiclist": ComponentType(
        {
            **_GROUP,
            "path": _p("path", required=True),
            "isRepeating": _BOOLEAN,
            "allowAddRemove": _BOOLEAN,
            "defaultRepetitions": _p("integer"),
            "disableCollapse": _BOOLEAN,
            "nonCollapsedItems": _p("integer"),
        },
        "rows",
        container=True,
        has_path=True,
    ),
    "multipage": ComponentType(
        {**_COMMON, "components": _p("components", required=True), "showSubmit": _BOOLEAN}, container=True
    ),
    "page": ComponentType(
        {
            **_SHOWN,
            "components": _p("components", required=True),
            "nextLabel": _TEMPLATE,
            "backLabel": _TEMPLATE,
            "submitLabel": _TEMPLATE,
        },
        container=True,
    ),
}
"""Type -> what it is: the 22 of form-js, and the pages that its change request 1557 describes."""

ROOT: Final[dict[str, Property]] = {
    "type": _p("text", required=True, words=("default",)),
    "components": _p("components", required=True),
    "id": _p("text"),
    "schemaVersion": _p("integer", words=(*range(1, 20),)),
    "executionPlatform": _p("text"),
    "executionPlatformVersion": _p("text"),
    "versionTag": _p("text"),
    "exporter": _p("object"),
    "properties": _p("object"),
    "showSubmit": _BOOLEAN,
}
"""The properties of the form itself."""

OPTION: Final[dict[str, Property]] = {"label": _TEMPLATE, "value": _p("any", required=True)}
COLUMN: Final[dict[str, Property]] = {"label": _TEMPLATE, "key": _p("text", required=True)}
KEY: Final = r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*"
"""What a key or path is: names with dots between them."""
