"""A page as HTML: what the templates need of `Shown`, and the templates, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from procession.base.values import Json
from procession.forms.formats import is_image
from procession.web.player.pages.answers import value_text
from procession.web.player.pages.drawing import Drawer
from procession.web.player.pages.drawn import Drawn
from procession.web.player.pages.sanitising import safe_url
from procession.web.player.pages.styles import STYLE_NAME
from procession.web.player.pages.values import LANGUAGE
from procession.web.player.pages.wording import is_text, say
from procession.web.player.shown import Kind, Shown

STATIC: Final = "/play/static/"
"""Where the style sheet is, if `urls` does not say (`style`)."""
SCREEN_ID: Final = "procession-screen"
"""The element with the JSON of the screen."""
CODE_ID: Final = "f-code"
_TEMPLATES: Final[dict[Kind, str]] = {
    "page": "page.html",
    "check": "check.html",
    "begin": "said.html",
    "open": "said.html",
    "code": "code.html",
    "wait": "wait.html",
    "end": "said.html",
    "problem": "said.html",
    "later": "later.html",
}
_BUTTONS: Final[dict[str, tuple[str, str]]] = {"begin": ("begin_button", "begin"), "open": ("next", "open")}
"""Kind -> the text of its button, and the action that it sends."""


@final
class _Problem(msgspec.Struct, frozen=True):
    """A line of the summary: the message, and where it leads."""

    message: str
    url: str


@final
class _Content(msgspec.Struct, kw_only=True):
    """What is on a page beside its frame."""

    heading: str
    lines: list[list[Drawn]] = []
    problems: list[_Problem] = []
    conflicts: list[str] = []
    primary: str = ""
    primary_label: str = ""
    back_label: str = ""
    files: bool = False
    own_buttons: bool = False
    said: str = ""


def page_html(shown: Shown, screen: bytes = b"", origins: str = "") -> str:
    """The whole page. `screen` is the JSON of the screen, for the script that enhances the page; it is data there.
    `origins`, with spaces, are those that the script speaks to where they frame the page."""
    content = _page(shown) if shown.kind == "page" else _other(shown)
    title = (
        content.heading if content.heading == shown.title or not shown.title else f"{content.heading} – {shown.title}"
    )
    if content.problems:
        title = say("error_title", shown.language, title=title)

    def text(name: str, **params: Json) -> str:
        return say(name, shown.language, **params)

    return _template(_TEMPLATES[shown.kind]).render(
        shown=shown,
        content=content,
        document_title=title,
        say=text,
        style=shown.urls.get("style") or STATIC + STYLE_NAME,
        logo=safe_url(shown.brand.logo, "src"),
        fonts=safe_url(shown.brand.fonts, "src"),
        button=_BUTTONS.get(shown.kind),
        language_field=LANGUAGE,
        screen_id=SCREEN_ID,
        origins=origins,
        # `<` begins no end of the element then; JSON reads the escape as the same sign.
        screen=screen.decode().replace("<", "\\u003c"),
        is_image=is_image,
    )


def _page(shown: Shown) -> _Content:
    view = shown.view
    page = view.page(shown.page) if view is not None else None
    if view is None or page is None:
        return _Content(heading=shown.title)
    primary = ("check" if "check" in shown.urls else "submit") if shown.last else "next"
    drawer = Drawer(view, shown.faults, primary)
    lines = drawer.lines(page.items)
    texts = page.texts
    own = texts.get({"next": "nextLabel", "submit": "submitLabel"}.get(primary, ""))
    types = {each.type for each in page.walk() if each.visible}
    return _Content(
        heading=texts.get("label") or shown.title or view.title,
        lines=lines,
        problems=_problems(shown, drawer.labels, {path: f"#{id}" for path, id in drawer.anchors.items()}),
        conflicts=_conflicts(shown, drawer.labels),
        primary="" if drawer.own_submit or (shown.last and not view.show_submit) else primary,
        primary_label=own or say(primary, shown.language),
        back_label=texts.get("backLabel") or say("back", shown.language),
        files="filepicker" in types,
        own_buttons=not types.isdisjoint({"dynamiclist", "button"}),
    )


def _other(shown: Shown) -> _Content:
    """What stands where there is no page of a form."""
    kind = shown.kind
    key = shown.text or kind
    said = say(key if is_text(key) else kind, shown.language, **_params(shown)) if is_text(kind) else ""
    heading = shown.title if kind in {"begin", "end"} and shown.title else say(f"{kind}_title", shown.language)
    if kind == "check":
        heading, said = say("check", shown.language), ""
    labels = {each.path: each.label for each in shown.answers}
    urls = {each.path: each.url for each in shown.answers}
    if kind == "code":
        labels, urls = {}, {each.path: f"#{CODE_ID}" for each in shown.faults}
    if kind == "later":
        labels, urls = {}, {each.path: f"#f-{each.path}" for each in shown.faults}
    return _Content(
        heading=heading,
        said=said,
        problems=_problems(shown, labels, urls),
        conflicts=_conflicts(shown, labels),
    )


def _problems(shown: Shown, labels: Mapping[str, str], urls: Mapping[str, str]) -> list[_Problem]:
    """The lines of the summary. Many faults have the same words, so each names its field."""
    return [
        _Problem(
            say("problem_at", shown.language, label=label, message=each.message)
            if (label := labels.get(each.path))
            else each.message,
            urls.get(each.path, ""),
        )
        for each in shown.faults
    ]


def _conflicts(shown: Shown, labels: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for each in shown.conflicts:
        item = None
        if shown.view is not None:
            walked = (item for page in shown.view.pages for item in page.walk())
            item = next((one for one in walked if one.path == each.path and one.visible), None)
        zone = shown.view.zone if shown.view is not None else "UTC"
        theirs, mine = (value_text(value, item, shown.language, zone) for value in (each.theirs, each.mine))
        found.append(
            say(
                "conflict",
                shown.language,
                label=labels.get(each.path, each.path),
                theirs=f"“{theirs}”",
                mine=f"“{mine}”",
            )
        )
    return found


def _params(shown: Shown) -> dict[str, Json]:
    """Parameters are texts in JSON; `n` is a number, for the plural."""
    return {
        name: int(text) if name == "n" and text.isascii() and text.isdigit() else text
        for name, text in shown.params.items()
        if name not in {"name", "language"}
    }


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("procession.web.player.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
