"""What a template writes of a component: its shape, its texts, its attributes. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import msgspec
from markupsafe import Markup


@final
class Choice(msgspec.Struct, frozen=True, gc=False):
    """One option as a template writes it."""

    id: str
    value: str
    label: str
    chosen: bool


@final
class Link(msgspec.Struct, frozen=True, gc=False):
    """A document, a file or a picture: its name, and its address if it may have one."""

    label: str
    url: str = ""
    id: str = ""
    image: bool = False


@final
class Row(msgspec.Struct, frozen=True):
    """A row of a dynamic list; `remove` is the value of the button that takes it away, "" without one."""

    label: str
    remove: str
    lines: list[list[Drawn]]


@final
class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A component. `shape` names the macro that writes it; `attributes` are those of its main element; `hints` stand
    between label and field. `extra` is what only its shape knows."""

    shape: str
    type: str
    kind: str = ""
    path: str = ""
    id: str = ""
    name: str = ""
    label: str = ""
    optional: bool = False
    hints: list[str] = []
    help: str = ""
    errors: list[str] = []
    attributes: Mapping[str, str] = {}
    value: str = ""
    before: str = ""
    after: str = ""
    columns: int = 0
    choices: list[Choice] = []
    links: list[Link] = []
    lines: list[list[Drawn]] = []
    rows: list[Row] = []
    markup: Markup = Markup()
    extra: Mapping[str, object] = {}
