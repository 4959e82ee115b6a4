"""Types of documents, and whether bytes are of the type that they are said to be."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Final, final

from litestar.exceptions import HTTPException

from procession.base.failure import BadValue, ProcessionError

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
TYPES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "application/zip": _ZIP,
    f"{_OFFICE}.wordprocessingml.document": _ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    f"{_OFFICE}.presentationml.presentation": _ZIP,
    "application/vnd.oasis.opendocument.text": _ZIP,
    "application/vnd.oasis.opendocument.spreadsheet": _ZIP,
    "text/plain": (),
    "text/csv": (),
    "text/markdown": (),
    "application/json": (),
    "application/xml": (),
}
"""Type -> what its bytes begin with; nothing: it is a text in UTF-8. What browsers would run is not among them."""

BEGIN_BYTES: Final = 16
"""What is looked at of a file that is no text."""

_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,100}", re.ASCII)


class WrongType(ProcessionError):
    """A document of a type that is not allowed, or that is not of the type it is said to be."""


@final
class Look:
    """Looks whether what comes is what it is said to be."""

    __slots__ = ("_begin", "_beginnings", "_text", "_type")

    def __init__(self, content_type: str) -> None:
        self._type = content_type
        self._beginnings = TYPES.get(content_type)
        self._begin = b""
        self._text = codecs.getincrementaldecoder("utf-8")() if self._beginnings == () else None

    def at(self, chunk: bytes) -> None:
        """Looks at what comes next. Raises `WrongType`."""
        if self._text is None and len(self._begin) < BEGIN_BYTES:
            self._begin += chunk[:BEGIN_BYTES]
            if len(self._begin) >= BEGIN_BYTES:
                self.end()
        if self._text is not None:
            self._decode(chunk, final=False)

    def end(self) -> None:
        """That was all. Raises `WrongType`."""
        if self._text is not None:
            self._decode(b"", final=True)
        elif self._beginnings and not self._fits(self._beginnings):
            raise WrongType(f"the document is not of the type {self._type!r}")

    def _fits(self, beginnings: tuple[bytes, ...]) -> bool:
        # RIFF holds films and sounds, too.
        webp = self._type != "image/webp" or self._begin[8:12] == b"WEBP"
        return webp and self._begin.startswith(beginnings)

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        assert self._text is not None
        try:
            text = self._text.decode(chunk, final)
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise WrongType(f"the document is not of the type {self._type!r}: it is no text in UTF-8")


def checked_name(name: str) -> str:
    """The name of a file. Raises `BadValue` for one with folders, or with characters that show it as another one."""
    if not 0 < len(name) <= 255 or name in {".", ".."} or any(each in "/\\" or not each.isprintable() for each in name):
        raise BadValue("the name of a document has up to 255 characters, no folders and no control characters")
    return name


def checked_type(given: str, charset: str) -> str:
    """A media type, in lower case. Raises 415 for what is none, and for texts that are not in UTF-8."""
    if not _TYPE.fullmatch(given.lower()) or charset.lower() not in {"utf-8", "us-ascii"}:
        raise HTTPException(status_code=415, detail="Content-Type must be a media type, and of texts in UTF-8")
    return given.lower()
