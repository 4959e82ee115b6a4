"""What is kept of journeys: documents by kind, and what stands in them. Data only; times are Unix ms.

A token is 256 random bits that are kept nowhere: the id of a link or a session is the hash of its token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, final

import msgspec

from procession.base.values import Json
from procession.runtime import codec
from procession.services import keys

LINK: Final = "journey-link"
SESSION: Final = "journey-session"
JOURNEY: Final = "journey"
INSTANCE: Final = "journey-instance"
DRAFT: Final = "journey-draft"
FILES: Final = "journey-files"
CODE: Final = "journey-code"
BRAND: Final = "journey-brand"
EXPIRING: Final = (LINK, SESSION, JOURNEY, INSTANCE, DRAFT, FILES, CODE)
"""Kinds whose documents have a time at which they go."""
JOURNEY_LENGTH: Final = 22
"""131 bits, in base 62."""


@final
class Link(msgspec.Struct, frozen=True):
    """A link. Without a `journey` it starts one of `process_id` when it is opened first, with `variables`. `uses` 0 is
    no bound. `proof` is how who opens it shows that they are meant: "", `email` or `sms`, to `contact`."""

    process_id: str
    created: int
    creator: str
    expires: int
    journey: str = ""
    party: str = ""
    language: str = ""
    variables: Mapping[str, Json] = {}
    uses: int = 1
    used: int = 0
    proof: str = ""
    contact: str = ""
    name: str = ""


@final
class Journey(msgspec.Struct, frozen=True):
    """A journey: the instance that it is. `version` is that of its process when it began, `variant` the one of
    `journey.variants` that it was given; "" for none."""

    process_id: str
    instance: int
    created: int
    expires: int
    version: int = 0
    variant: str = ""


@final
class OfInstance(msgspec.Struct, frozen=True):
    """The journey that an instance is."""

    journey: str
    expires: int


@final
class Session(msgspec.Struct, frozen=True):
    """Who plays one party of a journey. Until it is `proven` it may do nothing but give the code of its `link`."""

    journey: str
    instance: int
    process_id: str
    created: int
    expires: int
    party: str = ""
    language: str = ""
    link: str = ""
    proven: bool = True
    version: int = 0
    variant: str = ""


@final
class Code(msgspec.Struct, frozen=True):
    """A code of six digits that was sent for a link: its hash, how often it may be tried, how many were sent."""

    digest: str
    salt: str
    until: int
    left: int
    sent: int
    expires: int


@final
class Brand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a tenant's pages look, under a name that processes say (`journey.brand`)."""

    name: str = ""
    logo: str = ""
    variables: Mapping[str, str] = {}
    fonts: str = ""


Kept: TypeAlias = "Link | Journey | OfInstance | Session | Code | Brand"


def body_of(kept: msgspec.Struct) -> Json:
    """A struct as the body of its document."""
    return codec.decode_json(codec.encode_json(kept))


def new_journey() -> str:
    """The id of a new journey."""
    return keys.new_secret()[:JOURNEY_LENGTH]


def place_of(token: str) -> str:
    """The id of the document of a token."""
    return keys.digest_of(token)


def expires_in(body: Json) -> int:
    """When a document goes; 0 for one that says nothing."""
    found = body.get("expires") if isinstance(body, dict) else 0
    return found if isinstance(found, int) else 0
