"""The player's own texts, by name, and values as people read them. The files of `texts/` hold the texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Final, cast

from procession.base.values import Json
from procession.feel import string
from procession.forms.coercion import number_in
from procession.forms.languages import BUILT_IN, Message, chain, filled, locale_of, shown
from procession.forms.view import Item
from procession.web.player.pages.values import moment_shown

_UNITS: Final = (("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000))


def say(name: str, language: str, **params: Json) -> str:
    """A text in the language, else in English; parameters as the language writes them."""
    for each in (*chain(language, BUILT_IN[0]), BUILT_IN[0]):
        found = texts(each).get(name)
        if found is not None:
            return filled(found, each, params)
    return name


def is_text(name: str) -> bool:
    """Whether there is a text of this name."""
    return name in texts(BUILT_IN[0])


@lru_cache(maxsize=256)
def texts(language: str) -> Mapping[str, Message]:
    """All texts of a language; none for one that has none."""
    if language not in BUILT_IN:
        return {}
    text = files(__package__ or "").joinpath("texts", f"{language}.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Message]", json.loads(text))


def label_of(item: Item) -> str:
    """What a field is called; where its author gave no label, the name of its key is better than nothing."""
    names = {"date": ("dateLabel",), "time": ("timeLabel",)}.get(str(item.limits.get("subtype")), ())
    found = (item.texts.get(name) for name in (*names, "label", "dateLabel", "timeLabel"))
    return next((text for text in found if text), "") or item.path.rpartition(".")[2] or item.id


def size_text(size: int, language: str) -> str:
    """A size in bytes as people read it."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{shown((Decimal(size) / factor).quantize(Decimal('0.1')).normalize(), language)} {unit}"
    return f"{shown(size, language)} B"


def money_text(amount: Json, currency: str, language: str) -> str:
    """An amount with its currency as the language writes it."""
    number = number_in(amount)
    locale = locale_of(language)
    if number is None or locale is None or not currency:
        return f"{'' if amount is None else shown(amount, language)} {currency}".strip()
    from babel.numbers import format_currency

    return format_currency(number, currency, locale=locale)


def currency_sign(currency: str, language: str) -> str:
    """How the language writes a currency: its sign, or its code."""
    locale = locale_of(language)
    if locale is None:
        return currency
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency, locale=locale)


def moment_text(value: Json, subtype: str, zone: str, language: str) -> str:
    """A date, a time, or both as the language writes them, on the clock of the zone."""
    date, time = moment_shown(value, subtype, zone)
    if not date and not time:
        return "" if value is None else string(value)
    return " ".join(each for each in (shown(date, language) if date else "", _clock(time, language)) if each)


def _clock(time: str, language: str) -> str:
    locale = locale_of(language)
    if locale is None or not time:
        return time
    import datetime as dt

    from babel.dates import format_time

    try:
        return format_time(dt.time.fromisoformat(time), format="short", locale=locale)
    except ValueError:
        return time
