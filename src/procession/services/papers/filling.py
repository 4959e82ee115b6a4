"""Forms of PDFs (AcroForm): which fields they have, and filling them. In the jail alone.

How a field looks is made here, in whatever script; what a viewer makes of it counts no more.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from procession.services.papers.orders import BYTES_MAX, FIELDS_MAX, PAGES_MAX, Field, Fields, Fill, Refused
from procession.services.papers.overlays import Box, overlays, put

DEPTH_MAX: Final = 20
TEXT_MAX: Final = 20_000
_MULTILINE, _RADIO, _PUSH, _REQUIRED, _READ_ONLY = 1 << 12, 1 << 15, 1 << 16, 1 << 1, 1 << 0
_ALIGN: Final = {0: "left", 1: "center", 2: "right"}
_SIZE: Final = re.compile(r"([\d.]+)\s+Tf")


class Place(NamedTuple):
    """A widget: where a field stands on a page."""

    page: DictionaryObject
    widget: DictionaryObject
    left: float
    bottom: float
    width: float
    height: float


class Found(NamedTuple):
    """A field and its widgets."""

    field: Field
    node: DictionaryObject
    places: list[Place]


def opened(pdf: bytes) -> PdfWriter:
    """A document that is written anew. Raises `Refused` for one that is none, is encrypted, or too long."""
    if len(pdf) > BYTES_MAX:
        raise Refused(f"a PDF has at most {BYTES_MAX:,} bytes")
    try:
        reader = PdfReader(io.BytesIO(pdf))
        if reader.is_encrypted:
            raise Refused("the PDF is encrypted")
        if len(reader.pages) > PAGES_MAX:
            raise Refused(f"a PDF has at most {PAGES_MAX} pages")
        return PdfWriter(clone_from=reader)
    except PyPdfError as error:
        raise Refused(f"this is no PDF that can be read: {error}"[:200]) from None


def fields(order: Fields) -> bytes:
    """See `Fields`."""
    return msgspec.msgpack.encode([found.field for found in found_in(opened(order.pdf)).values()])


def fill(order: Fill) -> bytes:
    """See `Fill`. Raises `Refused` for a field that is not there, and for a value that it cannot take."""
    writer = opened(order.pdf)
    there = found_in(writer)
    unknown = sorted(set(order.values) - set(there))
    if unknown:
        raise Refused(f"the form has no field {unknown[0]!r:.80}; it has {', '.join(there)[:200] or 'none'}")
    texts: list[tuple[Place, Box]] = []
    for name, value in order.values.items():
        texts += _filled(there[name], value)
    for (place, _), look in zip(texts, overlays(writer, [box for _, box in texts]), strict=True):
        place.widget[NameObject("/AP")] = DictionaryObject({NameObject("/N"): look})
    form = _form(writer)
    if form is not None:
        form[NameObject("/NeedAppearances")] = BooleanObject(False)
        form.pop("/XFA", None)
    if order.flatten:
        for found in there.values():
            for place in found.places:
                flattened(writer, place)
        writer.root_object.pop("/AcroForm", None)
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    """The bytes of a document, without what viewers would run."""
    root = writer.root_object
    for key in ("/OpenAction", "/AA"):
        root.pop(key, None)
    names = root.get("/Names")
    if names is not None:
        cast("DictionaryObject", names.get_object()).pop("/JavaScript", None)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def flattened(writer: PdfWriter, place: Place) -> None:
    """What a widget shows becomes part of its page; the widget goes."""
    page, widget = place.page, place.widget
    if not int(widget.get("/F", 0)) & 2:
        look = _look_of(widget)
        if look is not None:
            put(writer, page, look, place.left, place.bottom)
    removed(page, widget)


def removed(page: DictionaryObject, widget: DictionaryObject) -> None:
    """Takes a widget from its page."""
    annotations = cast("ArrayObject", page["/Annots"].get_object())
    page[NameObject("/Annots")] = ArrayObject(each for each in annotations if each.get_object() is not widget)


def found_in(writer: PdfWriter) -> dict[str, Found]:
    """The fields of a document by their full names. Raises `Refused` for a tree that has no end."""
    form = _form(writer)
    if form is None:
        return {}
    places: dict[int, list[tuple[DictionaryObject, DictionaryObject]]] = {}
    for page in writer.pages:
        annotations: Any = page.get("/Annots")
        for each in annotations.get_object() if annotations is not None else ():
            widget: object = each.get_object()
            if isinstance(widget, DictionaryObject) and widget.get("/Subtype") == "/Widget":
                places.setdefault(id(widget), []).append((page, widget))
    found: dict[str, Found] = {}
    for name, node, inherited, widgets in _walked(form.get("/Fields", ArrayObject()), "", {}, 0):
        if len(found) >= FIELDS_MAX:
            raise Refused(f"a form has at most {FIELDS_MAX:,} fields")
        stand = [_placed(page, widget) for each in widgets for page, widget in places.get(id(each), ())]
        found[name] = Found(_described(name, node, inherited, widgets), node, stand)
    return found


def _walked(
    kids: Any, prefix: str, inherited: Mapping[str, Any], depth: int
) -> Iterator[tuple[str, DictionaryObject, dict[str, Any], list[DictionaryObject]]]:
    if depth > DEPTH_MAX:
        raise Refused("the fields of the form have no end")
    for each in kids.get_object():
        node = each.get_object()
        if not isinstance(node, DictionaryObject):
            continue
        name = f"{prefix}.{node['/T']}" if prefix and "/T" in node else str(node.get("/T", prefix))
        own = {**inherited, **{key: node[key].get_object() for key in ("/FT", "/Ff", "/DA", "/Q") if key in node}}
        children = node.get("/Kids", ArrayObject()).get_object()
        named = [kid for kid in cast("ArrayObject", children) if "/T" in cast("DictionaryObject", kid.get_object())]
        if named:
            yield from _walked(ArrayObject(named), name, own, depth + 1)
        elif name:
            widgets = [cast("DictionaryObject", kid.get_object()) for kid in cast("ArrayObject", children)] or [node]
            node.update({NameObject(key): value for key, value in own.items() if key not in node})
            yield name, node, own, widgets


def _described(name: str, node: DictionaryObject, own: Mapping[str, Any], widgets: list[DictionaryObject]) -> Field:
    kind, flags = own.get("/FT"), int(own.get("/Ff", 0))
    required = bool(flags & _REQUIRED)
    if kind == "/Tx":
        return Field(name, "text", (), required)
    if kind == "/Ch":
        return Field(name, "choice", tuple(shown for shown, _ in _options(node)), required)
    if kind == "/Btn" and not flags & _PUSH:
        states = tuple(dict.fromkeys(state for widget in widgets for state in _states(widget)))
        return Field(name, "radio" if flags & _RADIO else "check", states if flags & _RADIO else (), required)
    return Field(name, "signature" if kind == "/Sig" else "other", (), required)


def _filled(found: Found, value: str | bool | list[str]) -> list[tuple[Place, Box]]:
    """Puts a value into a field; the boxes of what is shown as text."""
    field, node, _ = found
    name = f"the field {field.name!r:.80}"
    if int(node.get("/Ff", 0)) & _READ_ONLY:
        raise Refused(f"{name} is read-only")
    if field.kind == "check":
        if not isinstance(value, bool):
            raise Refused(f"{name} takes true or false")
        _ticked(found, next((state for each in found.places for state in _states(each.widget)), "Yes") if value else "")
        return []
    if field.kind == "radio":
        if value not in field.options:
            raise Refused(f"{name} is one of {', '.join(field.options)[:200]}")
        _ticked(found, str(value))
        return []
    if field.kind == "choice":
        chosen = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) and each in field.options for each in chosen):
            raise Refused(f"{name} is of {', '.join(field.options)[:200]}")
        exported = dict(_options(node))
        kept = [TextStringObject(exported[str(each)]) for each in chosen]
        node[NameObject("/V")] = kept[0] if len(kept) == 1 else ArrayObject(kept)
        node.pop("/I", None)
        return _shown(found, "\n".join(map(str, chosen)), lines=len(chosen) > 1)
    if field.kind != "text":
        raise Refused(f"{name} is none that can be filled")
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise Refused(f"{name} takes a text of at most {TEXT_MAX:,} characters")
    most = node.get("/MaxLen")
    if most is not None and len(value) > int(cast("NumberObject", most)):
        raise Refused(f"{name} has at most {most} characters")
    node[NameObject("/V")] = TextStringObject(value)
    node.pop("/RV", None)
    return _shown(found, value, lines=bool(int(node.get("/Ff", 0)) & _MULTILINE))


def _ticked(found: Found, state: str) -> None:
    chosen = NameObject(f"/{state}" if state else "/Off")
    found.node[NameObject("/V")] = chosen
    for place in found.places:
        # A group shows its state where a widget has it, and nothing elsewhere.
        own = state if state and state in _states(place.widget) else ""
        place.widget[NameObject("/AS")] = NameObject(f"/{own}" if own else "/Off")


def _shown(found: Found, text: str, *, lines: bool) -> list[tuple[Place, Box]]:
    node = found.node
    size = _SIZE.search(str(node.get("/DA", "")))
    align = _ALIGN.get(int(cast("NumberObject", node.get("/Q", NumberObject(0)))), "left")
    return [
        (
            place,
            Box(
                place.width, place.height, text, size=float(size[1]) if size else 0.0, align=cast("Any", align),
                lines=lines,
            ),
        )
        for place in found.places
        if place.width > 0 and place.height > 0
    ]  # fmt: skip


def _states(widget: DictionaryObject) -> list[str]:
    looks = widget.get("/AP", DictionaryObject()).get_object()
    normal = looks.get("/N", DictionaryObject()).get_object() if isinstance(looks, DictionaryObject) else None
    if not isinstance(normal, DictionaryObject):
        return []
    return [str(each)[1:] for each in normal if each != "/Off"]


def _options(node: DictionaryObject) -> list[tuple[str, str]]:
    """(as shown, as stored) of what one chooses of."""
    found: list[tuple[str, str]] = []
    for each in cast("ArrayObject", node.get("/Opt", ArrayObject()).get_object()):
        option = each.get_object()
        stored, shown = (option[0], option[1]) if isinstance(option, ArrayObject) else (option, option)
        found.append((str(shown), str(stored)))
    return found


def _look_of(widget: DictionaryObject) -> IndirectObject | None:
    looks = widget.get("/AP", DictionaryObject()).get_object()
    if not isinstance(looks, DictionaryObject) or "/N" not in looks:
        return None
    normal = looks.raw_get("/N")
    inner = normal.get_object()
    if isinstance(inner, DictionaryObject) and "/BBox" not in inner:
        state = str(widget.get("/AS", "/Off"))
        if state not in inner:
            return None
        normal = inner.raw_get(state)
    return normal if isinstance(normal, IndirectObject) else None


def _placed(page: DictionaryObject, widget: DictionaryObject) -> Place:
    box = [float(each) for each in cast("Any", widget["/Rect"].get_object())]
    left, right = sorted((box[0], box[2]))
    bottom, top = sorted((box[1], box[3]))
    return Place(page, widget, left, bottom, right - left, top - bottom)


def _form(writer: PdfWriter) -> DictionaryObject | None:
    form = writer.root_object.get("/AcroForm")
    return cast("DictionaryObject", form.get_object()) if form is not None else None
