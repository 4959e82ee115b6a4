"""Small pictures of large ones: the right way up, without what the camera wrote, and no bomb goes off."""

from __future__ import annotations

import contextlib
import io

import pytest
from PIL import Image, PngImagePlugin

from paper_rig import made, picture, png_bomb
from procession.services.papers.orders import Preview, Refused, TooMuch


def small(data: bytes, side: int = 30) -> Image.Image:
    return Image.open(io.BytesIO(made(Preview(data=data, width=side, height=side))))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_a_picture_becomes_a_small_one(format: str) -> None:
    shown = small(picture(format))
    assert (shown.format, shown.size) == ("JPEG", (30, 20))
    red, blue = shown.convert("RGB").getpixel((5, 10)), shown.convert("RGB").getpixel((25, 10))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert (red[0] > 200, red[2] < 100) == (True, True)
    assert (blue[2] > 200, blue[0] < 100) == (True, True)


def test_what_is_transparent_stays_so() -> None:
    shown = small(picture("PNG", mode="RGBA"))
    assert (shown.format, shown.mode) == ("PNG", "RGBA")


def test_the_way_that_the_camera_was_held_counts_and_nothing_else_of_it_stays() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "CANARY"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    data = picture("JPEG", exif=exif.tobytes(), comment=b"CANARY", icc_profile=b"CANARY" * 50)
    assert b"CANARY" in data
    made_small = made(Preview(data=data, width=30, height=30))
    shown = Image.open(io.BytesIO(made_small))
    assert shown.size == (20, 30), "it was lying on its side"
    top = shown.convert("RGB").getpixel((10, 5))
    assert isinstance(top, tuple)
    assert top[0] > 200, "red is on top"
    assert b"CANARY" not in made_small
    assert not shown.getexif()
    assert "icc_profile" not in shown.info
    assert "comment" not in shown.info


def test_texts_of_a_png_do_not_stay() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "CANARY", zip=True)
    info.add_itxt("x", "CANARY")
    assert b"CANARY" not in made(Preview(data=picture("PNG", mode="RGBA", pnginfo=info), width=30, height=30))


@pytest.mark.parametrize(
    "data",
    [
        png_bomb(100_000, 100_000),
        png_bomb(60_001, 1_000),
        b"",
        b"no picture",
        picture()[:60],
        picture("JPEG")[:200],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        picture("BMP"),
        picture("ICO", size=(32, 32)),
    ],
)
def test_bombs_and_what_is_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises((Refused, TooMuch)):
        made(Preview(data=data, width=100, height=100))


def test_a_text_in_a_png_that_unpacks_to_a_lot_is_refused_or_left_out() -> None:
    info = PngImagePlugin.PngInfo()
    for number in range(20):
        info.add_text(f"t{number}", "x" * 4_000_000, zip=True)
    bomb = picture("PNG", pnginfo=info)
    assert len(bomb) < 200_000
    with contextlib.suppress(Refused, TooMuch):
        assert len(made(Preview(data=bomb, width=30, height=30))) < 10_000


def drawn_pdf(width: float = 300, height: float = 600, *, password: str = "", units: float = 1) -> bytes:
    """A PDF of one page whose upper half is red."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, FloatObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(width, height)
    content = DecodedStreamObject()
    content.set_data(f"1 0 0 rg 0 {height / 2} {width} {height / 2} re f".encode())
    page[NameObject("/Contents")] = writer._add_object(content)
    if units != 1:
        page[NameObject("/UserUnit")] = FloatObject(units)
    if password:
        writer.encrypt(password)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_the_first_page_of_a_pdf_becomes_a_small_picture() -> None:
    shown = small(drawn_pdf(), 60)
    assert (shown.format, shown.size) == ("JPEG", (30, 60))
    above, below = shown.getpixel((15, 10)), shown.getpixel((15, 50))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert (above[0] > 200, above[1] < 60) == (True, True)
    assert min(below[:3]) > 240


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-",
        b"%PDF-1.7\n" + b"\0" * 1_000,
        drawn_pdf()[:200],
        drawn_pdf(password="secret"),
        drawn_pdf(300_000, 300_000),
        drawn_pdf().replace(b"/Count 1", b"/Count 0").replace(b"/Kids", b"/Nope"),
    ],
    ids=["empty", "nothing", "cut", "encrypted", "huge", "without pages"],
)
def test_a_pdf_that_cannot_be_drawn_is_refused(data: bytes) -> None:
    with pytest.raises((Refused, TooMuch)):
        made(Preview(data=data, width=60, height=60))


def test_a_page_is_drawn_no_larger_than_it_is_shown() -> None:
    shown = small(drawn_pdf(14_400, 14_400, units=10), 60)
    assert max(shown.size) == 60
