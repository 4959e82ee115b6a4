"""Pictures: small ones of large ones and of the first page of a PDF, and drawn signatures.

What comes out are pixels, made anew, and nothing else.

In the jail alone. What must not live here: which documents have a preview.
"""

from __future__ import annotations

import base64
import binascii
import io
from importlib import import_module
from typing import Any, Final

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from procession.services.papers.orders import DRAWN_BYTES_MAX, DRAWN_PIXELS_MAX, PIXELS_MAX, Preview, Refused

READ: Final = ("PNG", "JPEG", "GIF", "WEBP", "TIFF")
QUALITY: Final = 82
PAGE_POINTS_MAX: Final = 200_000
"""Longest side of a page of a PDF, in points: PDF itself knows no longer ones but by its user units."""
_PDF: Final = b"%PDF-"
_DATA_URL: Final = "data:image/png;base64,"


def preview(order: Preview) -> bytes:
    """See `Preview`."""
    if order.data.startswith(_PDF):
        return _first_page(order)
    with _opened(order.data, READ, PIXELS_MAX) as picture:
        # A JPEG is read at a fraction of its size where that is enough.
        picture.draft("RGB", (order.width, order.height))
        try:
            turned = ImageOps.exif_transpose(picture)
            transparent = turned.has_transparency_data
            small = turned.convert("RGBA" if transparent else "RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise Refused(f"the picture is damaged: {type(error).__name__}") from None
        small.thumbnail((order.width, order.height))
        return _pixels(small, "PNG" if transparent else "JPEG")


def _first_page(order: Preview) -> bytes:
    # It has no types.
    pdfium: Any = import_module("pypdfium2")
    try:
        document = pdfium.PdfDocument(order.data)
        page = document[0]
        width, height = page.get_size()
        if not (0 < width < PAGE_POINTS_MAX and 0 < height < PAGE_POINTS_MAX):
            raise Refused(f"a page is at most {PAGE_POINTS_MAX:,} points wide and high")
        # Drawn as small as it is shown: a page may say that it is as large as a house.
        scale = min(order.width / width, order.height / height)
        picture: Image.Image = page.render(scale=scale).to_pil()
        return _pixels(picture.convert("RGB"), "JPEG")
    except (pdfium.PdfiumError, IndexError, ValueError, OSError) as error:
        raise Refused(f"this is no PDF that can be drawn: {type(error).__name__}") from None


def drawing(url: str) -> bytes:
    """A drawn signature as a PNG of nothing but its pixels. Raises `Refused` for what is none."""
    if not url.startswith(_DATA_URL) or len(url) > DRAWN_BYTES_MAX:
        raise Refused(f"a drawn signature is a data URL of a PNG of at most {DRAWN_BYTES_MAX:,} characters")
    try:
        data = base64.b64decode(url.removeprefix(_DATA_URL), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("a drawn signature is in Base64") from None
    with _opened(data, ("PNG",), DRAWN_PIXELS_MAX) as picture:
        try:
            drawn = picture.convert("RGBA")
        except (OSError, SyntaxError, ValueError) as error:
            raise Refused(f"the drawn signature is damaged: {type(error).__name__}") from None
        shown = drawn.getchannel("A").getextrema() if picture.has_transparency_data else drawn.convert("L").getextrema()
        low, high = shown
        if low == high:
            raise Refused("nothing was drawn")
        return _pixels(drawn, "PNG")


def _opened(data: bytes, formats: tuple[str, ...], pixels_max: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = pixels_max
    # What sets pages in this process turns this on, for itself.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        picture = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError:
        raise Refused(f"a picture has at most {pixels_max:,} pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refused(f"this is no picture that can be read: {type(error).__name__}") from None
    width, height = picture.size
    if width * height > pixels_max:
        raise Refused(f"a picture has at most {pixels_max:,} pixels, this one {width * height:,}")
    return picture


def _pixels(picture: Image.Image, format: str) -> bytes:
    plain = Image.new(picture.mode, picture.size)
    plain.paste(picture)
    made = io.BytesIO()
    if format == "JPEG":
        plain.save(made, "JPEG", quality=QUALITY, optimize=True)
    else:
        plain.save(made, "PNG", optimize=True)
    return made.getvalue()
