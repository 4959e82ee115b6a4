"""Canvases by the text of a module: those of its names, and those that its functions build. Nothing is run.

What a name, an import or a decorator means is `names.py`'s; what an expression builds, `expressions.py`'s.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final, final

import msgspec

from procession.base.diagnostics import Diagnostic, Refused, Span
from procession.convert.canvas.expressions import (
    Foreign,
    Scope,
    changed,
    loop_of,
    members_of,
    node_of,
    piped,
    said,
    with_arguments,
)
from procession.convert.canvas.names import Function, Names, names_of, schedules
from procession.convert.canvas.tree import Call, Canvas, Chord, Node, Scanned, Unread

_STARTS: Final = frozenset({"apply_async", "delay", "apply", "__call__"})
_CHANGES: Final = frozenset({"set", "link", "link_error", "on_error"})
_CONDITION: Final = "it is built where `{}` holds: start this process there, or draw the choice as a gateway"
_UNSEEN: Final = "it is not seen where this is returned or started: return it, or give it a name in the module"
_REPEATED: Final = "it is started in a loop: start the process as often"


def read_source(text: str, module: str, file: str, imported: Scanned | None = None) -> Scanned:
    """The canvases, tasks and notes of a module's text. Where the module was `imported`, its tasks and the names for
    them are known, and only functions are read. Raises `Refused` for a text that is no Python."""
    try:
        tree = ast.parse(text, file)
    except (SyntaxError, ValueError) as error:
        raise Refused([_no_python(error, file)]) from None
    names = names_of(tree, module)
    declared = dict(names.known)
    if imported is not None:
        names.tasks.update(imported.names)
        names.known.update({task.name: task for task in imported.tasks})
    reader = _Reader(names)
    if imported is None:
        reader.module(tree)
        for name, line, entry, schedule in schedules(tree):
            reader.entry(name, line, entry, Scope(names))
            if reader.found and reader.found[-1].line == line:
                reader.found[-1] = msgspec.structs.replace(reader.found[-1], schedule=schedule)
    for prefix, function in _functions(tree):
        reader.function(function, prefix)
    for name, task in declared.items():
        known = names.known[name]
        names.known[name] = msgspec.structs.replace(known, replaces=known.replaces or task.replaces)
    return Scanned(tuple(reader.found), tuple(names.known.values()), dict(names.tasks), "", tuple(reader.notes))


def _no_python(error: SyntaxError | ValueError, file: str) -> Diagnostic:
    line = getattr(error, "lineno", None) or 1
    text = f"this is no Python: {getattr(error, 'msg', None) or error}"
    return Diagnostic(rule="syntax", message=text, span=Span(file, line), remedy="correct the module")


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """The functions of the module and of its classes, with what stands before their names."""
    for node in tree.body:
        if isinstance(node, Function):
            yield "", node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}_", each) for each in node.body if isinstance(each, Function))


@final
class _Reader:
    """Follows statements, and collects the canvases that they name, return or start."""

    __slots__ = ("_conditions", "_line", "_name", "_names", "_parameters", "found", "notes")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._name = ""
        self._line = 0
        self._parameters: tuple[str, ...] = ()
        self._conditions: list[str] = []
        self.found: list[Canvas] = []
        self.notes: list[tuple[str, int, str]] = []

    def module(self, tree: ast.Module) -> None:
        """The canvases that names of the module hold at its end."""
        scope = Scope(self._names, (), {}, {}, {}, set())
        lines: dict[str, int] = {}
        for statement in tree.body:
            if isinstance(statement, Function | ast.ClassDef | ast.Import | ast.ImportFrom):
                continue
            self._name, self._line = "module", statement.lineno
            self._kept([statement], scope)
            self._unread(statement)
            lines.update(dict.fromkeys(scope.nodes.keys() - lines.keys(), statement.lineno))
        self.found.extend(Canvas(name, node, lines[name]) for name, node in scope.nodes.items())

    def entry(self, name: str, line: int, entry: dict[str, ast.expr], scope: Scope) -> None:
        """A canvas of one task, by the schedule."""
        task = entry.get("task")
        dotted_task = self._names.task(task.value) if isinstance(task, ast.Attribute) else ""
        if isinstance(task, ast.Constant):
            dotted_task = str(task.value)
        if not dotted_task:
            self.notes.append((f"beat_{name}", line, "the task of this entry is computed: write its name"))
            return
        try:
            node = with_arguments(Call(dotted_task), entry.get("args"), entry.get("kwargs"), scope)
            options = entry.get("options")
            if isinstance(options, ast.Dict):
                pairs = zip(options.keys, options.values, strict=True)
                node = said(
                    node, [ast.keyword(str(k.value), v) for k, v in pairs if isinstance(k, ast.Constant)], scope
                )
            self.found.append(Canvas(f"beat_{name}", node, line))
        except Foreign as error:
            self.notes.append((f"beat_{name}", line, str(error)))

    def function(self, function: Function, prefix: str) -> None:
        """The canvases that a function returns or starts."""
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        self._parameters = tuple(each.arg for each in every if each.arg not in ("self", "cls"))
        self._name, self._line, self._conditions = f"{prefix}{function.name}", function.lineno, []
        scope = Scope(self._names, self._parameters, {}, {}, {}, set())
        self._kept(function.body, scope)
        for name in [*scope.nodes, *scope.lists]:
            if name not in scope.used and scope.lists.get(name) != ():
                self.notes.append((self._name, function.lineno, f"`{name}`: {_UNSEEN}"))
        self._unread(function)

    def _unread(self, place: ast.AST) -> None:
        """Tells of canvases in a function or a statement that nothing has read; once a line."""
        told = {line for name, line, _ in self.notes if name == self._name}
        for call in [each for each in ast.walk(place) if isinstance(each, ast.Call)]:
            if call not in self._names.seen and self._names.builds(call) and call.lineno not in told:
                told.add(call.lineno)
                self.notes.append((self._name, call.lineno, f"`{ast.unparse(call):.60}`: {_UNSEEN}"))

    def _kept(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self._line = statement.lineno if self._name == "module" else self._line
            try:
                self._statement(statement, scope)
            except Foreign as error:
                self.notes.append((self._name, statement.lineno, str(error)))

    def _statement(self, statement: ast.stmt, scope: Scope) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, value, scope)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign(name, value, scope)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.BitOr(), value=value) if name in scope.nodes:
                scope.nodes[name] = piped(scope.nodes[name], self._node(value, scope))
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value) if name in scope.lists:
                scope.lists[name] += members_of([value], scope)
            case ast.Expr(value=value):
                self._expression(value, scope)
            case ast.Return(value=ast.expr() as value):
                self._returned(value, scope)
            case ast.If(test=test, body=body, orelse=other):
                self._branch(f"{ast.unparse(test):.60}", body, scope)
                self._branch(f"not ({ast.unparse(test):.60})", other, scope)
                if isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
                    self._conditions.append(_CONDITION.format(f"not ({ast.unparse(test):.60})"))
            case ast.For(target=target, iter=items, body=body):
                self._loop(target, items, body, scope)
            case ast.While(body=body):
                self._branch("the loop goes on", body, scope)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                self._kept(body, scope)
            case ast.Try(body=body, handlers=handlers, orelse=other, finalbody=last):
                self._kept(body, scope)
                for handler in handlers:
                    self._branch("an exception is caught", handler.body, scope)
                self._kept([*other, *last], scope)
            case _:
                pass

    def _assign(self, name: str, value: ast.expr, scope: Scope) -> None:
        if self._started(value, scope):
            return
        for held in (scope.nodes, scope.lists, scope.values):
            held.pop(name, None)
        # A parameter that gets another value is no variable of the process any more.
        scope.variables = tuple(each for each in scope.variables if each != name)
        node = node_of(value, scope)
        if node is not None:
            scope.nodes[name] = node
        elif isinstance(value, ast.List | ast.ListComp) and _holds_canvas(value, scope):
            scope.lists[name] = members_of([value], scope)
        elif isinstance(value, ast.List) and not value.elts:
            scope.lists[name] = ()
            scope.values[name] = value
        else:
            scope.values[name] = value

    def _expression(self, value: ast.expr, scope: Scope) -> None:
        """A canvas is started, or what a name holds is changed."""
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if (
                name in scope.nodes and method in _CHANGES
            ):
                scope.nodes[name] = changed(scope.nodes[name], method, value, scope)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[one]) if (
                name in scope.lists
            ):
                scope.lists[name] += (self._node(one, scope),)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="extend"), args=[many]) if (
                name in scope.lists
            ):
                scope.lists[name] += members_of([many], scope)
            case _:
                self._started(value, scope)

    def _node(self, value: ast.expr, scope: Scope) -> Node:
        node = node_of(value, scope)
        if node is None:
            raise Foreign(f"`{ast.unparse(value):.60}` is computed")
        return node

    def _returned(self, value: ast.expr, scope: Scope) -> None:
        if self._started(value, scope):
            return
        node = node_of(value, scope)
        if node is not None:
            self._keep(node)

    def _branch(self, condition: str, body: Sequence[ast.stmt], scope: Scope) -> None:
        earlier = list(self._conditions)
        self._conditions.append(_CONDITION.format(condition))
        nodes, lists, values = dict(scope.nodes), dict(scope.lists), dict(scope.values)
        inner = Scope(scope.names, scope.variables, nodes, lists, values, scope.used)
        self._kept(body, inner)
        self._conditions = earlier
        for name, node in inner.nodes.items():
            if scope.nodes.get(name, node) != node:
                line = body[0].lineno
                self.notes.append((self._name, line, f"`{name}` is another canvas where `{condition}`: {_HINT}"))

    def _loop(self, target: ast.expr, items: ast.expr, body: Sequence[ast.stmt], scope: Scope) -> None:
        """A loop that fills a list with canvases is one for each item; in any other one canvases may be started."""
        match target, body:
            case ast.Name(id=item), [
                ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[member]))
            ] if name in scope.lists:
                scope.lists[name] += (loop_of(item, items, member, scope),)
            case _:
                earlier = list(self._conditions)
                self._conditions.append(_REPEATED)
                names = {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
                inner = msgspec.structs.replace(scope, variables=(*scope.variables, *sorted(names)))
                self._kept(body, inner)
                self._conditions = earlier

    def _started(self, value: ast.expr, scope: Scope) -> bool:
        """Whether a canvas is started somewhere in an expression; it is kept."""
        found = False
        for call in [each for each in ast.walk(value) if isinstance(each, ast.Call)]:
            node = self._start(call, scope)
            if node is not None:
                self._keep(node)
                found = True
        return found

    def _start(self, call: ast.Call, scope: Scope) -> Node | None:
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in _STARTS:
            node = node_of(function.value, scope)
            task = self._names.task(function.value) if node is None else ""
            links = [each for each in call.keywords if each.arg in ("link", "link_error")]
            if task and links and function.attr == "apply_async":
                node = Call(task)
            if node is None:
                return None
            if function.attr in ("delay", "__call__"):
                return self._called(node, call, scope)
            parts: dict[str, ast.expr] = {each.arg: each.value for each in call.keywords if each.arg}
            parts.update(zip(("args", "kwargs"), call.args, strict=False))
            node = with_arguments(node, parts.get("args"), parts.get("kwargs"), scope)
            return said(node, [each for each in call.keywords if each.arg not in ("args", "kwargs")], scope)
        node = node_of(function, scope) if isinstance(function, ast.Name | ast.Call | ast.BinOp) else None
        return self._called(node, call, scope) if node is not None else None

    def _called(self, node: Node, call: ast.Call, scope: Scope) -> Node:
        """`canvas(…)` and `canvas.delay(…)`; what a chord is called with is its body."""
        if isinstance(node, Chord) and isinstance(node.body, Unread) and call.args:
            return msgspec.structs.replace(node, body=self._node(call.args[0], scope))
        kwargs = ast.Dict([ast.Constant(each.arg) for each in call.keywords], [each.value for each in call.keywords])
        return with_arguments(node, ast.Tuple(call.args, ast.Load()), kwargs, scope)

    def _keep(self, node: Node) -> None:
        number = sum(each.name == self._name or each.name.startswith(f"{self._name}__") for each in self.found) + 1
        name = self._name if number == 1 else f"{self._name}__{number}"
        self.found.append(Canvas(name, node, self._line, self._parameters, None, tuple(self._conditions)))


_HINT: Final = "it is read as if that never held; draw the choice as a gateway"


def _holds_canvas(value: ast.List | ast.ListComp, scope: Scope) -> bool:
    if isinstance(value, ast.List):
        return any(node_of(each, scope) is not None for each in value.elts)
    [loop, *_] = value.generators
    name = loop.target.id if isinstance(loop.target, ast.Name) else ""
    return node_of(value.elt, scope.within(name)) is not None
