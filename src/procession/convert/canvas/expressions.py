"""Expressions of Python that build canvases, as nodes of the tree. What a statement does is `source.py`'s."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Final, TypeAlias, final

import msgspec

from procession.convert.canvas.literals import constant, duration, listed, variable
from procession.convert.canvas.names import Names
from procession.convert.canvas.tree import (
    NO_EXTRAS,
    Argument,
    Call,
    Chain,
    Chord,
    Each,
    Extras,
    Given,
    Group,
    Map,
    Node,
    Unknown,
    Unread,
    Wait,
)
from procession.convert.python_feel import translate_python

RANGE_MAX: Final = 1_000
NO_BODY: Final = "a chord without a body"
_RUN_TIME: Final = "how many steps it has is known at run time alone: write the steps out"


@final
class Foreign(Exception):
    """A canvas is built in a way that cannot be read from its text; the text says which."""


@final
class Scope(msgspec.Struct):
    """What names mean at one place in a function: variables of the process, canvases, lists of them, other values; and
    which of them were `used`."""

    names: Names
    variables: tuple[str, ...] = ()
    nodes: dict[str, Node] = {}
    lists: dict[str, tuple[Node, ...]] = {}
    values: dict[str, ast.expr] = {}
    used: set[str] = set()

    def within(self, name: str) -> Scope:
        """The same, inside a loop over items of this name."""
        values = {key: value for key, value in self.values.items() if key != name}
        return msgspec.structs.replace(self, variables=(*self.variables, name), values=values)


def node_of(expression: ast.expr, scope: Scope) -> Node | None:
    """The canvas that an expression is; None where it is none. Raises `Foreign`."""
    match expression:
        case ast.Name(id=name):
            scope.used.add(name)
            return scope.nodes.get(name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            first = node_of(left, scope)
            if first is None:
                return None
            second = node_of(right, scope)
            if second is None:
                raise Foreign(f"`{ast.unparse(right):.60}` is computed")
            return piped(first, second)
        case ast.Call(func=function):
            scope.names.seen.add(expression)
            primitive = scope.names.primitive(function)
            if primitive:
                return _PRIMITIVES[primitive](expression, scope)
            if isinstance(function, ast.Attribute):
                return _method(expression, function, scope)
            return None
        case _:
            return None


def piped(first: Node, second: Node) -> Node:
    """`first | second`: what follows a group makes a chord of it, what follows a chord goes on behind its body."""
    if second == Group(()):
        return first
    if isinstance(first, Group):
        return Chord(first, second)
    if isinstance(second, Group) and len(second.members) == 1 and not isinstance(second.members[0], Each):
        return piped(first, second.members[0])
    steps = first.steps if isinstance(first, Chain) and first.extras == NO_EXTRAS else (first,)
    last = steps[-1] if steps else None
    if isinstance(last, Chord) and last.extras == NO_EXTRAS and not isinstance(second, Chain | Chord):
        return _chained((*steps[:-1], msgspec.structs.replace(last, body=piped(last.body, second))))
    if isinstance(last, Group) and not isinstance(second, Chain | Group):
        return _chained((*steps[:-1], Chord(last, second)))
    return Chain((*steps, second))


def _chained(steps: tuple[Node, ...]) -> Node:
    return steps[0] if len(steps) == 1 else Chain(steps)


def members_of(expressions: Sequence[ast.expr], scope: Scope) -> tuple[Node, ...]:
    """The canvases that are given as arguments, or as the one list of them. Raises `Foreign`."""
    found: list[Node] = []
    for expression in expressions:
        node = node_of(expression, scope)
        if node is not None:
            found.append(node)
        else:
            found.extend(_many(expression, scope))
    return tuple(found)


def _many(expression: ast.expr, scope: Scope) -> Iterable[Node]:
    match expression:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return members_of(elements, scope)
        case ast.Starred(value=value):
            return members_of([value], scope)
        case ast.Name(id=name) if name in scope.lists:
            scope.used.add(name)
            return scope.lists[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return members_of([left, right], scope)
        case ast.ListComp(elt=element, generators=[loop]) | ast.GeneratorExp(elt=element, generators=[loop]):
            if not isinstance(loop.target, ast.Name) or loop.ifs or loop.is_async:
                raise Foreign(f"`{ast.unparse(expression):.60}`: a loop with one name and no condition can be read")
            return (loop_of(loop.target.id, loop.iter, element, scope),)
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner]):
            return members_of([inner], scope)
        case _:
            raise Foreign(f"`{ast.unparse(expression):.60}` is computed")


def loop_of(name: str, items: ast.expr, member: ast.expr, scope: Scope) -> Each:
    """A canvas for each item. Raises `Foreign`."""
    inner = node_of(member, scope.within(name))
    if inner is None:
        raise Foreign(f"`{ast.unparse(member):.60}` is computed")
    return Each(name, _items(items, scope), inner)


def _items(expression: ast.expr, scope: Scope) -> Argument:
    """What is looped over."""
    match expression:
        case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]):
            numbers = [each.value for each in arguments if isinstance(each, ast.Constant)]
            ends = [each for each in numbers if isinstance(each, int)]
            if len(ends) == len(arguments) and len(range(*ends)) <= RANGE_MAX:
                return constant(list(range(*ends)))
            end = argument_of(arguments[0], scope) if len(arguments) == 1 else Unknown("a range with a beginning")
            if isinstance(end, Unknown):
                return end
            text = f"if {end.feel} < 1 then [] else for each_number in 1..{end.feel} return each_number - 1"
            return Given(text, end.reads, end.note)
        case _:
            return argument_of(expression, scope)


def argument_of(expression: ast.expr, scope: Scope) -> Argument:
    """A value as FEEL."""
    shown = _Substitution(scope).visit(ast.parse(ast.unparse(expression), mode="eval").body)
    try:
        return constant(ast.literal_eval(shown))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if isinstance(shown, ast.Name) and shown.id in scope.variables:
        return variable(shown.id)
    if isinstance(shown, ast.List | ast.Tuple):
        return listed(tuple(argument_of(each, scope) for each in shown.elts))
    text = ast.unparse(shown)
    reads = tuple(dict.fromkeys(each.id for each in ast.walk(shown) if isinstance(each, ast.Name)))
    foreign = [name for name in reads if name not in scope.variables and name not in _BUILTINS]
    if foreign:
        return Unknown(f"`{text:.60}` is computed by Python")
    done = translate_python(text)
    if done.feel is None:
        return Unknown(f"`{text:.60}`: {done.note}")
    names = tuple(name for name in reads if name in scope.variables)
    return Given(done.feel, names, done.note if done.outcome != "mapped" else "")


_BUILTINS: Final = frozenset({"len", "str", "sum", "min", "max", "abs", "float", "all", "any"})


@final
class _Substitution(ast.NodeTransformer):
    """Puts what a local name or a constant of the module holds in its place."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name that is read."""
        if node.id in self._scope.variables:
            return node
        return self._scope.values.get(node.id) or self._scope.names.constants.get(node.id) or node


