"""What is on a page of a journey: templates make HTML of it, the headless API gives it as JSON. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, final

import msgspec

from procession.base.values import Json
from procession.forms.verdict import Fault
from procession.forms.view import View

Kind: TypeAlias = Literal["page", "check", "begin", "open", "code", "wait", "end", "problem", "later"]
"""A page of a form; the answers to be checked; a start without a form; a link that is to be opened; a code that is to
be typed; while the process works; after it; what cannot be shown; and where somebody stops for now."""


@final
class Brand(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a tenant's pages look: CSS variables by name (`--accent`), addresses of a logo and of a sheet of fonts."""

    name: str = ""
    logo: str = ""
    variables: Mapping[str, str] = {}
    fonts: str = ""


@final
class Language(msgspec.Struct, frozen=True, gc=False):
    """A language that the page can be had in, called by its own name."""

    code: str
    name: str
    url: str


@final
class Conflict(msgspec.Struct, frozen=True, gc=False):
    """A field that was changed elsewhere since this page was loaded: what stood there, and what was sent and counts."""

    path: str
    theirs: Json
    mine: Json


@final
class Answer(msgspec.Struct, frozen=True, gc=False):
    """One line of "check your answers": what was asked, what was answered, where it can be changed."""

    path: str
    label: str
    text: str
    page: str
    url: str


@final
class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A page. `view` and `page` are of the form; `urls` are addresses by what they are for (`action`, `back`, `check`,
    `api`, `events`, `restart`). `csrf` goes back with every write. `faults` are at `page`, or at all pages for `check`.
    `text` is what is said where there is no form: a key of the built-in texts, with its `params`."""

    kind: Kind
    language: str
    direction: str = "ltr"
    title: str = ""
    task: str = ""
    page: str = ""
    view: View | None = None
    faults: list[Fault] = []
    conflicts: list[Conflict] = []
    answers: list[Answer] = []
    number: int = 0
    of: int = 0
    first: bool = False
    last: bool = False
    urls: Mapping[str, str] = {}
    csrf: str = ""
    brand: Brand = Brand()
    languages: list[Language] = []
    text: str = ""
    params: Mapping[str, str] = {}
    version: int = 0
    saved: bool = False
