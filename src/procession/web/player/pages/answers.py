"""Answers as people read them: the lines of "check your answers"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from procession.base.values import Json
from procession.feel import string
from procession.forms.coercion import number_in
from procession.forms.components import COMPONENTS
from procession.forms.formats import is_image
from procession.forms.languages import shown
from procession.forms.verdict import is_empty, same
from procession.forms.view import Item, View
from procession.web.player.pages.values import file_label
from procession.web.player.pages.wording import label_of, moment_text, money_text, say
from procession.web.player.shown import Answer

_UNSAID: Final = frozenset({"", "rows"})
"""Kinds of values that have no line of their own: what has none, and lists, whose rows have."""


def answers(view: View, address: Callable[[str, str], str] = lambda page, path: "") -> list[Answer]:
    """A line for each field of the visible pages, in order. What is hidden, a code, or only computed is left out;
    what is `sensitive` is shown: who answered it reads it. `address` gives the link back, of a page's id and a path."""
    found: dict[str, Answer] = {}
    for page in view.pages:
        if not page.visible:
            continue
        for item, around in _said(page.items, "", view.language):
            if item.path not in found:
                label = f"{around}: {label_of(item)}" if around else label_of(item)
                text = value_text(item.value, item, view.language, view.zone)
                found[item.path] = Answer(item.path, label, text, page.id, address(page.id, item.path))
    return list(found.values())


def value_text(value: Json, item: Item | None, language: str, zone: str) -> str:
    """A value as people read it. A signature that was drawn stays the address of its image."""
    if is_empty(value):
        return say("not_answered", language)
    if item is None:
        return _any(value, language)
    if item.kind == "signature" and isinstance(value, str) and is_image(value):
        return value
    return _TEXTS.get(COMPONENTS[item.type].value, _of_any)(value, item, language, zone)


def _said(items: list[Item], around: str, language: str) -> Iterator[tuple[Item, str]]:
    """The fields that have a line, with the name of the row that they are in."""
    for item in items:
        if not item.visible or item.kind == "one-time-code":
            continue
        if COMPONENTS[item.type].value not in _UNSAID and item.type != "expression":
            yield item, around
        yield from _said(item.children, around, language)
        for number, row in enumerate(item.rows):
            label = item.texts.get("label") or say("entry", language)
            name = say("row", language, label=label, n=number + 1)
            yield from _said(row, f"{around}: {name}" if around else name, language)


def _number(value: Json, item: Item, language: str, zone: str) -> str:
    del zone
    number = number_in(value)
    if number is None:
        return string(value)
    currency = item.extensions.get("currency")
    if item.kind == "currency" and isinstance(currency, str):
        return money_text(number, currency, language)
    around = (item.texts.get("prefixAdorner", ""), shown(number, language), item.texts.get("suffixAdorner", ""))
    return " ".join(each for each in around if each)


def _boolean(value: Json, item: Item, language: str, zone: str) -> str:
    del item, zone
    return say("yes" if value is True else "no", language)


def _moment(value: Json, item: Item, language: str, zone: str) -> str:
    return moment_text(value, str(item.limits.get("subtype") or "date"), zone, language)


def _choice(value: Json, item: Item, language: str, zone: str) -> str:
    del zone
    return next((each.label for each in item.options or [] if same(each.value, value)), _any(value, language))


def _choices(value: Json, item: Item, language: str, zone: str) -> str:
    values = value if isinstance(value, list) else [value]
    return ", ".join(_choice(each, item, language, zone) for each in values)


def _files(value: Json, item: Item, language: str, zone: str) -> str:
    del item, language, zone
    return ", ".join(file_label(each) for each in (value if isinstance(value, list) else [value]))


def _text(value: Json, item: Item, language: str, zone: str) -> str:
    del language, zone
    around = (item.texts.get("prefixAdorner", ""), string(value), item.texts.get("suffixAdorner", ""))
    return " ".join(each for each in around if each)


def _of_any(value: Json, item: Item, language: str, zone: str) -> str:
    del item, zone
    return _any(value, language)


def _any(value: Json, language: str) -> str:
    if isinstance(value, bool):
        return say("yes" if value else "no", language)
    return string(value) if isinstance(value, dict | list) else shown(value, language)


_TEXTS: Final[dict[str, Callable[[Json, Item, str, str], str]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "moment": _moment,
    "choice": _choice,
    "choices": _choices,
    "files": _files,
}