def _chain(call: ast.Call, scope: Scope) -> Node:
    steps = members_of(call.args, scope)
    if any(isinstance(step, Each) for step in steps):
        raise Foreign(_RUN_TIME)
    # A chain of a group alone is that group.
    nothing: Node = Chain(())
    alone = len(steps) == 1 and isinstance(steps[0], Group) and len(steps[0].members) != 1
    return said(steps[0] if alone else reduce(piped, steps, nothing), call.keywords, scope)


def _group(call: ast.Call, scope: Scope) -> Node:
    members = members_of(call.args, scope)
    only = members[0] if len(members) == 1 else None
    return said(only if isinstance(only, Group) else Group(members), call.keywords, scope)


def _chord(call: ast.Call, scope: Scope) -> Node:
    given = [*call.args, *(each.value for each in call.keywords if each.arg == "header")]
    if not given:
        raise Foreign("a chord without a header")
    members = members_of(given[:1], scope)
    only = members[0] if len(members) == 1 else None
    header = Group(only.members if isinstance(only, Group) else only.steps if isinstance(only, Chain) else members)
    bodies = [*given[1:], *(each.value for each in call.keywords if each.arg == "body")]
    body = node_of(bodies[0], scope) if bodies else Unread(NO_BODY)
    if body is None:
        raise Foreign(f"`{ast.unparse(bodies[0]):.60}` is computed")
    rest = [each for each in call.keywords if each.arg not in ("header", "body")]
    return said(Chord(header, body), rest, scope)


def _signature(call: ast.Call, scope: Scope) -> Node:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return _given(Call(first.value), call.args[1:], call.keywords, scope)
    found = node_of(first, scope) if first is not None else None
    if found is None:
        raise Foreign(f"`{ast.unparse(call):.60}`: its task is computed")
    return found


