"""Signatures: they are on the page, who signed is told, and a seal breaks when anything is changed."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import msgspec
import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter

from paper_rig import PASSWORD, TimestampAuthority, certificate, form, made, picture, plain_pdf, png_bomb, root, text_of
from procession.services.papers.orders import Certificate, Fill, Mark, Refused, Seal, Sign, Signer, Verify
from procession.services.papers.words import WORDS

ANN = Signer("Ann <b>Smith</b>", "one-time code to a•••@example.com", "203.0.113.7", 1_790_000_000_000, "Firefox")
BEN = Signer("בן לוי", "signed in", "2001:db8::1", 1_790_000_100_000)


def drawn(data: bytes | None = None) -> str:
    if data is None:
        image = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
        ImageDraw.Draw(image).line([(10, 80), (150, 10), (290, 80)], fill=(0, 0, 120, 255), width=5)
        done = io.BytesIO()
        image.save(done, "PNG")
        data = done.getvalue()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def order(pdf: bytes | None = None, *marks: Mark, **more: Any) -> Sign:
    given = marks or (Mark(ANN, typed="Ann Smith", page=1, box=(50, 50, 150, 40)),)
    values = {"title": "Contract 7", "certificate": certificate(), **more}
    return Sign(pdf=pdf if pdf is not None else plain_pdf(), marks=given, **values)


def seals(pdf: bytes, *roots: bytes) -> list[Seal]:
    return msgspec.msgpack.decode(made(Verify(pdf=pdf, roots=roots or (root(),))), type=list[Seal])


def test_a_document_is_signed_told_and_sealed() -> None:
    filled = made(Fill(pdf=form(), values={"name": "Ann Smith"}))
    marks = (
        Mark(ANN, drawn=drawn(), field="signature"),
        Mark(BEN, typed="בן לוי", page=1, box=(50, 50, 150, 40)),
    )
    signed = made(order(filled, *marks, reason="The contract"))
    reader = PdfReader(io.BytesIO(signed))
    assert len(reader.pages) == 2
    assert reader.pages[0].images, "the drawing is on the page"
    shown = "".join(text_of(signed, 0).split())
    assert all(letter in shown for letter in "בןלוי")
    record = text_of(signed, 1)
    for said in ("Signature record", "Contract 7", "Ann <b>Smith</b>", "one-time code", "203.0.113.7", "2026-09-21T"):
        assert said in record, record
    assert hashlib.sha256(filled).hexdigest() in "".join(record.split())
    (seal,) = seals(signed)
    assert seal == Seal("ProcessionSeal", "Common Name: The Server", seal.at, True, True, True, False)
    assert seal.good
    (unknown,) = seals(signed, made_root())
    assert (unknown.intact, unknown.trusted) == (True, False)


def made_root() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    from paper_rig import authority

    return authority("Another Root")[1].public_bytes(Encoding.PEM)


def test_every_change_is_found() -> None:
    signed = made(order())
    place = signed.index(b"/MediaBox")
    touched = signed[:place] + signed[place:].replace(b"300", b"301", 1)
    assert touched != signed
    (seal,) = seals(touched)
    assert not seal.intact
    # Something that is added behind the seal leaves its bytes as they were, and is no part of it.
    writer = PdfWriter(io.BytesIO(signed), incremental=True)
    writer.pages[0].rotate(90)
    done = io.BytesIO()
    writer.write(done)
    assert done.getvalue().startswith(signed)
    (seal,) = seals(done.getvalue())
    assert not seal.good


@pytest.mark.parametrize("kind", ["pkcs12", "pem"])
def test_a_certificate_is_a_bundle_or_a_key_and_a_chain(kind: str) -> None:
    (seal,) = seals(made(order(certificate=certificate(kind))))
    assert (seal.good, seal.trusted) == (True, True)


@pytest.mark.parametrize("language", WORDS)
def test_the_record_is_in_the_language_that_was_asked_for(language: str) -> None:
    record = text_of(made(order(language=f"{language}-XX")), 1)
    letters = set(WORDS[language].title) - {" "}
    assert letters <= set(record), record


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (Mark(ANN, page=1, box=(0, 0, 100, 50)), "drawn or typed"),
        (Mark(ANN, drawn=drawn(), typed="x", page=1, box=(0, 0, 100, 50)), "drawn or typed"),
        (Mark(ANN, typed="x", page=2, box=(0, 0, 100, 50)), "no page 2"),
        (Mark(ANN, typed="x", page=1, box=(250, 0, 100, 50)), "outside"),
        (Mark(ANN, typed="x", page=1, box=(0, 0, 5, 50)), "points at least"),
        (Mark(ANN, typed="x", field="nothing"), "no field"),
        (Mark(ANN, typed="x" * 201, page=1, box=(0, 0, 100, 50)), "a name of"),
        (Mark(ANN, typed="a\u202eb", page=1, box=(0, 0, 100, 50)), "a name of"),
        (Mark(ANN, drawn="data:text/html,x", page=1, box=(0, 0, 100, 50)), "data URL of a PNG"),
        (Mark(ANN, drawn="data:image/png;base64,!!", page=1, box=(0, 0, 100, 50)), "Base64"),
        (Mark(ANN, drawn=drawn(picture("JPEG")), page=1, box=(0, 0, 100, 50)), "no picture"),
        (Mark(ANN, drawn=drawn(png_bomb(9_000, 9_000)), page=1, box=(0, 0, 100, 50)), "pixels"),
        (Mark(ANN, drawn=drawn(picture("PNG", (90, 90), "RGBA")[:90]), page=1, box=(0, 0, 100, 50)), "damaged"),
    ],
)
def test_what_is_no_signature_is_refused(mark: Mark, told: str) -> None:
    with pytest.raises(Refused, match=told):
        made(order(None, mark))


def test_an_empty_canvas_is_no_signature() -> None:
    blank = io.BytesIO()
    Image.new("RGBA", (100, 50), (0, 0, 0, 0)).save(blank, "PNG")
    with pytest.raises(Refused, match="nothing was drawn"):
        made(order(None, Mark(ANN, drawn=drawn(blank.getvalue()), page=1, box=(0, 0, 100, 50))))


def test_what_is_sealed_is_not_sealed_over() -> None:
    with pytest.raises(Refused, match="sealed already"):
        made(order(made(order())))


@pytest.mark.parametrize(
    "wrong",
    [
        Certificate(bundle=certificate().bundle, password="wrong"),
        Certificate(bundle=b"junk", password=PASSWORD),
        Certificate(key=certificate("pem").key),
        Certificate(),
    ],
)
def test_a_certificate_that_cannot_seal_is_told_without_its_secret(wrong: Certificate) -> None:
    with pytest.raises(Refused, match="cannot be used") as caught:
        made(order(certificate=wrong))
    assert PASSWORD not in str(caught.value)


def test_a_timestamp_authority_says_when() -> None:
    with TimestampAuthority() as clock:
        stamping = Certificate(bundle=certificate().bundle, password=PASSWORD, timestamps=clock.url)
        (seal,) = seals(made(order(certificate=stamping)))
        assert (seal.good, seal.trusted, seal.timestamped) == (True, True, True)
        clock.broken = True
        with pytest.raises(Refused):
            made(order(certificate=stamping))


def test_a_timestamp_authority_that_is_away_is_told() -> None:
    away = Certificate(bundle=certificate().bundle, password=PASSWORD, timestamps="http://127.0.0.1:9/")
    with pytest.raises(Refused, match="timestamp authority"):
        made(order(certificate=away))


def test_what_has_no_seal_has_none_and_what_is_no_pdf_is_told() -> None:
    assert seals(plain_pdf()) == []
    with pytest.raises(Refused):
        seals(b"no pdf")
    with pytest.raises(Refused, match="root"):
        seals(made(order()), b"no certificate")
