"""A customer's source as the body of a function: the syntax of ES modules becomes `require` and `exports`.

What differs from ES modules, and where it could be noticed:
- What is exported is read once, when the module's body has ended; what is imported, once, where the import stands. An
  `export let` that changes later changes for nobody else. With live bindings it would. Cycles, the other case that
  live bindings are for, are refused by the linker (`library`).
- `this` is what the cage calls the function with, and a default export without a name is called `_default`.
- Refused: `import()`, `import.meta`, attributes of imports, `await` and `return` outside of functions in modules.

A script is a source that exports nothing. It may import, may `return` and `await` outside of functions; when it does
not `return` there and its last statement is an expression, that is its result, as with other engines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from procession.base.failure import BadValue
from procession.scripts import source_map as maps
from procession.scripts.prepared import PARAMETERS, Import, Prepared
from procession.scripts.syntax import Edits, Source, nodes, parsed
from procession.scripts.typescript import erase, erased_whole, is_type, typed

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset(
    "arrow_function function_declaration function_expression generator_function generator_function_declaration"
    " method_definition class_body".split()
)
"""What `await` and `return` belong to, when they stand inside."""
_DECLARATIONS: Final = frozenset(
    "lexical_declaration variable_declaration function_declaration generator_function_declaration class_declaration"
    " abstract_class_declaration".split()
)
_NAMELESS: Final = frozenset("function_expression generator_function class".split())
"""What `export default` declares without a name: a declaration, not an expression."""
_LEXICAL: Final = frozenset("lexical_declaration class_declaration abstract_class_declaration".split())
_RESERVED: Final = frozenset(PARAMETERS)


def prepared(
    source: str, name: str, *, typescript: bool, source_map: str = "", resolve: Callable[[str], str] = str
) -> Prepared:
    """What the cage runs for a source. `source_map`: the text of a map that is given beside it. `resolve` says what a
    specifier is called when it is required; it raises `BadValue` for one that cannot be.

    Raises `Refused` (base.diagnostics) with line and column for everything that cannot be run, and nothing else."""
    rest, carried, notes = maps.carried(source)
    chosen, more = _usable(source_map or carried)
    notes = more if source_map else (*notes, *more)
    text = Source.of(rest, name)
    root = parsed(text)
    edits = Edits(text)
    if typescript:
        erase(text, root, edits)
    else:
        typed(text, root)
    body = _Body(text, edits, root, resolve)
    body.rewrite()
    code, shifts = edits.applied()
    return Prepared(
        name=name,
        kind="module" if body.is_module else "script",
        code=code + body.epilogue(),
        source=text.data.decode(),
        typescript=typescript,
        imports=tuple(dict.fromkeys(want.specifier for want in body.wants)),
        wants=tuple(body.wants),
        exports=tuple(body.exported),
        stars=tuple(body.stars),
        is_async=body.awaits,
        shifts=shifts,
        source_map=chosen,
        notes=notes,
    )


def _usable(text: str) -> tuple[str, tuple[str, ...]]:
    """A map that can be read, or none and a note: a bad map must never hide an error."""
    try:
        if text:
            maps.read(text)
    except BadValue as error:
        return "", (f"the source map is not used: {error}",)
    return text, ()


@final
class _Body:
    """The statements of a source as they are rewritten, and what they import, declare and export."""

    def __init__(self, source: Source, edits: Edits, root: Node, resolve: Callable[[str], str]) -> None:
        self._source = source
        self._edits = edits
        self._resolve = resolve
        self._statements = [node for node in root.named_children if node.type not in {"comment", "hash_bang_line"}]
        self._hash_bang = next((node for node in root.children if node.type == "hash_bang_line"), None)
        self._root = root
        self._prefix = "_"
        while f"{self._prefix}m".encode() in source.data or f"{self._prefix}default".encode() in source.data:
            self._prefix += "_"
        self._declared: dict[str, Node] = {}
        self._types: set[str] = set()
        self._local: list[tuple[Node, str, str]] = []
        self._froms = 0
        self._last: list[str] = []
        self.is_module = any(node.type == "export_statement" for node in self._statements)
        self.wants: list[Import] = []
        self.exported: dict[str, str] = {}
        """Name -> the expression that it is at the end of the body."""
        self.stars: list[str] = []
        self.awaits = False
        self.returns = False

    def rewrite(self) -> None:
        """Turn every statement into what a function may hold."""
        self._look()
        if self._hash_bang is not None:
            self._edits.blank(self._hash_bang.start_byte, self._hash_bang.end_byte)
        late = False
        for node in self._statements:
            if erased_whole(node):
                name = (node.child_by_field_name("declaration") or node).child_by_field_name("name")
                self._types.update({self._source.text(name)} if name is not None else ())
            elif node.type == "import_statement":
                self._import(node, late)
            elif node.type == "export_statement":
                self._export(node, late)
                late = late or node.child_by_field_name("source") is None
            else:
                late = True
                self._declare(node)
        self._check_local()
        if not self.is_module and not self.returns:
            self._give_last()

    def epilogue(self) -> str:
        """A line after the source's last: what it exports, what it passes on first."""
        stars = [f"for(const k in {name})if(k!=='default')exports[k]={name}[k];" for name in self._last]
        own = [f"exports[{json.dumps(name)}]={value};" for name, value in self.exported.items()]
        return "".join(["\n", *stars, *own]) if stars or own else ""

    def _look(self) -> None:
        """What stands anywhere: `import()`, `import.meta`, and `await`, `return` and `var` outside of functions."""
        inside = 0
        for node, depth in nodes(self._root, lambda node: not is_type(node)):
            if inside and depth <= inside:
                inside = 0
            kind = node.type
            if kind == "call_expression" and node.children[0].type == "import":
                raise self._refused(node, "`import()` is not run here", "import it at the top")
            if kind == "meta_property" and node.children[0].type == "import":
                raise self._refused(node, "`import.meta` is not known here", "`context` tells what a script may know")
            if inside:
                continue
            if kind in _FUNCTIONS:
                # What is deeper belongs to it. A class body counts: its methods do, and its fields may not await.
                inside = depth
            elif kind == "return_statement":
                self._outside(node, "return")
                self.returns = True
            elif kind == "await_expression" or (kind == "for_in_statement" and node.children[1].type == "await"):
                self._outside(node, "await")
                self.awaits = True
            elif kind == "variable_declaration":
                self._bind_all(node)

    def _outside(self, node: Node, word: str) -> None:
        if self.is_module:
            raise self._refused(node, f"`{word}` outside of a function of a module", "put it into a function")

    def _declare(self, node: Node) -> list[str]:
        """The names that a statement declares."""
        if node.type not in _DECLARATIONS:
            return []
        name = node.child_by_field_name("name")
        if name is None:
            return self._bind_all(node)
        self._bind(name, node.type in _LEXICAL)
        return [self._source.text(name)]

    def _bind_all(self, declaration: Node) -> list[str]:
        names: list[str] = []
        for declarator in declaration.named_children:
            pattern = declarator.child_by_field_name("name")
            if declarator.type != "variable_declarator" or pattern is None:
                continue
            for found in _names(pattern):
                self._bind(found, declaration.type in _LEXICAL)
                names.append(self._source.text(found))
        return names

    def _bind(self, name: Node, lexical: bool) -> None:
        text = self._source.text(name)
        if text in _RESERVED and (lexical or text in {"require", "exports"}):
            raise self._refused(name, f"`{text}` is a name that every script has already", "give it another name")
        self._declared[text] = name

    def _import(self, node: Node, late: bool) -> None:
        """`import d, {a as b} from "m"` is `const{default:d,a:b}=require("m");`, so columns hardly move."""
        specifier = self._specifier(node)
        clause = next((child for child in node.children if child.type == "import_clause"), None)
        pairs, space = self._imported(clause) if clause is not None else ([], "")
        call = f"require({json.dumps(specifier, ensure_ascii=False)})"
        parts = ",".join(name if name == local else f"{_key(name)}:{local}" for name, local in pairs)
        if space:
            text = f"const {space}={call}{f',{{{parts}}}={space}' if parts else ''};"
        else:
            text = f"const{{{parts}}}={call};" if parts else f"{call};"
        self._want(node, specifier, tuple(name for name, _ in pairs))
        self._place(node, text, late)

    def _imported(self, clause: Node) -> tuple[list[tuple[str, str]], str]:
        """What an import binds: pairs of a name there and a name here, and the name of the whole."""
        pairs: list[tuple[str, str]] = []
        space = ""
        for child in clause.named_children:
            if child.type == "identifier":
                self._bind(child, lexical=True)
                pairs.append(("default", self._source.text(child)))
            elif child.type == "namespace_import":
                self._bind(child.named_children[-1], lexical=True)
                space = self._source.text(child.named_children[-1])
            else:
                for name, local in self._specifiers(child):
                    self._bind(local, lexical=True)
                    pairs.append((self._exported_name(name), self._source.text(local)))
        return pairs, space

    def _specifiers(self, names: Node) -> list[tuple[Node, Node]]:
        """`{a, b as c}` without what is a type: each name, and what it is called on the other side."""
        found: list[tuple[Node, Node]] = []
        for child in names.named_children:
            name = child.child_by_field_name("name")
            if name is None or child.children[0].type == "type":
                continue
            found.append((name, child.child_by_field_name("alias") or name))
        return found

    def _export(self, node: Node, late: bool) -> None:
        """One row for each form of an export."""
        source = node.child_by_field_name("source")
        inner = node.child_by_field_name("declaration") or node.child_by_field_name("value")
        clause = next((child for child in node.named_children if child.type == "export_clause"), None)
        if source is not None:
            self._pass_on(node, clause, late)
        elif clause is not None:
            for name, alias in self._specifiers(clause):
                self._local.append((name, self._source.text(name), self._exported_name(alias)))
            self._edits.blank(node.start_byte, node.end_byte, ";")
        elif inner is None:
            raise self._refused(
                node, f"`{self._source.shown(node)}` is no export of a module", "write `export default`"
            )
        elif any(child.type == "default" for child in node.children):
            self._export_default(node, inner)
        else:
            self._edits.blank(node.start_byte, inner.start_byte, ";")
            for text in self._declare(inner):
                self._give(inner, text, text)

    def _export_default(self, node: Node, inner: Node) -> None:
        if inner.type in _DECLARATIONS and inner.child_by_field_name("name") is not None:
            self._edits.blank(node.start_byte, inner.start_byte, ";")
            self._give(node, "default", self._declare(inner)[0])
            return
        name = f"{self._prefix}default"
        self._edits.put(node.start_byte, inner.start_byte, f"const {name}=")
        first = inner
        while first.type not in _NAMELESS and first.child_count and first.children[0].start_byte == inner.start_byte:
            first = first.children[0]
        if first.type in _NAMELESS:
            # A declaration ends with its body; the grammar reads a call when the next line begins with a bracket.
            inner = first
        if first.type in _NAMELESS or node.children[-1].type != ";":
            self._edits.put(inner.end_byte, inner.end_byte, ";")
        self._give(node, "default", name)

    def _pass_on(self, node: Node, clause: Node | None, late: bool) -> None:
        """`export … from "m"`"""
        specifier = self._specifier(node)
        self._froms += 1
        name = f"{self._prefix}m{self._froms}"
        space = next((child for child in node.named_children if child.type == "namespace_export"), None)
        wanted: list[str] = []
        if clause is not None:
            for there, alias in self._specifiers(clause):
                wanted.append(self._exported_name(there))
                self._give(there, self._exported_name(alias), f"{name}[{json.dumps(wanted[-1])}]")
        elif space is not None:
            self._give(space, self._exported_name(space.named_children[-1]), name)
        else:
            self.stars.append(specifier)
            self._last.append(name)
        self._want(node, specifier, tuple(wanted))
        self._place(node, f"const {name}=require({json.dumps(specifier, ensure_ascii=False)});", late)

    def _place(self, node: Node, text: str, late: bool) -> None:
        """An import in its place, or before everything when statements stand before it: imports come first."""
        if late:
            self._edits.put(0, 0, text)
            text = ";"
        self._edits.put(node.start_byte, node.end_byte, text)

    def _want(self, node: Node, specifier: str, names: tuple[str, ...]) -> None:
        self.wants.append(Import(specifier, names, *self._source.place(node.start_byte)))

    def _specifier(self, node: Node) -> str:
        source = node.child_by_field_name("source")
        if source is None:
            raise self._refused(node, "this import is of no module", 'write `import … from "…"`')
        attributes = next((child for child in node.children if child.type == "import_attribute"), None)
        if attributes is not None:
            raise self._refused(attributes, "attributes of imports are not known here", "leave them out")
        try:
            return self._resolve(self._string(source))
        except BadValue as error:
            raise self._source.refused(source, "script-module", str(error)) from None

    def _exported_name(self, node: Node) -> str:
        name = self._string(node) if node.type == "string" else self._source.text(node)
        if name == "__proto__":
            raise self._refused(node, "`__proto__` is no name that a module may export", "give it another name")
        return name

    def _string(self, node: Node) -> str:
        text = self._source.text(node)[1:-1]
        if not text or "\\" in text:
            raise self._refused(node, f"`{self._source.shown(node)}` is no plain name", "write it without escapes")
        return text

    def _give(self, node: Node, name: str, value: str) -> None:
        if name in self.exported:
            raise self._refused(node, f"`{name}` is exported twice", "leave one of them out")
        self.exported[name] = value

    def _check_local(self) -> None:
        """`export {a}` of what is declared anywhere in the module."""
        for node, local, name in self._local:
            if local not in self._declared:
                remedy = "write `export type`" if local in self._types else "declare it, or leave it out"
                raise self._refused(node, f"`{local}` is exported, and is no value of this module", remedy)
            self._give(node, name, local)

    def _give_last(self) -> None:
        """The value of a script's last statement is its result."""
        alive = [node for node in self._statements if node.type != "empty_statement" and not erased_whole(node)]
        if alive and alive[-1].type == "expression_statement":
            self._edits.put(alive[-1].start_byte, alive[-1].start_byte, "return ")

    def _refused(self, node: Node, message: str, remedy: str) -> Exception:
        return self._source.refused(node, "script-feature", message, remedy)


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _names(pattern: Node) -> list[Node]:
    """The names that a pattern binds, in the order of the text."""
    found: list[Node] = []
    stack = [pattern]
    while stack:
        node = stack.pop()
        if node.type in {"identifier", "shorthand_property_identifier_pattern"}:
            found.append(node)
        elif node.type in {"assignment_pattern", "object_assignment_pattern"}:
            stack.append(node.children[0])
        elif node.type == "pair_pattern":
            stack.append(node.children[-1])
        else:
            stack.extend(reversed(node.named_children))
    return found
