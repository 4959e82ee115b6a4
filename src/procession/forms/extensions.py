"""The table of extensions: properties of ours, which stand under `properties` with `procession.` before their names.

Editors of form-js keep such properties as texts, so each may also be a text that holds its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json, decode

PREFIX: Final = "procession."
Type: TypeAlias = Literal["text", "boolean", "integer", "size", "feel", "translations", "rules", "currency", "kind"]


@final
class Extension(msgspec.Struct, frozen=True, gc=False):
    """What an extension is: its type, the component types that may have it (`form` is the root), and what it does."""

    type: Type
    on: frozenset[str]
    says: str


FIELDS: Final = frozenset(
    "textfield textarea number datetime checkbox radio select checklist taglist filepicker".split()
)
_TEXTS: Final = frozenset({"textfield", "textarea"})
_CHOICES: Final = frozenset({"radio", "select", "checklist", "taglist"})
_ALL: Final = FIELDS | frozenset(
    "expression text html image button spacer separator iframe table documentPreview group dynamiclist multipage page"
    " form".split()
)

EXTENSIONS: Final[dict[str, Extension]] = {
    "kind": Extension("kind", FIELDS | {"group"}, "what a field is beyond its type: one of the kinds of fields"),
    "mask": Extension("text", _TEXTS, "9 is a digit, A a letter, * either; other signs stand for themselves"),
    "help": Extension("text", _ALL - {"form", "spacer", "separator"}, "a longer explanation, shown on demand"),
    "analyticsId": Extension("text", _ALL, "the name in analytics, where the id of the component should not be"),
    "optionsFrom": Extension("text", _CHOICES, "the name of a source that the server asks for the options"),
    "drafts": Extension(
        "boolean", FIELDS | {"group", "form"}, "false: what is typed is kept nowhere before it is submitted"
    ),
    "sensitive": Extension(
        "boolean",
        FIELDS | {"group"},
        "its value and what was wrong with it never in analytics, and masked when others look on",
    ),
    "maxSize": Extension("size", frozenset({"filepicker", "textfield"}), "largest file, in bytes or as `5 MB`"),
    "maxFiles": Extension("integer", frozenset({"filepicker"}), "most files of one field"),
    "accept": Extension("text", frozenset({"filepicker"}), "media types and endings that are taken; beside `accept`"),
    "currency": Extension(
        "currency",
        frozenset({"number", "textfield"}),
        "the currency by ISO 4217, which says how many decimals there are",
    ),
    "amount": Extension("feel", frozenset({"textfield"}), "what a payment comes to"),
    "callingCode": Extension(
        "text", frozenset({"textfield"}), "the country code of numbers that are typed without one, such as `+49`"
    ),
    "digits": Extension("integer", frozenset({"textfield"}), "how many digits a one-time code has; 6"),
    "minDate": Extension("feel", frozenset({"datetime"}), "the earliest date: FEEL"),
    "maxDate": Extension("feel", frozenset({"datetime"}), "the latest date: FEEL"),
    "translations": Extension("translations", _ALL, "the texts in other languages"),
    "language": Extension("text", frozenset({"form"}), "the language of the texts that stand in the components; en"),
    "title": Extension("text", frozenset({"form"}), "the name of the form as people see it"),
    "script": Extension(
        "text",
        frozenset({"form"}),
        "a module of the tenant's library whose default export judges answers on the server",
    ),
    "rules": Extension(
        "rules", frozenset({"form", "page", "group", "dynamiclist"}), "what must be true of several fields together"
    ),
}
"""Name, without the prefix -> what it is."""

KINDS: Final[dict[str, frozenset[str]]] = {
    "address": frozenset({"group"}),
    "phone": frozenset({"textfield"}),
    "currency": frozenset({"number"}),
    "iban": frozenset({"textfield"}),
    "signature": frozenset({"textfield"}),
    "consent": frozenset({"checkbox"}),
    "one-time-code": frozenset({"textfield"}),
    "payment": frozenset({"textfield"}),
}
"""Kind of field -> the types of component that it can be."""

SENSITIVE: Final = frozenset({"iban", "signature", "one-time-code", "payment"})
"""Kinds that a field should not have without being said to be sensitive."""

CODE_DIGITS: Final = 6
SIGNATURE_BYTES: Final = 200_000
"""Most characters of a signature, where its field says no `maxSize`."""
_UNITS: Final = {"": 1, "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_TEXTUAL: Final = frozenset({"text", "size", "feel", "currency", "kind"})


def extensions_of(raw: Mapping[str, Json]) -> dict[str, Json]:
    """The extensions of a component or form, without the prefix, those that are texts of JSON read."""
    given = raw.get("properties")
    if not isinstance(given, dict):
        return {}
    found = {name[len(PREFIX) :]: each for name, each in given.items() if name.startswith(PREFIX)}
    return {name: _read(name, value) for name, value in found.items()}


def size_of(value: Json) -> int | None:
    """A size in bytes; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value > 0 else None
    if not isinstance(value, str) or len(value) > 20:
        return None
    digits = value.strip().rstrip("BKMGbkmg ")
    factor = _UNITS.get(value.strip()[len(digits) :].strip().upper())
    return int(digits) * factor if factor and digits.isascii() and digits.isdigit() and int(digits) else None


def _read(name: str, value: Json) -> Json:
    extension = EXTENSIONS.get(name)
    if not isinstance(value, str) or extension is None or extension.type in _TEXTUAL:
        return value
    try:
        return decode(value)
    except BadValue:
        return value
