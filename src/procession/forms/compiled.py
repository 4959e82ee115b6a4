"""A form compiled once: every expression, text, pattern and limit in it, ready to be shown and to judge answers.

What must not live here: data. A compiled form is immutable and is shared by all who fill it in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, final

import msgspec

from procession.base.values import Json
from procession.feel import Expression
from procession.forms.components import COMPONENTS, ValueKind
from procession.forms.patterns import Pattern
from procession.forms.schema import Component, Form
from procession.forms.templates import Template

Texts: TypeAlias = Mapping[str, Template]
Unknown: Final = Component("", "", "", (), (), "", {})


@final
class Given(msgspec.Struct, frozen=True, gc=False):
    """A property that is a constant or an expression."""

    value: Json = None
    expression: Expression | None = None


@final
class Choice(msgspec.Struct, frozen=True, gc=False):
    """One option that stands in the form. `text` is the name of its label among the texts."""

    value: Json
    text: str


@final
class Options(msgspec.Struct, frozen=True, gc=False):
    """Where the options of a field come from: `values`, a path into the data, an expression, or the server."""

    values: tuple[Choice, ...] = ()
    key: tuple[str, ...] = ()
    expression: Expression | None = None
    source: str = ""


@final
class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a value must keep."""

    required: bool = False
    min_length: Given | None = None
    max_length: Given | None = None
    min: Given | None = None
    max: Given | None = None
    pattern: Pattern | None = None
    format: str = ""
    """email or phone, of `validationType`."""


@final
class Rule(msgspec.Struct, frozen=True, gc=False):
    """A cross-field rule: `when` must be true, else the message stands at `at`, relative to where the rule stands."""

    name: str
    when: Expression
    at: tuple[str, ...]
    texts: Texts
    translations: Mapping[str, Texts]


@final
class Node(msgspec.Struct, frozen=True, gc=False):
    """A component, compiled. `texts` are in the form's own language, `translations` by language."""

    component: Component
    children: tuple[Node, ...]
    texts: Texts
    translations: Mapping[str, Texts]
    extensions: Mapping[str, Json]
    hide: Expression | None = None
    readonly: Given = Given(False)
    disabled: Given = Given(False)
    limits: Limits = Limits()
    options: Options | None = None
    compute: Expression | None = None
    amount: Expression | None = None
    data: Given | None = None
    """What a table or a preview shows."""
    columns: Given | None = None
    accept: Given | None = None
    multiple: Given | None = None
    min_date: Expression | None = None
    max_date: Expression | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def type(self) -> str:
        """The type of the component."""
        return self.component.type

    @property
    def value(self) -> ValueKind:
        """What it gives to the data."""
        return COMPONENTS[self.component.type].value

    @property
    def kind(self) -> str:
        """The kind of field of its extension, or ""."""
        kind = self.extensions.get("kind")
        return kind if isinstance(kind, str) else ""

    @property
    def is_field(self) -> bool:
        """Whether people or the form give it a value."""
        return self.value not in {"", "rows"}

    def walk(self) -> Iterator[Node]:
        """The node and all inside it."""
        yield self
        for each in self.children:
            yield from each.walk()


@final
class Compiled(msgspec.Struct, frozen=True, gc=False):
    """A compiled form. `languages` are those that any text of it is translated to, its own first."""

    form: Form
    nodes: tuple[Node, ...]
    rules: tuple[Rule, ...]
    texts: Texts
    translations: Mapping[str, Texts]
    languages: tuple[str, ...]

    def walk(self) -> Iterator[Node]:
        """Every node in the order of the document."""
        for each in self.nodes:
            yield from each.walk()

    @property
    def pages(self) -> tuple[Node, ...]:
        """The pages; none where the form is one page as it stands."""
        return tuple(page for node in self.nodes if node.type == "multipage" for page in node.children)

    @property
    def show_submit(self) -> bool:
        """Whether the form has a button of its own to send it."""
        pages = next((node.component for node in self.nodes if node.type == "multipage"), None)
        given = self.form.raw.get("showSubmit") if pages is None else pages.raw.get("showSubmit")
        return given is not False
