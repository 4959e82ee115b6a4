"""Texts with FEEL in them: `{{ … }}`, `{{#if …}}…{{/if}}`, `{{#loop …}}…{{/loop}}`, or one expression behind `=`.

The result is text. It is escaped where it is put into a page, never here: a text does not know where it will stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias, cast, final

import msgspec

from procession.feel import MISSING, Expression, Lookup, Runtime, compile_expression, string
from procession.feel.errors import FeelSyntaxError

PARTS_MAX: Final = 1_000
"""Most expressions of one text."""
LOOPS_MAX: Final = 8
"""Deepest nesting of conditions and loops in a text."""

_TAG: Final = re.compile(r'\{\{((?:[^"}]|"(?:[^"\\]|\\.)*"|\}(?!\}))*)\}\}', re.DOTALL)


@final
class _Block(msgspec.Struct, gc=False):
    """A part between tags: `kind` is text, value, if or loop."""

    kind: str
    text: str = ""
    expression: Expression | None = None
    parts: list[_Block] = []


@final
class Template(msgspec.Struct, frozen=True, gc=False):
    """A compiled text. `constant` is its value where it has no expressions."""

    source: str
    expressions: tuple[Expression, ...] = ()
    whole: Expression | None = None
    parts: tuple[_Block, ...] = ()

    def render(self, lookup: Lookup, rt: Runtime) -> str:
        """The text for what a lookup gives. What has no value is nothing. Raises `BudgetExceeded`."""
        if self.whole is not None:
            return _shown(self.whole.function(lookup, rt))
        if not self.expressions:
            return self.source
        out: list[str] = []
        _render(self.parts, lookup, rt, out)
        return "".join(out)


_Compile: TypeAlias = Callable[[str], Expression]


def compile_template(text: str, compile: _Compile) -> Template:
    """The template of a text. Raises `FeelSyntaxError`."""
    if text.startswith("="):
        expression = compile(text[1:])
        return Template(text, (expression,), whole=expression)
    if "{{" not in text:
        return Template(text)
    found: list[Expression] = []
    root = _Block("text", parts=[])
    open_blocks = [root]
    end = 0
    for tag in _TAG.finditer(text):
        inside = open_blocks[-1].parts
        if tag.start() > end:
            inside.append(_Block("text", text[end : tag.start()]))
        end = tag.end()
        _take(tag[1].strip(), text, tag.start(), open_blocks, found=found, compile=compile)
    if len(open_blocks) > 1:
        raise FeelSyntaxError(f"{{{{#{open_blocks[-1].kind}}}}} is not closed", text, len(text))
    if end < len(text):
        root.parts.append(_Block("text", text[end:]))
    return Template(text, tuple(found), parts=tuple(root.parts))


def feel(text: str) -> Expression:
    """An expression of a form, which is in the dialect that modelers of forms know."""
    return compile_expression(text, dialect="camunda")


def _take(
    tag: str, text: str, at: int, open_blocks: list[_Block], *, found: list[Expression], compile: _Compile
) -> None:
    word, _, rest = tag.partition(" ")
    if word in {"/if", "/loop"}:
        if open_blocks[-1].kind != word[1:]:
            raise FeelSyntaxError(f"{{{{{word}}}}} closes nothing", text, at)
        open_blocks.pop()
        return
    if len(found) >= PARTS_MAX or len(open_blocks) > LOOPS_MAX:
        raise FeelSyntaxError("a text has too many expressions, or they are nested too deeply", text, at)
    kind = {"#if": "if", "#loop": "loop"}.get(word, "value")
    expression = compile(rest if kind != "value" else tag.removeprefix("="))
    found.append(expression)
    block = _Block(kind, expression=expression, parts=[])
    open_blocks[-1].parts.append(block)
    if kind != "value":
        open_blocks.append(block)


def _render(parts: tuple[_Block, ...] | list[_Block], lookup: Lookup, rt: Runtime, out: list[str]) -> None:
    for part in parts:
        if part.expression is None:
            rt.charge(1 + len(part.text) // 4)
            out.append(part.text)
            continue
        value = part.expression.function(lookup, rt)
        if part.kind == "value":
            text = _shown(value)
            rt.charge(1 + len(text) // 4)
            out.append(text)
        elif part.kind == "if" and value is True:
            _render(part.parts, lookup, rt, out)
        elif part.kind == "loop" and isinstance(value, list):
            for item in cast("list[object]", value):
                rt.charge(1)
                _render(part.parts, _with_item(item, lookup), rt, out)


def _with_item(item: object, outer: Lookup) -> Lookup:
    """A lookup in a loop: the entries of the item, `this` for itself, and what is around."""

    def look(name: str) -> object:
        if name == "this":
            return item
        if isinstance(item, dict) and name in item:
            return cast("dict[str, object]", item)[name]
        return outer(name)

    return look


def _shown(value: object) -> str:
    return "" if value is None or value is MISSING else string(value)
