"""TypeScript to JavaScript by blanking: types become spaces, so nothing moves and no source map is needed.

Only what can be erased is read, the rule that TypeScript calls `erasableSyntaxOnly`: enums, namespaces with values,
parameter properties, decorators, `import x = require()` and `<T>value` are refused, each with what to write instead.
As with `verbatimModuleSyntax`, an import stays unless it says `type`.

A line end that ended a statement must still end it when the type before it is gone (`let a = b as T`, then a line that
begins with `(`). So a `;` stands at the first place of what was erased wherever a statement or a member of a class
ended, or could have ended, there; and brackets move to where a line end inside a type would now cut an arrow function.

The grammar does not know all of TypeScript: `import("m").A<B>`, `x as A.B.C`, `export type *`, `static` index
signatures, fields without `;` before a generator, `accessor` and `using` are refused as if they were mistakes. Nothing
is misread in silence: what the grammar is known to read otherwise than the compiler is refused with a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from procession.scripts.syntax import Edits, Source, nodes

if TYPE_CHECKING:
    from tree_sitter import Node

_ANNOTATIONS: Final = frozenset(
    "type_annotation type_predicate_annotation asserts_annotation opting_type_annotation omitting_type_annotation"
    " adding_type_annotation type_arguments type_parameters implements_clause".split()
)
"""Erased wherever they stand."""
_STATEMENTS: Final = frozenset(
    "interface_declaration type_alias_declaration ambient_declaration function_signature".split()
)
"""Declarations that are types alone."""
_MEMBERS: Final = frozenset("abstract_method_signature method_signature index_signature".split())
"""Members of classes that are types alone."""
_MODIFIERS: Final = frozenset("accessibility_modifier override_modifier readonly abstract declare".split())
_NOT_THERE: Final = frozenset(("abstract", "declare"))
"""Modifiers of fields that are types alone."""
_CONTEXTUAL: Final = frozenset("abstract declare interface module namespace type".split())
"""Words that a line end after them makes names."""
_ENDING: Final = frozenset(
    "expression_statement lexical_declaration variable_declaration return_statement throw_statement export_statement"
    " public_field_definition".split()
)
"""What a line end may end."""
_MOVING: Final = frozenset(("import_statement", "export_statement"))
_CASTS: Final = frozenset(("as_expression", "satisfies_expression"))
_REFUSED: Final[dict[str, tuple[str, str]]] = {
    "enum_declaration": ("an enum", "write an object: `const Color = {red: 0} as const`"),
    "decorator": ("a decorator", "call the function that it stands for"),
    "type_assertion": ("an assertion `<T>value`", "write `value as T`"),
    "import_alias": ("`import x = …`", "write `const x = …`"),
}
"""Kind of a node -> what it is called, and the remedy."""
_TYPE_ONLY: Final = frozenset(("interface_declaration", "type_alias_declaration", "comment", "ambient_declaration"))
_NO_JAVASCRIPT: Final = _STATEMENTS | {"enum_declaration", "internal_module", "decorator", "abstract_class_declaration"}
_ARITHMETIC: Final = re.compile(rb"(?:\s|/\*.*?\*/|//[^\n]*)*(?:\*|/(?![/*])|%|\+(?!\+)|-(?!-)|<<|>>)", re.DOTALL)
"""Operators that bind more tightly than `as`."""
_GOES_ON: Final = ("this would go on with the type before it", "end that with `;` or brackets")
_AS_TYPESCRIPT: Final = "say that it is TypeScript, or leave the type out"


def typed(source: Source, root: Node) -> None:
    """Refuse a JavaScript source that declares types. Raises `Refused`.

    Only what is plain is refused here: `a < b > (c)` compares, and the engine says what is wrong with the rest."""
    for node, _ in nodes(root):
        if node.type in _NO_JAVASCRIPT or (
            node.type in {"import_statement", "export_statement"} and erased_whole(node)
        ):
            raise source.refused(node, "script-feature", f"`{source.shown(node)}` is no JavaScript", _AS_TYPESCRIPT)
        if node.type in {"variable_declarator", "required_parameter", "optional_parameter"}:
            kind = next((child for child in node.children if child.type == "type_annotation"), None)
            if kind is not None:
                what = f"the type `{source.shown(kind)}` is no JavaScript"
                raise source.refused(kind, "script-feature", what, _AS_TYPESCRIPT)


def erase(source: Source, root: Node, edits: Edits) -> None:
    """Blank all types of a source. Raises `Refused` for what cannot be erased."""
    eraser = _Eraser(source, edits)
    stack = [root]
    while stack:
        stack.extend(reversed(eraser.visit(stack.pop())))
    eraser.finish()


def is_type(node: Node) -> bool:
    """Whether a node is a type through and through: what it names is not there when the code runs."""
    return node.type in _ANNOTATIONS or node.type in _STATEMENTS


def erased_whole(node: Node) -> bool:
    """Whether nothing is left of a statement: it declares types, or imports or exports them alone."""
    if node.type in _STATEMENTS or _namespace(node) is not None:
        return True
    if node.type not in _MOVING:
        return False
    if len(node.children) > 1 and node.children[1].type == "type":
        return True
    inner = node.child_by_field_name("declaration")
    return inner is not None and (inner.type in _STATEMENTS or inner.type in {"internal_module", "module"})


def _namespace(node: Node) -> Node | None:
    """The namespace that a statement declares, if it does."""
    if node.type == "expression_statement" and node.child_count:
        node = node.children[0]
    return node if node.type in {"internal_module", "module"} else None


@final
class _Eraser:
    """What was erased of a source so far, and where statements end."""

    def __init__(self, source: Source, edits: Edits) -> None:
        self._source = source
        self._edits = edits
        self._erased: dict[int, tuple[int, bool]] = {}
        """Where an erased part ends -> where it begins, and whether a `;` stands there."""
        self._ends: set[int] = set()
        """Where statements and fields end without a `;`."""

    def visit(self, node: Node) -> Sequence[Node]:
        """Erase what a node says of types; which of its children are to be visited."""
        kind = node.type
        if any(child.type == "import_require_clause" for child in node.children if kind == "import_statement"):
            raise self._refused(node, "`import x = require()` cannot be erased", 'write `import x from "…"`')
        if not node.child_count or (kind in {"import_statement", "export_clause"} and not erased_whole(node)):
            return ()  # `modules` writes these anew
        if kind in _REFUSED:
            what, remedy = _REFUSED[kind]
            raise self._refused(node, f"{what} cannot be erased", remedy)
        if erased_whole(node):
            self._whole_statement(node)
            return ()
        if kind in _ANNOTATIONS:
            self._type(node)
            return ()
        if kind in _MEMBERS:
            self._blank(node.start_byte, node.end_byte, ends=True)
            return ()
        if kind in _ENDING and node.children[-1].type != ";":
            self._ends.add(node.end_byte)
        visit = _VISITS.get(kind)
        return node.children if visit is None else visit(self, node)

    def finish(self) -> None:
        """Write what was erased, with a `;` wherever a statement ended with it."""
        for end, (start, mark) in self._erased.items():
            # Erased parts may follow each other, as in `a! as T`: the first of them stands next to what stays.
            self._edits.blank(start, end, ";" if mark or end in self._ends else "")

    def arrow(self, node: Node) -> Sequence[Node]:
        """`(a):⏎T => b`: no line end may stand before an arrow, or between `return` and what it returns."""
        parameters = node.child_by_field_name("parameters")
        generic = node.child_by_field_name("type_parameters")
        result = node.child_by_field_name("return_type")
        if parameters is None:
            return node.children
        if generic is not None and self._broken(generic.start_byte, parameters.start_byte):
            self._readable(generic)
            self._edits.blank(generic.start_byte, parameters.start_byte + 1, "(")
        elif generic is not None:
            self._type(generic)
        if result is not None and self._broken(parameters.end_byte, result.end_byte):
            self._readable(result)
            self._edits.blank(parameters.end_byte - 1, result.end_byte, last=")")
        elif result is not None:
            self._type(result)
        return [child for child in node.children if child not in (generic, result)]

    def cast(self, node: Node) -> Sequence[Node]:
        """`value as T`, `value satisfies T`, `value as const`."""
        value, word, *_ = (child for child in node.children if child.type != "comment")
        for part in node.children:
            if part.start_byte > word.start_byte:
                self._readable(part)
        if _ARITHMETIC.match(self._source.data, node.end_byte):
            # `a < b as T + c` is `(a < b) + c` to TypeScript, and would be `a < (b + c)` without the type.
            raise self._refused(value, f"`{self._source.shown(node)}` is calculated with", "put it into parentheses")
        self._blank(word.start_byte, node.end_byte)
        return (value,)

    def asserted(self, node: Node) -> Sequence[Node]:
        """`value!`"""
        mark = node.children[-1]
        self._blank(mark.start_byte, mark.end_byte)
        return self.applied(node)

    def applied(self, node: Node) -> Sequence[Node]:
        """`a as T` and on the next line `(b)`: the grammar reads a call, TypeScript two statements."""
        if node.children[0].type in _CASTS:
            raise self._refused(node.children[1], *_GOES_ON)
        if node.children[0].type == "import":
            # Also where the grammar compares, and TypeScript has arguments of types: `f<import("m").A>(b)`.
            raise self._refused(node, "`import()` is not run here", "import it at the top")
        return node.children

    def compared(self, node: Node) -> Sequence[Node]:
        """``f<T>`text` ``: the grammar compares, TypeScript calls."""
        left, operator, right = node.children[0], node.children[1].type, node.children[-1].type
        if (operator, right, left.type) == (">", "template_string", "binary_expression"):
            raise self._refused(left, "a template with arguments of types cannot be erased", "leave the arguments out")
        return node.children

    def parameter(self, node: Node) -> Sequence[Node]:
        """`a?: T`"""
        for child in node.children:
            if child.type in {"accessibility_modifier", "override_modifier", "readonly"}:
                what = "a property that is declared as a parameter cannot be erased"
                raise self._refused(child, what, "declare it as a field and set it")
            if child.type == "?":
                self._blank(child.start_byte, child.end_byte)
        return node.children

    def parameters(self, node: Node) -> Sequence[Node]:
        """`this: T` is no parameter: it goes with its comma."""
        first = next((child for child in node.children if child.type == "required_parameter"), None)
        pattern = first.child_by_field_name("pattern") if first is not None else None
        if first is None or pattern is None or pattern.type != "this":
            return node.children
        after = [child for child in node.children if child.start_byte >= first.end_byte]
        comma = next((child for child in after if child.type == ","), first)
        self._blank(first.start_byte, comma.end_byte)
        return [child for child in after if child != comma]

    def member(self, node: Node) -> Sequence[Node]:
        """Modifiers, `?` and `!` of a field or a method; what is abstract or declared is nothing but a type."""
        name = node.child_by_field_name("name") or node.children[0]
        before = [child for child in node.children if child.start_byte < name.start_byte]
        if node.type == "public_field_definition" and any(child.type in _NOT_THERE for child in before):
            self._blank(node.start_byte, node.end_byte, ends=True)
            return ()
        for child in before:
            if child.type == "accessor":
                raise self._refused(child, "`accessor` is not run here", "write `get` and `set`")
            if child.type in _MODIFIERS:
                # `private [name] = 1` after a field without `;` would become an index into its value.
                self._blank(child.start_byte, child.end_byte, ends=child.start_byte == node.start_byte)
        for child in node.children:
            if child.type in {"?", "!"}:
                self._blank(child.start_byte, child.end_byte)
        return [child for child in node.children if child.type not in _MODIFIERS]

    def declarator(self, node: Node) -> Sequence[Node]:
        """`let a!: T`"""
        for child in node.children[1:]:
            if child.type == "!":
                self._blank(child.start_byte, child.end_byte)
        return node.children

    def abstract(self, node: Node) -> Sequence[Node]:
        """`abstract class`"""
        word = next(child for child in node.children if child.type == "abstract")
        self._blank(word.start_byte, word.end_byte)
        return node.children

    def _whole_statement(self, node: Node) -> None:
        space = _namespace(node.child_by_field_name("declaration") or node)
        if space is not None and not self._types_alone(space):
            raise self._refused(space, "a namespace with values cannot be erased", "write a module, or an object")
        word, following = node.children[0], node.children[1] if node.child_count > 1 else None
        if word.type in _CONTEXTUAL and following is not None and self._broken(word.end_byte, following.start_byte):
            raise self._refused(word, f"a line end after `{word.type}`", "write both on one line")
        self._blank(node.start_byte, node.end_byte, ends=True)

    def _types_alone(self, space: Node) -> bool:
        """Whether a namespace holds nothing but types, in namespaces of it too."""
        waiting = [space]
        while waiting:
            body = waiting.pop().child_by_field_name("body")
            for child in body.named_children if body is not None else ():
                inner = child.child_by_field_name("declaration") if child.type == "export_statement" else child
                if inner is None or inner.type not in _TYPE_ONLY:
                    nested = _namespace(inner) if inner is not None else None
                    if nested is None:
                        return False
                    waiting.append(nested)
        return True

    def _type(self, node: Node) -> None:
        self._readable(node)
        self._blank(node.start_byte, node.end_byte)

    def _readable(self, node: Node) -> None:
        """Refuse a type that goes on, after a line end, with `[` or `<`: to TypeScript it has ended there."""
        for inner, _ in nodes(node):
            if inner.type not in {"lookup_type", "array_type", "generic_type"}:
                continue
            head, bracket = inner.children[0], inner.children[1]
            if self._broken(head.end_byte, bracket.start_byte):
                raise self._refused(bracket, *_GOES_ON)

    def _blank(self, start: int, end: int, *, ends: bool = False) -> None:
        self._erased[end] = (start, ends)

    def _broken(self, start: int, end: int) -> bool:
        return b"\n" in self._source.data[start:end]

    def _refused(self, node: Node, message: str, remedy: str) -> Exception:
        return self._source.refused(node, "script-feature", message, remedy)


_VISITS: Final = {
    "arrow_function": _Eraser.arrow,
    "as_expression": _Eraser.cast,
    "satisfies_expression": _Eraser.cast,
    "non_null_expression": _Eraser.asserted,
    "call_expression": _Eraser.applied,
    "subscript_expression": _Eraser.applied,
    "member_expression": _Eraser.applied,
    "update_expression": _Eraser.applied,
    "instantiation_expression": _Eraser.applied,
    "binary_expression": _Eraser.compared,
    "required_parameter": _Eraser.parameter,
    "optional_parameter": _Eraser.parameter,
    "formal_parameters": _Eraser.parameters,
    "public_field_definition": _Eraser.member,
    "method_definition": _Eraser.member,
    "variable_declarator": _Eraser.declarator,
    "abstract_class_declaration": _Eraser.abstract,
}
"""Kind of a node -> what is erased of it, and whether its children are visited."""
