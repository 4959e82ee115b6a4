"""Languages: which texts stand in for which, directions, plurals, numbers and dates, and the built-in messages.

Plurals, numbers and dates are Babel's, which comes with the extra `player`; without it English stands in. The messages
are the files of `texts/`, one a language, which a browser may be given, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from procession.base.values import Json
from procession.feel import string
from procession.feel.temporal_text import parse_date

if TYPE_CHECKING:
    from babel import Locale

BUILT_IN: Final = ("en", "de", "fr", "es", "he", "ar")
"""The languages that have all messages."""
RIGHT_TO_LEFT: Final = frozenset({"ar", "he", "fa", "ur", "ps", "sd", "yi", "dv", "ckb"})

Message: TypeAlias = "str | Mapping[str, str]"
"""One text, or texts by plural category of the parameter `n`."""


def chain(language: str, default: str) -> tuple[str, ...]:
    """The languages that are asked for a text, in order: `de-AT`, `de`, then the form's own."""
    tags = language.replace("_", "-").split("-")
    named = ["-".join(tags[: len(tags) - cut]) for cut in range(len(tags))]
    return tuple(dict.fromkeys([*named, default]))


def direction(language: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if language.replace("_", "-").split("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def message(name: str, language: str, params: Mapping[str, Json]) -> str:
    """A built-in message: in the language, else in English; parameters as the language writes them."""
    for each in (*chain(language, "en"), "en"):
        found = messages(each).get(name)
        if found is not None:
            return filled(found, each, params)
    return name


@lru_cache(maxsize=256)
def messages(language: str) -> Mapping[str, Message]:
    """All built-in messages of a language; none for one that has none."""
    if language not in BUILT_IN:
        return {}
    text = files("procession.forms").joinpath("texts", f"{language}.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Message]", json.loads(text))


def plural(language: str, number: int | Decimal) -> str:
    """The plural category of a number by CLDR: zero, one, two, few, many or other."""
    locale = locale_of(language)
    return str(locale.plural_form(number)) if locale is not None else "one" if number == 1 else "other"


def shown(value: Json, language: str) -> str:
    """A number or date as the language writes it, any other value as text."""
    locale = locale_of(language)
    if locale is None or isinstance(value, bool):
        return string(value)
    if isinstance(value, int | Decimal):
        from babel.numbers import format_decimal

        return format_decimal(value, locale=locale, decimal_quantization=False)
    date = parse_date(value) if isinstance(value, str) and len(value) == 10 else None
    if date is None or not 1 <= date.year <= 9999:
        return string(value)
    import datetime as dt

    from babel.dates import format_date

    return format_date(dt.date(date.year, date.month, date.day), format="medium", locale=locale)


def filled(text: Message, language: str, params: Mapping[str, Json]) -> str:
    """A text with its parameters in it, as the language writes them; that of the plural which `n` asks for."""
    if not isinstance(text, str):
        number = params.get("n")
        category = plural(language, number) if isinstance(number, int | Decimal) else "other"
        text = text.get(category) or text["other"]
    for name, value in params.items():
        if f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", shown(value, language))
    return text


@lru_cache(maxsize=256)
def locale_of(language: str) -> Locale | None:
    """What Babel knows of a language; None without Babel, and for a language that it does not know."""
    try:
        from babel import Locale, UnknownLocaleError
    except ModuleNotFoundError:
        return None
    try:
        return Locale.parse(language.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return None
