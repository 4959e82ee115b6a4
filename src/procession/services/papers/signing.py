"""Signatures: put onto the pages, told on a page of their own, and sealed with a certificate (PAdES). In the jail.

All who sign are in one order, for a seal covers everything: what is put onto a page afterwards would break it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from babel.dates import format_datetime
from pypdf import PdfReader, PdfWriter

from procession.services.papers.filling import Found, found_in, opened, removed, written
from procession.services.papers.orders import BYTES_MAX, SIGNERS_MAX, Mark, Refused, Sign, Signer
from procession.services.papers.overlays import FONTS, Box, overlays, put
from procession.services.papers.pictures import drawing
from procession.services.papers.printing import printed
from procession.services.papers.sealing import sealed
from procession.services.papers.words import RIGHT_TO_LEFT, Words, words_of

NAME_MAX: Final = 200
SMALLEST: Final = 10.0
"""Points that a signature takes at least, in either direction."""


def sign(order: Sign) -> bytes:
    """See `Sign`."""
    if not 0 < len(order.marks) <= SIGNERS_MAX:
        raise Refused(f"a document is signed by one to {SIGNERS_MAX} people")
    writer = opened(order.pdf)
    if b"/ByteRange" in order.pdf and _is_sealed(writer):
        raise Refused("the document is sealed already: a signature would break that seal")
    stamped = _stamped(writer, order.marks)
    language, words = words_of(order.language)
    record = _record(order, words, language, hashlib.sha256(stamped).hexdigest())
    whole = PdfWriter(clone_from=PdfReader(io.BytesIO(stamped)))
    whole.append(PdfReader(io.BytesIO(printed(record, {}, SIGNERS_MAX, BYTES_MAX))), import_outline=False)
    return sealed(written(whole), order.certificate, order.reason)


def _stamped(writer: PdfWriter, marks: Sequence[Mark]) -> bytes:
    there = found_in(writer)
    places: list[tuple[int, float, float]] = []
    boxes: list[Box] = []
    for mark in marks:
        number, left, bottom, width, height = _place(writer, there, mark)
        if width < SMALLEST or height < SMALLEST:
            raise Refused(f"a signature takes {SMALLEST:g} points at least, in either direction")
        places.append((number, left, bottom))
        boxes.append(_box(mark, width, height))
    for (number, left, bottom), look in zip(places, overlays(writer, boxes), strict=True):
        put(writer, writer.pages[number], look, left, bottom)
    return written(writer)


def _place(writer: PdfWriter, there: dict[str, Found], mark: Mark) -> tuple[int, float, float, float, float]:
    """(number of the page, left, bottom, width, height)."""
    if mark.field:
        found = there.get(mark.field)
        if found is None or not found.places:
            raise Refused(f"the document has no field {mark.field!r:.80} to sign in")
        place = found.places[0]
        number = next(n for n, page in enumerate(writer.pages) if page.get_object() is place.page.get_object())
        for each in found.places:
            removed(each.page, each.widget)
        return number, place.left, place.bottom, place.width, place.height
    if not 0 < mark.page <= len(writer.pages):
        raise Refused(f"the document has no page {mark.page} to sign on")
    left, bottom, width, height = mark.box
    page = writer.pages[mark.page - 1].mediabox
    if left < page.left or bottom < page.bottom or left + width > page.right or bottom + height > page.top:
        raise Refused("the place of a signature lies outside of its page")
    return mark.page - 1, left, bottom, width, height


def _box(mark: Mark, width: float, height: float) -> Box:
    if bool(mark.drawn) == bool(mark.typed):
        raise Refused("a signature is either drawn or typed")
    if mark.drawn:
        return Box(width, height, picture=drawing(mark.drawn))
    text = " ".join(mark.typed.split())
    if not text or len(text) > NAME_MAX or not text.isprintable():
        raise Refused(f"a typed signature is a name of at most {NAME_MAX} characters")
    return Box(width, height, text, hand=True)


def _record(order: Sign, words: Words, language: str, after: str) -> str:
    """The page that tells who signed, as HTML."""
    said = [(words.document, order.title), (words.reason, order.reason)]
    hashes = [(words.before, hashlib.sha256(order.pdf).hexdigest()), (words.after, after)]
    parts = [_table([each for each in said if each[1]], "")]
    parts += [_table(_signed(mark.signer, words, language), "") for mark in order.marks]
    parts.append(_table(hashes, "code"))
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    body = f"<h1>{escape(words.title)}</h1>{''.join(parts)}<p>{escape(words.note)}</p>"
    return f'<!doctype html><html lang="{language}" dir="{direction}"><style>{_STYLE}</style><body>{body}</body></html>'


def _signed(signer: Signer, words: Words, language: str) -> list[tuple[str, str]]:
    at = datetime.fromtimestamp(signer.at / 1000, UTC)
    when = f"{format_datetime(at, 'long', locale=language)} ({at.isoformat(timespec='seconds')})"
    rows = [(words.signed_by, signer.name), (words.when, when), (words.identified, signer.identified_by)]
    rows += [(words.address, signer.address), (words.device, signer.agent)]
    return [(name, text[:500]) for name, text in rows if text]


def _table(rows: Sequence[tuple[str, str]], kind: str) -> str:
    cells = (f'<tr><th>{escape(name)}<td><bdi class="{kind}">{escape(text)}</bdi>' for name, text in rows)
    return f"<table>{''.join(cells)}</table>"


def _is_sealed(writer: PdfWriter) -> bool:
    return any(found.field.kind == "signature" and "/V" in found.node for found in found_in(writer).values())


_STYLE: Final = f"""
@page {{ size: A4; margin: 20mm }}
body {{ font: 10pt/1.4 {FONTS} }}
h1 {{ font-size: 16pt }}
table {{ width: 100%; border-collapse: collapse; margin: 0 0 6mm; break-inside: avoid }}
th {{ width: 35%; text-align: start; font-weight: normal; color: #444 }}
th, td {{ border-bottom: 0.5pt solid #bbb; padding: 1.5mm 0; vertical-align: top; overflow-wrap: anywhere }}
.code {{ font-family: 'DejaVu Sans Mono', monospace; font-size: 8pt }}
"""
