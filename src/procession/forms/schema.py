"""A form as it was read: typed structs over its JSON, which stays the truth, so that nothing of it is lost.

Whoever needs a property that has no field here reads `raw`. What must not live here: expressions, and what is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import final

import msgspec

from procession.base.diagnostics import Span
from procession.base.values import Json
from procession.forms.extensions import extensions_of


@final
class Component(msgspec.Struct, frozen=True, gc=False):
    """A component. `place` is its JSON pointer, `name` how it is called in findings and translations.

    `key` and `path` are steps; a component without one has none. `components` are those inside it.
    """

    type: str
    id: str
    name: str
    key: tuple[str, ...]
    path: tuple[str, ...]
    place: str
    raw: Mapping[str, Json]
    components: tuple[Component, ...] = ()

    def walk(self) -> Iterator[Component]:
        """The component and all inside it, in the order of the document."""
        yield self
        for each in self.components:
            yield from each.walk()

    def text(self, name: str) -> str:
        """A property that is a text; "" for any other."""
        value = self.raw.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str, default: bool = False) -> bool:
        """A property that is a boolean."""
        value = self.raw.get(name)
        return value if isinstance(value, bool) else default

    def inner(self, name: str) -> Mapping[str, Json]:
        """A property that is an object; an empty one for any other."""
        value = self.raw.get(name)
        return value if isinstance(value, dict) else {}


@final
class Form(msgspec.Struct, frozen=True, gc=False):
    """A form. `source` are its bytes as they came, `places` line and column by JSON pointer."""

    id: str
    version_tag: str
    schema_version: int
    components: tuple[Component, ...]
    raw: Mapping[str, Json]
    source: bytes
    file: str
    places: Mapping[str, tuple[int, int]]

    @property
    def digest(self) -> str:
        """The hash of its bytes, which tells one version from another."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def extensions(self) -> dict[str, Json]:
        """The extensions of the form itself."""
        return extensions_of(self.raw)

    @property
    def language(self) -> str:
        """The language of the texts that stand in the components."""
        given = self.extensions.get("language")
        return given if isinstance(given, str) and given else "en"

    def walk(self) -> Iterator[Component]:
        """Every component in the order of the document."""
        for each in self.components:
            yield from each.walk()

    def span(self, place: str) -> Span:
        """Where a JSON pointer leads; the nearest thing around it where it leads nowhere."""
        while place not in self.places and place:
            place = place.rpartition("/")[0]
        line, column = self.places.get(place, (0, 0))
        return Span(self.file, line, column)

    def to_bytes(self) -> bytes:
        """The form as it came, byte by byte."""
        return self.source
