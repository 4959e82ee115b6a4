"""A bare HTML of pages, until the templates are here: the same names, fields and actions, and nothing beautiful."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from procession.base.values import Json
from procession.feel import string
from procession.forms.components import COMPONENTS
from procession.forms.view import Item, Page, View
from procession.web.player.shown import Answer, Shown

TEXTS: Final = {
    "unsent": "The message could not be sent. Try again in a moment.",
    "used": "This link was used already.",
    "expired": "This link has expired.",
    "wrong_code": "This code is not right.",
    "attempts": "Too many wrong attempts.",
    "nothing": "There is nothing for you to do at the moment.",
    "no_form": "This step has no form that can be shown here.",
}


def page_html(shown: Shown) -> str:
    """The page."""
    said = "".join(f"<p>{escape(each.message)}</p>" for each in shown.faults)
    said += f"<p>{escape(TEXTS.get(shown.text, shown.text))}</p>" if shown.text else ""
    page = shown.view.page(shown.page) if shown.view is not None else None
    fields = "".join(_field(item) for item in page.walk() if item.path and item.visible) if page is not None else ""
    lines = "".join(
        f'<p>{escape(a.label)}: {escape(a.text)} <a href="{escape(a.url)}">…</a></p>' for a in shown.answers
    )
    actions = {"page": ("back", "next", "save", "submit"), "check": ("submit",), "code": ("code", "resend")}
    buttons = "".join(
        f'<button name="action" value="{each}">{each}</button>' for each in actions.get(shown.kind, ("go",))
    )
    hidden = {"csrf": shown.csrf, "version": str(shown.version), "lang": shown.language}
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in hidden.items())
    code = '<input name="code" inputmode="numeric">' if shown.kind == "code" else ""
    form = f'<form method="post" action="{escape(shown.urls.get("action", ""))}">{inputs}{fields}{code}{buttons}</form>'
    reload = f'<meta http-equiv="refresh" content="3;url={escape(shown.urls["self"])}">' if shown.kind == "wait" else ""
    return (
        f'<!doctype html><html lang="{escape(shown.language)}" dir="{escape(shown.direction)}"><head>'
        f'<meta charset="utf-8">{reload}<title>{escape(shown.title or shown.kind)}</title></head>'
        f'<body data-kind="{shown.kind}"><h1>{escape(shown.title or shown.kind)}</h1>{said}{lines}'
        f"{form if 'action' in shown.urls else ''}</body></html>"
    )


def _field(item: Item) -> str:
    value, label = "" if item.value is None else string(item.value), item.texts.get("label", "")
    return f'<label>{escape(label)} <input name="{escape("f:" + item.path)}" value="{escape(value)}"></label>'


def form_values(page: Page, body: Mapping[str, list[str]]) -> dict[str, Json]:
    """The values of a page's fields that were posted, by path."""
    found: dict[str, Json] = {}
    for item in page.walk():
        given = body.get(f"f:{item.path}")
        if given and item.path and item.visible:
            found[item.path] = given[-1] in {"true", "on"} if COMPONENTS[item.type].value == "boolean" else given[-1]
    return found


def answers(view: View) -> list[Answer]:
    """What was answered at all visible pages; the addresses are put in by who knows them."""
    return [
        Answer(item.path, item.texts.get("label", ""), "" if item.value is None else string(item.value), page.id, "")
        for page in view.pages
        if page.visible
        for item in page.walk()
        if item.visible and COMPONENTS[item.type].value not in {"", "rows"}
    ]
