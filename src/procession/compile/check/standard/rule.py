"""What a rule of the standard is: its name, its clause, where it applies, and the function that finds breaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, final

import msgspec

from procession.compile.check.standard.document import Document
from procession.model.xml import XmlElement

Check: TypeAlias = Callable[[Document, XmlElement], Iterable[str]]
"""Gives a text for each breach by an element."""


@final
class Rule(msgspec.Struct, frozen=True, gc=False):
    """A constraint of the standard. `tags` are the elements that it is about, apart by spaces; `*` is all of them."""

    name: str
    clause: str
    """The clause of BPMN 2.0.2 that says it."""
    tags: str
    breach: str
    """What breaks it, as documentation tells it."""
    remedy: str
    check: Check
