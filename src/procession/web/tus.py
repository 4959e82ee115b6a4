"""What tus 1.0 (https://tus.io) says in headers, the same for callers and for journeys."""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import formatdate
from typing import Annotated, Final

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.params import HeaderParameter

from procession.base.failure import BadValue
from procession.web.uploads import Progress

VERSION: Final = "1.0.0"
PIECE: Final = "application/offset+octet-stream"
METADATA_MAX: Final = 4_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

Tus = Annotated[str, HeaderParameter(name="Tus-Resumable", description="The version of the protocol: 1.0.0.")]
Whole = Annotated[
    int, HeaderParameter(name="Upload-Length", ge=0, le=1 << 50, description="The bytes of the document.")
]
At = Annotated[
    int, HeaderParameter(name="Upload-Offset", ge=0, le=1 << 50, description="Where the piece begins: where it ended.")
]
Metadata = Annotated[
    str,
    HeaderParameter(
        name="Upload-Metadata",
        max_length=METADATA_MAX,
        description="`filename`, `filetype`, and if wanted `sha256` (hexadecimal), each with its value in Base64.",
    ),
]


def checked_digest(said: dict[str, str]) -> str:
    """The `sha256` of the metadata, "" for not said. Raises `BadValue`."""
    digest = said.get("sha256", "").lower()
    if digest and not _SHA256.fullmatch(digest):
        raise BadValue("sha256 has 64 hexadecimal digits")
    return digest


def told(progress: Progress, status: int, headers: dict[str, str]) -> Response[None]:
    """An answer that says how far an upload is."""
    headers |= {"tus-resumable": VERSION, "upload-offset": str(progress.offset)}
    if progress.document:
        headers["procession-document"] = progress.document
    else:
        headers["upload-expires"] = formatdate(progress.until / 1000, usegmt=True)
    return Response(None, status_code=status, headers=headers)


def check_version(tus: str) -> None:
    """Raises 412 for a version of the protocol that is not this one."""
    if tus != VERSION:
        detail = f"this server speaks the version {VERSION} of tus"
        raise HTTPException(status_code=412, detail=detail, headers={"tus-version": VERSION})


def metadata_of(text: str) -> dict[str, str]:
    """The pairs of Upload-Metadata. Raises `BadValue`."""
    found: dict[str, str] = {}
    for pair in text.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise BadValue("Upload-Metadata has names with values in Base64, of texts in UTF-8") from None
    return found