def _mapped(call: ast.Call, scope: Scope) -> Node:
    task = scope.names.task(call.args[0]) if len(call.args) > 1 else ""
    inner = node_of(call.args[0], scope) if len(call.args) > 1 and not task else None
    name = task or (inner.task if isinstance(inner, Call) else "")
    if not name:
        raise Foreign(f"`{ast.unparse(call):.60}`: its task is computed")
    return _map(name, scope.names.primitive(call.func).removeprefix("x"), call.args[1:], scope)


def _map(task: str, kind: str, arguments: Sequence[ast.expr], scope: Scope) -> Node:
    """`task.map(it)`, `task.starmap(it)`, `task.chunks(it, n)`."""
    if not arguments:
        raise Foreign(f"`{kind}` without items")
    items = _items(arguments[0], scope)
    width = _width(arguments[0], task, scope)
    if kind == "map":
        return Map(task, items)
    if kind == "starmap" or len(arguments) < 2:
        return Map(task, items, width, star=True)
    size = argument_of(arguments[1], scope)
    if isinstance(items, Unknown) or isinstance(size, Unknown):
        return Unread("chunks of something that is computed")
    parts = (
        f"if count({items.feel}) = 0 then [] else "
        f"for each_number in 1..ceiling(count({items.feel}) / {size.feel}) return "
        f"sublist({items.feel}, (each_number - 1) * {size.feel} + 1, "
        f"min([{size.feel}, count({items.feel}) - (each_number - 1) * {size.feel}]))"
    )
    member = Map(task, Given("chunk", ("chunk",)), width, star=True)
    return Group((Each("chunk", Given(parts, items.reads + size.reads), member),))


def _width(items: ast.expr, task: str, scope: Scope) -> int | None:
    """How many arguments each item has: as they are written, else as many as the task needs."""
    if isinstance(items, ast.List | ast.Tuple):
        widths = {len(each.elts) if isinstance(each, ast.List | ast.Tuple) else None for each in items.elts}
        return widths.pop() if len(widths) == 1 else None
    known = scope.names.known.get(task)
    return sum(each.required for each in known.parameters) if known is not None else None


def _method(call: ast.Call, function: ast.Attribute, scope: Scope) -> Node | None:
    """`task.s(…)` and what else tasks and signatures have."""
    task = scope.names.task(function.value)
    match function.attr:
        case "s" | "si" if task:
            return _partial(Call(task, immutable=function.attr == "si"), call, scope)
        case "signature" | "subtask" if task and scope.names.primitive(function.value) == "":
            return _given(Call(task), call.args, call.keywords, scope)
        case "map" | "starmap" | "chunks" if task:
            return _map(task, function.attr, call.args, scope)
        case "signature" if call.args and isinstance(call.args[0], ast.Constant):
            return _signature(call, scope)
        case "set" | "clone" | "link" | "link_error" | "on_error" | "group":
            inner = node_of(function.value, scope)
            return changed(inner, function.attr, call, scope) if inner is not None else None
        case _:
            return None


def changed(node: Node, method: str, call: ast.Call, scope: Scope) -> Node:
    """What `set`, `link` and others make of a signature."""
    if method == "set":
        return said(node, call.keywords, scope)
    if method == "link" and call.args:
        return said(node, [ast.keyword("link", call.args[0])], scope)
    if method in ("link_error", "on_error") and call.args:
        return said(node, [ast.keyword("link_error", call.args[0])], scope)
    if method == "clone" and (call.args or call.keywords):
        raise Foreign(f"`{ast.unparse(call):.60}`: a clone with arguments")
    return node


def _partial(call: Call, written: ast.Call, scope: Scope) -> Call:
    """The arguments of `.s(…)`."""
    if any(isinstance(each, ast.Starred) for each in written.args) or any(not each.arg for each in written.keywords):
        raise Foreign(f"`{ast.unparse(written):.60}`: its arguments are computed")
    args = tuple(argument_of(each, scope) for each in written.args)
    kwargs = {each.arg: argument_of(each.value, scope) for each in written.keywords if each.arg}
    return msgspec.structs.replace(call, args=args, kwargs=kwargs)


def _given(call: Call, positions: Sequence[ast.expr], keywords: Sequence[ast.keyword], scope: Scope) -> Node:
    """The arguments of `signature(…)`: `args`, `kwargs`, and options."""
    parts = {**dict(zip(("args", "kwargs"), positions, strict=False)), **{e.arg: e.value for e in keywords if e.arg}}
    node = with_arguments(call, parts.get("args"), parts.get("kwargs"), scope)
    return said(node, [each for each in keywords if each.arg not in ("args", "kwargs", "app")], scope)


