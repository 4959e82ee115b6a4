"""Names with spaces or operators: those a process declares are put in back-ticks wherever an expression uses them.

So a compiled expression reads the same without knowing which names were declared around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from procession.compile.resolve import Resolved
from procession.feel.lexer import KEYWORDS, WORD, Names, is_regular
from procession.model.bpmn import Activity, MultiInstance, Process
from procession.model.data import DataItem, IoSpecification
from procession.model.events import Event
from procession.model.extension import Extension

_OPAQUE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|//[^\n\r]*|/\*(?:[^*]|\*(?!/))*\*/', re.DOTALL)
_RESERVED: Final = KEYWORDS | {"not", "instance", "of", "external"}
_WORDS: Final = re.compile(r"\w+")


def irregular_names(resolved: Resolved) -> Names:
    """The names of variables and data of a process that are not one plain word.

    A name with a word of the language in it (`terms and conditions`) counts only where it is a variable's:
    data that is merely drawn must not change what an expression means.
    """
    found = dict.fromkeys(name for name in _variables(resolved) if _is_irregular(name))
    for name in _data(resolved):
        if _is_irregular(name) and not _RESERVED.intersection(_WORDS.findall(name)):
            found.setdefault(name)
    return Names(found)


def quoted(text: str, names: Names) -> str:
    """The expression with each of the names in back-ticks."""
    if not names:
        return text
    parts: list[str] = []
    position = 0
    while position < len(text):
        match = _OPAQUE.match(text, position)
        if match is None:
            known = names.match(text, position) if _may_start(text, position) else None
            if known is not None:
                parts.append(f"`{known[0]}`")
                position = known[1]
                continue
            match = WORD.match(text, position)
        end = match.end() if match else position + 1
        parts.append(text[position:end])
        position = end
    return "".join(parts)


def _may_start(text: str, position: int) -> bool:
    return WORD.match(text, position) is not None


def _is_irregular(name: str) -> bool:
    return bool(name) and WORD.match(name) is not None and "`" not in name and not is_regular(name)


def _variables(resolved: Resolved) -> Iterator[str]:
    for view in resolved.scopes:
        for node in view.scope.nodes:
            yield from _assigned(node.extension)
            if isinstance(node, Activity) and isinstance(node.loop, MultiInstance):
                loop = node.loop.extension.loop
                if loop is not None:
                    yield loop.input_element
                    yield loop.output_collection


def _assigned(extension: Extension) -> Iterator[str]:
    for mapping in (*extension.inputs, *extension.outputs):
        yield from mapping.target.split(".")
    if extension.script is not None:
        yield extension.script.result_variable
    if extension.called_decision is not None:
        yield extension.called_decision.result_variable


def _data(resolved: Resolved) -> Iterator[str]:
    yield from _owned(resolved.process)
    yield from [store.name for store in resolved.definitions.data_stores]
    for view in resolved.scopes:
        yield from [item.name for item in view.scope.data_objects]
        yield from [item.name for item in view.scope.data_object_references]
        yield from [item.name for item in view.scope.data_store_references]
        for node in view.scope.nodes:
            if isinstance(node, Activity):
                yield from _owned(node)
            elif isinstance(node, Event):
                yield from _named(node.items)


def _owned(element: Process | Activity) -> Iterator[str]:
    if element.io is not None:
        yield from _specified(element.io)
    for item in element.properties:
        yield item.name


def _specified(io: IoSpecification) -> Iterator[str]:
    yield from _named(io.inputs)
    yield from _named(io.outputs)


def _named(items: tuple[DataItem, ...]) -> Iterator[str]:
    for item in items:
        yield item.name
