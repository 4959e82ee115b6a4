"""What is asked of the jail, and what it answers. Data only: it goes to the child as MessagePack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import BadValue, ProcessionError

PAGES_MAX: Final = 200
BYTES_MAX: Final = 50_000_000
"""Of a PDF that is given, and of one that is made."""
PICTURE_BYTES_MAX: Final = 30_000_000
PIXELS_MAX: Final = 60_000_000
"""Of a picture, before it is made smaller: more than any camera of a phone."""
FIELDS_MAX: Final = 5_000
SIGNERS_MAX: Final = 50
DRAWN_BYTES_MAX: Final = 300_000
DRAWN_PIXELS_MAX: Final = 2_000_000


class Refused(BadValue):
    """Something that no paper can be made of, as it is given."""


class TooMuch(ProcessionError):
    """A paper that took more time or memory than one may."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all (data inheritance only)."""


@final
class Preview(Order, frozen=True, kw_only=True):
    """A small picture of a picture, or of the first page of a PDF, in JPEG, or in PNG where it has a transparent part.
    Nothing but pixels stays."""

    data: bytes
    width: int
    height: int


@final
class Page(Order, frozen=True, kw_only=True):
    """HTML as PDF. `template` is one of Jinja; values stand in it as text. `attachments` are what it may show, by the
    name in `attachment:name`. With `forms`, inputs become fields of a form."""

    template: str
    values: Mapping[str, object] = {}
    attachments: Mapping[str, bytes] = {}
    forms: bool = False
    pages_max: int = PAGES_MAX
    bytes_max: int = BYTES_MAX


Value: TypeAlias = "str | bool | list[str]"


@final
class Fill(Order, frozen=True, kw_only=True):
    """A form of a PDF, filled. Flattened, nobody can fill it any more."""

    pdf: bytes
    values: Mapping[str, str | bool | list[str]]
    flatten: bool = False


@final
class Fields(Order, frozen=True, kw_only=True):
    """Which fields a form has."""

    pdf: bytes


@final
class Field(msgspec.Struct, frozen=True):
    """A field of a form. `options` are what one chooses of."""

    name: str
    kind: Literal["text", "check", "radio", "choice", "signature", "other"]
    options: tuple[str, ...] = ()
    required: bool = False


@final
class Signer(msgspec.Struct, frozen=True):
    """Who signed: how they were identified, from which address and with what, and when (Unix ms)."""

    name: str
    identified_by: str
    address: str
    at: int
    agent: str = ""


@final
class Mark(msgspec.Struct, frozen=True):
    """A signature: `drawn` (the data URL of a PNG) or `typed`. It goes into the field `field`, or onto `page` (from 1)
    at `box`: left, bottom, width and height in points."""

    signer: Signer
    drawn: str = ""
    typed: str = ""
    field: str = ""
    page: int = 0
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@final
class Certificate(msgspec.Struct, frozen=True):
    """What seals: PKCS#12 (`bundle`, `password`), or a key and a chain of certificates in PEM. `timestamps` is the URL
    of a timestamp authority (RFC 3161), "" for none."""

    bundle: bytes = b""
    key: bytes = b""
    chain: bytes = b""
    password: str = ""
    timestamps: str = ""


@final
class Sign(Order, frozen=True, kw_only=True):
    """A PDF with signatures, a page that tells who signed, and a seal over all of it."""

    pdf: bytes
    marks: Sequence[Mark]
    certificate: Certificate
    title: str
    language: str = "en"
    reason: str = ""


@final
class Verify(Order, frozen=True, kw_only=True):
    """What the seals of a PDF say. `roots` are certificates in PEM or DER that are believed."""

    pdf: bytes
    roots: Sequence[bytes] = ()


@final
class Seal(msgspec.Struct, frozen=True):
    """A seal of a PDF. `intact`: the bytes that it covers are those that were sealed; `whole`: it covers all there are,
    but for what it allows; `trusted`: a root that is believed stands behind it."""

    field: str
    sealed_by: str
    at: str
    intact: bool
    whole: bool
    trusted: bool
    timestamped: bool

    @property
    def good(self) -> bool:
        """Whether nothing was changed since."""
        return self.intact and self.whole


ORDERS: Final[dict[str, tuple[type[Order], str]]] = {
    "preview": (Preview, "procession.services.papers.pictures"),
    "page": (Page, "procession.services.papers.pages"),
    "fill": (Fill, "procession.services.papers.filling"),
    "fields": (Fields, "procession.services.papers.filling"),
    "sign": (Sign, "procession.services.papers.signing"),
    "verify": (Verify, "procession.services.papers.verifying"),
}
"""What the child can do: its name, what it takes, and the module that has a function of that name."""