def with_arguments(node: Node, args: ast.expr | None, kwargs: ast.expr | None, scope: Scope) -> Node:
    """A canvas that is given more: `args` before those of its first tasks, `kwargs` beside theirs. Raises `Foreign`."""
    if args is not None and not isinstance(args, ast.List | ast.Tuple):
        raise Foreign(f"`{ast.unparse(args):.60}`: arguments that are computed")
    if kwargs is not None and not isinstance(kwargs, ast.Dict):
        raise Foreign(f"`{ast.unparse(kwargs):.60}`: arguments that are computed")
    before = tuple(argument_of(each, scope) for each in (args.elts if args is not None else ()))
    beside: dict[str, Argument] = {}
    for key, value in zip(kwargs.keys, kwargs.values, strict=True) if kwargs is not None else ():
        if not isinstance(key, ast.Constant):
            raise Foreign(f"`{ast.unparse(value):.60}`: an argument whose name is computed")
        beside[str(key.value)] = argument_of(value, scope)
    return prepended(node, before, beside) if before or beside else node


def prepended(node: Node, args: tuple[Argument, ...], kwargs: dict[str, Argument]) -> Node:
    """A canvas with arguments for its first tasks."""
    match node:
        case Call() if not node.immutable:
            return msgspec.structs.replace(node, args=args + node.args, kwargs=node.kwargs | kwargs)
        case Chain() if node.steps:
            return msgspec.structs.replace(node, steps=(prepended(node.steps[0], args, kwargs), *node.steps[1:]))
        case Group():
            members = tuple(prepended(member, args, kwargs) for member in node.members)
            return msgspec.structs.replace(node, members=members)
        case Chord():
            members = tuple(prepended(member, args, kwargs) for member in node.header.members)
            return msgspec.structs.replace(node, header=msgspec.structs.replace(node.header, members=members))
        case Each():
            return msgspec.structs.replace(node, member=prepended(node.member, args, kwargs))
        case _:
            return node


def said(node: Node, keywords: Sequence[ast.keyword], scope: Scope) -> Node:
    """A node with options: pauses and callbacks are its own, the rest is kept for the report."""
    for each in keywords:
        extras = node.extras
        if each.arg == "immutable" and isinstance(node, Call):
            node = msgspec.structs.replace(node, immutable=ast.unparse(each.value) == "True")
            continue
        if each.arg == "link":
            links = members_of(each.value.elts if isinstance(each.value, ast.List) else [each.value], scope)
            node = linked(node, links)
            continue
        wait = _wait(each, scope)
        if wait is not None:
            extras = msgspec.structs.replace(extras, wait=wait)
        else:
            options = {**extras.options, each.arg or "**": ast.unparse(each.value)}
            extras = msgspec.structs.replace(extras, options=options)
        node = msgspec.structs.replace(node, extras=extras)
    return node


def linked(node: Node, links: tuple[Node, ...]) -> Node:
    """A node with callbacks; those of a group are its first member's, and given nothing, as Celery does it."""
    if isinstance(node, Group) and node.members:
        bare = tuple(_immutable(each) for each in links)
        return msgspec.structs.replace(node, members=(linked(node.members[0], bare), *node.members[1:]))
    extras: Extras = msgspec.structs.replace(node.extras, links=node.extras.links + links)
    return msgspec.structs.replace(node, extras=extras)


def _immutable(node: Node) -> Node:
    return msgspec.structs.replace(node, immutable=True) if isinstance(node, Call) else node


def _wait(keyword: ast.keyword, scope: Scope) -> Wait | None:
    """The pause that an option is; None where it is none, or has no words in FEEL."""
    if keyword.arg not in ("countdown", "eta"):
        return None
    value = keyword.value
    if keyword.arg == "countdown" and isinstance(value, ast.Constant) and isinstance(value.value, int | float):
        return Wait("timeDuration", duration(value.value))
    given = argument_of(value, scope)
    if isinstance(given, Unknown):
        return None
    if keyword.arg == "countdown":
        return Wait("timeDuration", f'=duration("PT" + string({given.feel}) + "S")')
    return Wait("timeDate", f"={given.feel}")


_Reader: TypeAlias = Callable[[ast.Call, Scope], Node]
_PRIMITIVES: Final[dict[str, _Reader]] = {
    "chain": _chain,
    "group": _group,
    "chord": _chord,
    "signature": _signature,
    "subtask": _signature,
    "xmap": _mapped,
    "xstarmap": _mapped,
    "chunks": _mapped,
}
