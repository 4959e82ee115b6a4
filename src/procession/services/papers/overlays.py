"""Boxes with a text or a picture in them, as something that is put onto a page: set by WeasyPrint, so that every script
has its fonts, its direction and its ligatures. In the jail alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import Any, Final, Literal, cast, final

import msgspec
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
)

from procession.services.papers.orders import BYTES_MAX
from procession.services.papers.printing import printed

FONTS: Final = "'DejaVu Sans', 'Noto Sans', sans-serif"
HAND: Final = "'Dancing Script', 'Segoe Script', 'Apple Chancery', cursive, 'DejaVu Serif', serif"
"""Fonts that look like written by hand come first."""
_INSET: Final = 2.0


@final
class Box(msgspec.Struct, frozen=True):
    """What is in a box of so many points: a text, or a picture (PNG)."""

    width: float
    height: float
    text: str = ""
    picture: bytes = b""
    size: float = 0.0
    """Of the letters, in points; 0: as the box has room."""
    align: Literal["left", "center", "right"] = "left"
    lines: bool = False
    hand: bool = False


def overlays(writer: PdfWriter, boxes: Sequence[Box]) -> list[IndirectObject]:
    """Form XObjects of boxes, in a document that is written."""
    if not boxes:
        return []
    pages = "".join(_page(number, box) for number, box in enumerate(boxes))
    pictures = {str(number): box.picture for number, box in enumerate(boxes) if box.picture}
    html = f"<!doctype html><html><head><style>{_STYLE}</style></head><body>{pages}</body></html>"
    reader = PdfReader(io.BytesIO(printed(html, pictures, len(boxes), BYTES_MAX)))
    found: list[IndirectObject] = []
    for page, box in zip(reader.pages, boxes, strict=True):
        contents = page.get_contents()
        made = DecodedStreamObject()
        made.set_data(contents.get_data() if contents is not None else b"")
        made[NameObject("/Type")] = NameObject("/XObject")
        made[NameObject("/Subtype")] = NameObject("/Form")
        made[NameObject("/BBox")] = ArrayObject(FloatObject(each) for each in (0, 0, box.width, box.height))
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        made[NameObject("/Resources")] = resources.clone(writer)
        made[NameObject("/FormType")] = NumberObject(1)
        found.append(_added(writer, made.flate_encode()))
    return found


def put(writer: PdfWriter, page: DictionaryObject, overlay: IndirectObject, left: float, bottom: float) -> None:
    """Puts an overlay onto a page, over what is there."""
    resources = page.get("/Resources", DictionaryObject()).get_object()
    assert isinstance(resources, DictionaryObject)
    # Pages may share their resources: this one gets its own.
    own = DictionaryObject(resources)
    pictures = DictionaryObject(own.get("/XObject", DictionaryObject()).get_object())
    name = NameObject(f"/Procession{len(pictures)}")
    pictures[name] = overlay
    own[NameObject("/XObject")] = pictures
    page[NameObject("/Resources")] = own
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")
    after.set_data(f"\nQ q 1 0 0 1 {left:.3f} {bottom:.3f} cm {name} Do Q\n".encode())
    there = page.get("/Contents")
    found = there.get_object() if there is not None else None
    inner = list(found) if isinstance(found, ArrayObject) else [there] if there is not None else []
    page[NameObject("/Contents")] = ArrayObject([_added(writer, before), *inner, _added(writer, after)])


def _added(writer: PdfWriter, thing: PdfObject) -> IndirectObject:
    """A reference to something new in a document: pypdf has no public way to make one."""
    reference: IndirectObject = cast("Any", writer)._add_object(thing)
    return reference


def _page(number: int, box: Box) -> str:
    """The page of a box, which is as large as the box."""
    size = box.size or max(4.0, min(12.0, box.height * 0.62))
    if box.hand:
        # About half an em a letter: a name goes on one line.
        size = max(6.0, min(box.height * 0.6, (box.width - 2 * _INSET) / max(1, len(box.text)) * 1.7))
    inner = f'<p dir="auto">{escape(box.text)}</p>'
    if box.picture:
        inner = f'<img src="attachment:{number}" alt="">'
    style = f"page: b{number}; height: {box.height:.3f}pt; font-size: {size:.2f}pt; text-align: {box.align};"
    style += f"white-space: {'pre-wrap' if box.lines else 'pre'};"
    kind = "picture" if box.picture else "lines" if box.lines else "line"
    rule = f"@page b{number} {{ size: {box.width:.3f}pt {box.height:.3f}pt; margin: 0 }}"
    hand = " hand" if box.hand else ""
    return f'<style>{rule}</style><div class="{kind}{hand}" style="{style}">{inner}</div>'


_STYLE: Final = f"""
html, body {{ margin: 0; padding: 0; font-family: {FONTS} }}
div {{ box-sizing: border-box; padding: 0 {_INSET}pt; overflow: hidden; break-after: page; break-inside: avoid }}
div:last-of-type {{ break-after: auto }}
div.line, div.picture {{ display: flex; align-items: center }}
div.line p, div.picture p {{ width: 100% }}
p {{ margin: 0; unicode-bidi: plaintext }}
.hand {{ font-family: {HAND}; font-style: italic }}
img {{ width: 100%; height: 100%; object-fit: contain }}
"""
