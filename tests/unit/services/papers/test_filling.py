"""Forms of PDFs: what is put in is there, and shown, in whatever script; what cannot be put in is refused."""

from __future__ import annotations

import asyncio
import contextlib
import io
import zlib

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import EncodedStreamObject, NameObject

from paper_rig import form, jailed, made, plain_pdf, text_of
from procession.services.papers.asking import fields_of
from procession.services.papers.jail import Bounds, Jail
from procession.services.papers.orders import Field, Fill, Refused, TooMuch


def test_the_fields_of_a_form_are_told() -> None:
    async def told() -> list[Field]:
        return await fields_of(Jail(), form())

    assert asyncio.run(told()) == [
        Field("name", "text"),
        Field("story", "text"),
        Field("short", "text"),
        Field("agreed", "check"),
        Field("colour", "radio", ("red", "blue")),
        Field("city", "choice", ("Berlin", "تل أبيب", "東京")),
        Field("signature", "signature"),
        Field("fixed", "text"),
    ]


@pytest.mark.parametrize("flatten", [False, True])
def test_what_is_put_in_is_there_and_shown(flatten: bool) -> None:
    values: dict[str, str | bool | list[str]] = {
        "name": "Ádám Łukasz Ωmega Жуков",
        "story": "one line\nanother <b>line</b> & more",
        "short": "abc",
        "agreed": True,
        "colour": "blue",
        # pypdf does not read what is flattened in a font of Chinese characters; viewers do.
        "city": "Berlin" if flatten else "東京",
    }
    filled = made(Fill(pdf=form(), values=values, flatten=flatten))
    reader = PdfReader(io.BytesIO(filled))
    if flatten:
        shown = text_of(filled)
        assert "Ádám Łukasz Ωmega Жуков" in shown
        assert "another <b>line</b> & more" in shown, "a value is text, never markup"
        assert "/AcroForm" not in reader.root_object
        assert not reader.pages[0].get("/Annots")
        return
    fields = reader.get_fields() or {}
    stored = {name: fields[name].get("/V") for name in values}
    assert stored == {**values, "agreed": "/Yes", "colour": "/blue"}
    looks = [each.get_object() for each in reader.pages[0]["/Annots"]]  # type: ignore[attr-defined]
    ticked = [each["/AS"] for each in looks if "/AS" in each]
    assert ticked == ["/Yes", "/Off", "/blue"]
    assert all("/BBox" in each["/AP"]["/N"] for each in looks if each.get("/T") in {"name", "story", "city"})


def test_hebrew_and_arabic_have_their_letters() -> None:
    filled = made(Fill(pdf=form(), values={"name": "שלום עולם", "story": "مرحبا بالعالم"}, flatten=True))
    fonts = {
        str(font.get_object()["/BaseFont"])
        for each in PdfReader(io.BytesIO(filled)).pages[0]["/Resources"]["/XObject"].values()  # type: ignore[index]
        for font in each.get_object().get("/Resources", {}).get("/Font", {}).values()
    }
    assert fonts, "the fonts are in the file"
    shown = text_of(filled)
    assert sum(letter in shown for letter in "שלוםעולם") == len("שלוםעולם"), shown


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nothing": "x"}, "no field 'nothing'"),
        ({"agreed": "yes"}, "true or false"),
        ({"colour": "green"}, "one of red, blue"),
        ({"city": "Rome"}, "of Berlin"),
        ({"city": ["Berlin", "Rome"]}, "of Berlin"),
        ({"name": True}, "takes a text"),
        ({"name": ["a"]}, "takes a text"),
        ({"name": "x" * 20_001}, "at most"),
        ({"short": "abcd"}, "at most 3"),
        ({"fixed": "x"}, "read-only"),
        ({"signature": "x"}, "none that can be filled"),
    ],
)
def test_what_a_field_cannot_take_is_refused(values: dict[str, str | bool | list[str]], told: str) -> None:
    with pytest.raises(Refused, match=told):
        made(Fill(pdf=form(), values=values))


def test_what_viewers_would_run_is_taken_out() -> None:
    assert {"/OpenAction", "/Names"} <= set(PdfReader(io.BytesIO(form(scripts=True))).root_object)
    root = PdfReader(io.BytesIO(made(Fill(pdf=form(scripts=True), values={"name": "x"})))).root_object
    assert "/OpenAction" not in root
    assert "/JavaScript" not in root.get("/Names", {})


@pytest.mark.parametrize("pdf", [b"", b"no pdf", b"%PDF-1.7\n" + b"\xff" * 1_000, plain_pdf()[:200], form()[:-300]])
def test_what_is_damaged_is_refused_and_nothing_hangs(pdf: bytes) -> None:
    with pytest.raises(Refused):
        made(Fill(pdf=pdf, values={"name": "x"} if pdf != form()[:-300] else {"nothing": "x"}))


def test_a_document_without_a_form_has_no_fields() -> None:
    with pytest.raises(Refused, match="it has none"):
        made(Fill(pdf=plain_pdf(), values={"name": "x"}))
    assert made(Fill(pdf=plain_pdf(), values={})).startswith(b"%PDF")


def test_what_unpacks_to_a_lot_is_not_unpacked_or_is_ended() -> None:
    bomb = zlib.compress(bytes(1 << 28), 9)
    assert len(bomb) < 300_000
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(form())))
    contents = EncodedStreamObject()
    contents[NameObject("/Filter")] = NameObject("/FlateDecode")
    contents._data = bomb
    writer.pages[0][NameObject("/Contents")] = writer._add_object(contents)
    done = io.BytesIO()
    writer.write(done)
    bounds = Bounds(seconds=20, memory=700 << 20)
    with contextlib.suppress(Refused, TooMuch):
        filled = jailed(Fill(pdf=done.getvalue(), values={"name": "x"}, flatten=True), bounds)
        assert len(filled) < 2_000_000
    # One whose objects themselves are packed has to be unpacked, to be read at all.
    packed = b"%%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(bomb)
    packed += bomb + b"\nendstream\nendobj\n"
    rows = b"\x00\x00\x00\xff" + b"\x01\x00\x09\x00" + b"\x02\x00\x01\x00"
    table = zlib.compress(rows)
    at = len(packed)
    head = b"2 0 obj\n<</Type/XRef/Size 3/W[1 2 1]/Index[0 3]/Root 2 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(
        table
    )
    hostile = packed + head + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % at
    with pytest.raises((Refused, TooMuch)):
        jailed(Fill(pdf=hostile, values={"name": "x"}), bounds)
