"""What a module offers, as declarations of TypeScript: its source without bodies and values.

Types that the source writes stay as they are written. Where it writes none, only what is plain is inferred (a text, a
number, a truth); the rest is `any`, and parameters of JavaScript may be left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, final

from procession.base.failure import BadValue
from procession.scripts.library import resolved
from procession.scripts.prepared import Prepared
from procession.scripts.syntax import Source, parsed
from procession.scripts.typescript import erased_whole

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS: Final = {
    "number": "number",
    "string": "string",
    "template_string": "string",
    "true": "boolean",
    "false": "boolean",
    "regex": "RegExp",
}
_FUNCTIONS: Final = frozenset(
    "function_declaration generator_function_declaration function_expression generator_function arrow_function".split()
)
_CLASSES: Final = frozenset("class class_declaration abstract_class_declaration".split())
_MODIFIERS: Final = frozenset("accessibility_modifier static readonly abstract get set ? !".split())
_TYPES: Final = ("type_annotation", "type_predicate_annotation", "asserts_annotation")
_SIGNATURES: Final = frozenset("method_signature abstract_method_signature index_signature".split())


def declared(module: Prepared) -> str:
    """The lines that stand in `declare module "…" { }`. The module must have been prepared, so it can be read."""
    source = Source.of(module.source, module.name)
    lines = _Declarations(source, typescript=module.typescript)
    for node in parsed(source).children:
        lines.take(node)
    return lines.text()


@final
class _Declarations:
    """The declarations found so far, and the comment that stands before the next one."""

    def __init__(self, source: Source, *, typescript: bool) -> None:
        self._source = source
        self._typescript = typescript
        self._lines: list[str] = []
        self._comment = ""
        self._signed: set[str] = set()
        """Functions whose overloads are declared: the one that carries them out is not offered."""

    def text(self) -> str:
        # Without it, all that is declared in a module would be exported.
        return "".join(f"  {line}\n" for line in [*self._lines, "export {};"])

    def take(self, node: Node) -> None:
        """One statement of the module."""
        if node.type == "comment":
            text = self._source.text(node)
            self._comment = f"{text}\n  " if text.startswith("/**") else ""
            return
        before = len(self._lines)
        if node.type == "import_statement":
            self._from(node, node.child_by_field_name("source"))
        elif node.type == "export_statement":
            self._export(node)
        elif erased_whole(node):
            self._type(node, "")
        else:
            self._value(node, "")
        if len(self._lines) > before:
            self._lines[before] = self._comment + self._lines[before]
        self._comment = ""

    def _export(self, node: Node) -> None:
        source = node.child_by_field_name("source")
        inner = node.child_by_field_name("declaration") or node.child_by_field_name("value")
        if source is not None:
            self._from(node, source)
        elif inner is None:
            self._lines.append(self._source.text(node).rstrip(";") + ";")
        elif not any(child.type == "default" for child in node.children):
            self._type(inner, "export ") if erased_whole(inner) else self._value(inner, "export ")
        elif erased_whole(inner):
            self._type(inner, "export default ")
        elif inner.type in _FUNCTIONS - {"arrow_function"} or inner.type in _CLASSES:
            self._value(inner, "export default ")
        else:
            self._lines += [f"const _default: {self._type_of(inner)};", "export default _default;"]

    def _from(self, node: Node, source: Node | None) -> None:
        """An import, or an export of another module: paths are written as names, which stand for themselves."""
        if source is None or (node.type == "import_statement" and node.child_count <= 3):
            return
        name = self._source.text(source)[1:-1]
        try:
            name = resolved(name, self._source.name)
        except BadValue:
            return
        start = self._source.data[node.start_byte : source.start_byte].decode()
        self._lines.append(f"{start}{json.dumps(name, ensure_ascii=False)};")

    def _type(self, node: Node, before: str) -> None:
        """A declaration of types alone, as it is written."""
        text = self._source.text(node)
        if node.type == "ambient_declaration":
            if any(child.type in {"global", "module"} for child in node.children):
                return
            text = text.removeprefix("declare").lstrip()
        if node.type == "function_signature":
            name = node.child_by_field_name("name")
            self._signed.update([self._source.text(name)] if name is not None else [])
        self._lines.append(before + text)

    def _value(self, node: Node, before: str) -> None:
        """A function, a class or variables; other statements offer nothing."""
        name = node.child_by_field_name("name")
        text = self._source.text(name) if name is not None else ""
        if node.type in _FUNCTIONS:
            if text not in self._signed or not text:
                self._lines.append(f"{before}function {text}{self._signature(node)};")
        elif node.type in _CLASSES:
            self._lines.append(before + self._class(node, text))
        elif node.type in {"lexical_declaration", "variable_declaration"}:
            kind = node.children[0].type
            for declarator in node.named_children:
                for line in self._variables(declarator):
                    self._lines.append(f"{before}{kind} {line};")

    def _variables(self, declarator: Node) -> list[str]:
        pattern = declarator.child_by_field_name("name")
        if declarator.type != "variable_declarator" or pattern is None:
            return []
        if pattern.type == "identifier":
            kind = self._annotation(declarator)
            return [f"{self._source.text(pattern)}: {kind or self._type_of(declarator.child_by_field_name('value'))}"]
        found: list[str] = []
        waiting = [pattern]
        while waiting:
            node = waiting.pop()
            if node.type in {"identifier", "shorthand_property_identifier_pattern"}:
                found.append(f"{self._source.text(node)}: any")
            elif node.type in {"assignment_pattern", "object_assignment_pattern"}:
                waiting.append(node.children[0])
            elif node.type == "pair_pattern":
                waiting.append(node.children[-1])
            else:
                waiting.extend(reversed(node.named_children))
        return found

    def _type_of(self, value: Node | None) -> str:
        """The type of a value, where it is plain."""
        if value is None:
            return "any"
        if value.type in _FUNCTIONS:
            return self._signature(value, arrow=True)
        if value.type == "as_expression" and value.children[-1].is_named:
            return self._source.text(value.children[-1])
        return _LITERALS.get(value.type, "any")

    def _annotation(self, node: Node, field: str = "type") -> str:
        """A type that is written, without its colon."""
        kind = node.child_by_field_name(field) if self._typescript else None
        return self._source.text(kind)[1:].strip() if kind is not None and kind.type in _TYPES else ""

    def _signature(self, node: Node, *, arrow: bool = False, result: bool = True) -> str:
        """`<T>(a: T): R` of a function or a method."""
        generic = node.child_by_field_name("type_parameters")
        kind = self._annotation(node, "return_type") or _result(node)
        end = f"{' => ' if arrow else ': '}{kind}" if result else ""
        return f"{self._source.text(generic) if generic is not None else ''}({self._parameters(node)}){end}"

    def _parameters(self, node: Node) -> str:
        single = node.child_by_field_name("parameter")
        if single is not None:
            return f"{self._source.text(single)}{'' if self._typescript else '?'}: any"
        parameters = node.child_by_field_name("parameters")
        written: list[str] = []
        # From the last to the first: only what nothing required follows may be left out.
        required = False
        for at, child in reversed(list(enumerate(parameters.named_children if parameters is not None else []))):
            pattern = child.child_by_field_name("pattern")
            if pattern is None:
                continue
            value = child.child_by_field_name("value")
            kind = self._annotation(child) or self._type_of(value)
            name = self._source.text(pattern) if pattern.type in {"identifier", "this"} else f"argument{at}"
            left_out = child.type == "optional_parameter" or value is not None
            if pattern.type == "rest_pattern":
                name = f"...{self._source.text(pattern.named_children[0])}"
                written.append(f"{name}: {kind if kind != 'any' else 'any[]'}")
            elif left_out or not self._typescript:
                written.append(f"{name}: {_either(kind)}" if required else f"{name}?: {kind}")
            else:
                required = required or pattern.type != "this"
                written.append(f"{name}: {kind}")
        return ", ".join(reversed(written))

    def _class(self, node: Node, name: str) -> str:
        generic = node.child_by_field_name("type_parameters")
        heritage = next((child for child in node.named_children if child.type == "class_heritage"), None)
        body = node.child_by_field_name("body")
        head = "abstract class" if node.type == "abstract_class_declaration" else "class"
        head += f" {name}" if name else ""
        head += self._source.text(generic) if generic is not None else ""
        head += f" {self._heritage(heritage)}" if heritage is not None else ""
        members = body.named_children if body is not None else []
        signed = {self._member_name(member) for member in members if member.type == "method_signature"}
        lines = (self._member(member, signed) for member in members)
        return f"{head} {{\n{''.join(f'    {line};{chr(10)}' for line in lines if line)}  }}"

    def _heritage(self, heritage: Node) -> str:
        """What a class extends: a name, or nothing that could be said here."""
        clauses = [child for child in heritage.named_children if child.type in {"extends_clause", "implements_clause"}]
        kept: list[str] = []
        for clause in clauses:
            value = clause.child_by_field_name("value")
            if value is None or value.type in {"identifier", "member_expression"}:
                kept.append(self._source.text(clause))
        return " ".join(kept)

    def _member_name(self, member: Node) -> str:
        name = member.child_by_field_name("name")
        return self._source.text(name) if name is not None else ""

    def _member(self, member: Node, signed: set[str]) -> str:
        """A field or a method without its value or body; "" for what nobody else sees."""
        if member.type in _SIGNATURES:
            return self._source.text(member)
        name = member.child_by_field_name("name")
        if name is None or name.type in {"private_property_identifier", "computed_property_name"}:
            return ""
        words = [child for child in member.children if child.type in _MODIFIERS and child.start_byte < name.start_byte]
        before = "".join(f"{self._source.text(word)} " for word in words)
        text = before + self._source.text(name)
        if member.type == "public_field_definition":
            optional = "?" if any(child.type == "?" for child in member.children) else ""
            kind = self._annotation(member) or self._type_of(member.child_by_field_name("value"))
            return f"{text}{optional}: {kind}"
        if self._source.text(name) in signed or member.type != "method_definition":
            return ""
        accessor = {word.type for word in words}
        plain = "set" in accessor or self._source.text(name) == "constructor"
        signature = self._signature(member, result=not plain)
        if "set" in accessor:
            # A setter takes exactly one.
            signature = signature.replace("?:", ":", 1)
        optional = "?" if any(child.type == "?" for child in member.children) else ""
        return f"{text}{optional}{signature}"


def _either(kind: str) -> str:
    """A type, or undefined. A function's type wants brackets."""
    return "any" if kind == "any" else f"({kind}) | undefined"


def _result(node: Node) -> str:
    """What a function without a type gives."""
    words = {child.type for child in node.children}
    generator = "*" in words
    if "async" in words:
        return "AsyncGenerator<any, any, any>" if generator else "Promise<any>"
    return "Generator<any, any, any>" if generator else "any"
