"""Bytes to a form: hardened against documents that are made to harm, with the place of everything that is wrong.

A form is read when its shape is right; what its properties mean together is checked by `lint.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, final

from procession.base.diagnostics import Diagnostic
from procession.base.values import Json
from procession.forms.components import COMPONENTS, KEY, ROOT
from procession.forms.findings import Findings
from procession.forms.schema import Component, Form
from procession.forms.shape import check_extensions, check_properties, known
from procession.parse.json_lines import JsonError, Places, read_json

FORM_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest form, in bytes."""
COMPONENTS_MAX: Final = 2_000
"""Most components of a form."""
DEPTH_MAX: Final = 32
"""Deepest nesting of components."""
OPTIONS_MAX: Final = 5_000
"""Most options that stand in one component; more come from data."""
TEXT_MAX: Final = 100_000
"""Longest text of a form, in characters, but for an image in itself."""
SCHEMA_VERSION: Final = 19
"""The newest version of the schema that is known."""
_KEY: Final = re.compile(KEY)


def read_form(data: bytes, file: str = "") -> tuple[Form | None, list[Diagnostic]]:
    """The form in a JSON document, and what is wrong with its shape. None where it cannot be taken."""
    places: Places = {}
    found = Findings(file, places)
    raw = _parsed(data, found, places)
    if raw is None:
        return None, found.all()
    _check_root(found, raw)
    reader = _Reader(found)
    given = raw.get("components")
    components = reader.components(given, "/components", 1) if isinstance(given, list) else ()
    if found.wrong:
        return None, found.all()
    version = raw.get("schemaVersion")
    form = Form(
        _text(raw, "id"),
        _text(raw, "versionTag"),
        version if isinstance(version, int) else SCHEMA_VERSION,
        components,
        raw,
        data,
        file,
        places,
    )
    return form, found.all()


def looks_like_form(data: bytes) -> bool:
    """Whether a JSON document says of itself that it is a form, though it may be one that is refused."""
    if len(data) > FORM_BYTES_MAX or b'"components"' not in data or b'"default"' not in data:
        return False
    try:
        value, _ = read_json(data.decode("utf-8-sig"))
    except (JsonError, UnicodeDecodeError):
        return False
    return isinstance(value, dict) and value.get("type") == "default" and "components" in value


def _parsed(data: bytes, found: Findings, places: Places) -> dict[str, Json] | None:
    if len(data) > FORM_BYTES_MAX:
        text = f"the form is {len(data)} bytes; the limit is {FORM_BYTES_MAX}"
        found.report("form-size", "", text, "name images by their address, or split it")
        return None
    try:
        value, read = read_json(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        found.report("form-json", "", "the file is not in UTF-8", "save it as UTF-8")
        return None
    except JsonError as error:
        places[error.place] = (error.line, error.column)
        found.report("form-json", error.place, f"the file is no JSON that is taken: {error}", "correct it there")
        return None
    places.update(read)
    if not isinstance(value, dict):
        found.report("form-root", "", "a form is a JSON object", 'begin it with {"type": "default", "components": []}')
        return None
    return value


def _check_root(found: Findings, raw: dict[str, Json]) -> None:
    version = raw.get("schemaVersion")
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        text = f"the form is of schemaVersion {version}; versions to {SCHEMA_VERSION} are known"
        found.report("form-root", "/schemaVersion", text, "save it for an older version, or use a newer Procession")
        return
    if raw.get("type") != "default":
        found.report("form-root", "/type", "a form says `type` `default`", 'give it "type": "default"')
        return
    check_properties(found, raw, "", ROOT)
    check_extensions(found, raw, "", "form")


@final
class _Reader:
    """Components, counted over the whole form."""

    __slots__ = ("_count", "_found", "_names")

    def __init__(self, found: Findings) -> None:
        self._found = found
        self._count = 0
        self._names: Counter[str] = Counter()

    def components(self, given: list[Json], place: str, depth: int) -> tuple[Component, ...]:
        if depth > DEPTH_MAX:
            text = f"components are nested deeper than {DEPTH_MAX}"
            self._found.report("form-size", place, text, "nest fewer groups")
            return ()
        read: list[Component] = []
        for index, raw in enumerate(given):
            self._count += 1
            if self._count > COMPONENTS_MAX:
                if self._count == COMPONENTS_MAX + 1:
                    text = f"more than {COMPONENTS_MAX} components"
                    self._found.report("form-size", f"{place}/{index}", text, "split it into several forms")
                break
            if isinstance(raw, dict):
                component = self._component(raw, f"{place}/{index}", depth)
                if component is not None:
                    read.append(component)
        return tuple(read)

    def _component(self, raw: dict[str, Json], place: str, depth: int) -> Component | None:
        type = raw.get("type")
        if not isinstance(type, str) or not known(type):
            text = f"no component is of type {type!r:.80}"
            self._found.report("form-component", place, text, f"use one of {', '.join(COMPONENTS)}")
            return None
        row = COMPONENTS[type]
        check_properties(self._found, raw, place, row.properties)
        check_extensions(self._found, raw, place, type)
        self._check_sizes(raw, place)
        key, path, id = _text(raw, "key"), _text(raw, "path"), _text(raw, "id")
        inner = raw.get("components")
        children: tuple[Component, ...] = ()
        if row.container and isinstance(inner, list):
            children = self.components(inner, f"{place}/components", depth + 1)
        name = id or key or path or type
        self._names[name] += 1
        if self._names[name] > 1 and not id:
            name = f"{name}_{self._names[name]}"
        return Component(type, id, name, _steps(key), _steps(path), place, raw, children)

    def _check_sizes(self, raw: Mapping[str, Json], place: str) -> None:
        values = raw.get("values")
        if isinstance(values, list) and len(values) > OPTIONS_MAX:
            text = f"{len(values)} options stand here; the limit is {OPTIONS_MAX}"
            self._found.report("form-size", f"{place}/values", text, "take them from data by `valuesKey`")
        for name, value in raw.items():
            if isinstance(value, str) and len(value) > TEXT_MAX and not value.startswith("data:image/"):
                text = f"a text is of {len(value)} characters; the limit is {TEXT_MAX}"
                self._found.report("form-size", f"{place}/{name}", text, "shorten it")


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path and _KEY.fullmatch(path) else ()


def _text(raw: Mapping[str, Json], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
