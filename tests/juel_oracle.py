"""A second evaluator of JUEL, written from the rules of EL 2.2 (coercion, 1.8), and the drawing of its trees.

It shares nothing with the importer: a tree is printed, and only its text reaches the importer's parser.

A tree is a tuple whose first item names its row in `RULES`. What Java would refuse raises `Undefined`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeAlias

Tree: TypeAlias = tuple[Any, ...]

VARIABLES: Final[dict[str, Any]] = {
    "n": 7,
    "m": -3,
    "d": 2.5,
    "s": "Ada",
    "t": "b.c",
    "blank": "",
    "yes": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, "a"],
    "none": [],
    "ctx": {"k": 5, "name": "Bo", "on": True},
}
_BY_KIND: Final[dict[str, tuple[str, ...]]] = {
    "number": ("n", "m", "d"),
    "string": ("s", "t", "blank"),
    "boolean": ("yes", "no"),
    "any": ("nothing", "xs", "none", "ctx", "n", "s", "yes"),
}


class Undefined(Exception):
    """Java throws here, or what happens depends on more than EL says."""


def value_of(tree: Tree) -> Any:
    """The value that JUEL gives."""
    return RULES[tree[0]](*tree[1:])


def text_of(tree: Tree) -> str:
    """The tree in JUEL, fully parenthesised where operators meet."""
    kind, *parts = tree
    if kind == "lit":
        return _literal(parts[0])
    if kind == "var":
        return str(parts[0])
    if kind == "prop":
        return f"{_base(parts[0])}.{parts[1]}"
    if kind == "index":
        return f"{_base(parts[0])}[{_literal(parts[1])}]"
    if kind == "call":
        return f"{_base(parts[0])}.{parts[1]}({', '.join(map(text_of, parts[2:]))})"
    if kind == "if":
        return f"({text_of(parts[0])} ? {text_of(parts[1])} : {text_of(parts[2])})"
    if kind in {"not", "empty", "neg"}:
        return f"({ {'not': '!', 'empty': 'empty ', 'neg': '-'}[kind] }{text_of(parts[0])})"
    return f"({text_of(parts[0])} {kind} {text_of(parts[1])})"


def _base(tree: Tree) -> str:
    """What a point or a bracket follows: `1.` would be read as a number."""
    return f"({text_of(tree)})" if tree[0] == "lit" else text_of(tree)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if not isinstance(value, str) else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


# --- what EL says


def _number(value: Any) -> int | float:
    """Coercion to a number (1.8.3)."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Undefined
    if isinstance(value, str):
        # A text that writes a number is one in Java, and none in FEEL: the importer says so.
        raise Undefined
    return value


def _boolean(value: Any) -> bool:
    if value is None or value == "":
        return False
    if isinstance(value, bool):
        return value
    raise Undefined


def _string(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    raise Undefined


def _arithmetic(operate: Callable[[Any, Any], Any]) -> Callable[[Tree, Tree], Any]:
    def rule(left: Tree, right: Tree) -> Any:
        return operate(_number(value_of(left)), _number(value_of(right)))

    return rule


def _divided(left: int | float, right: int | float) -> float:
    if right == 0:
        raise Undefined
    return left / right


def _remainder(left: int | float, right: int | float) -> int | float:
    if right == 0:
        raise Undefined
    if isinstance(left, float) or isinstance(right, float):
        return math.fmod(left, right)
    return int(math.fmod(left, right))


def _equal(left: Tree, right: Tree) -> bool:
    a, b = value_of(left), value_of(right)
    if a is None or b is None:
        return a is b
    if isinstance(a, bool) or isinstance(b, bool):
        return _boolean(a) == _boolean(b)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, str) or isinstance(b, str):
        return _string(a) == _string(b)
    return bool(a == b)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Tree, Tree], bool]:
    def rule(left: Tree, right: Tree) -> bool:
        a, b = value_of(left), value_of(right)
        if a is None or b is None:
            return a is b and compare(0, 0)
        if (
            isinstance(a, int | float)
            and isinstance(b, int | float)
            and not isinstance(a, bool)
            and not isinstance(b, bool)
        ):
            return compare(a, b)
        if isinstance(a, str) or isinstance(b, str):
            return compare(_string(a), _string(b))
        raise Undefined

    return rule


def _and(left: Tree, right: Tree) -> bool:
    return _boolean(value_of(left)) and _boolean(value_of(right))


def _or(left: Tree, right: Tree) -> bool:
    return _boolean(value_of(left)) or _boolean(value_of(right))


def _empty(operand: Tree) -> bool:
    return value_of(operand) in (None, "", [], {})


def _property(base: Tree, name: str) -> Any:
    found = value_of(base)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise Undefined
    return found.get(name)


def _index(base: Tree, key: Any) -> Any:
    found = value_of(base)
    if found is None:
        return None
    if isinstance(found, dict):
        return found.get(key)
    if not isinstance(found, list) or not isinstance(key, int) or not 0 <= key < len(found):
        raise Undefined
    return found[key]


def _call(base: Tree, name: str, *arguments: Tree) -> Any:
    on = value_of(base)
    rule = METHODS.get((name, len(arguments)))
    if on is None or rule is None:
        raise Undefined
    return rule(on, *map(value_of, arguments))


def _text_rule(operate: Callable[..., Any]) -> Callable[..., Any]:
    def rule(on: Any, *arguments: Any) -> Any:
        if not isinstance(on, str) or not all(isinstance(each, str) for each in arguments):
            raise Undefined
        return operate(on, *arguments)

    return rule


def _contains(on: Any, wanted: Any) -> bool:
    if isinstance(on, list):
        if isinstance(wanted, int | float) and not isinstance(wanted, bool):
            # A number of Java equals none of another class, which FEEL does not know.
            raise Undefined
        return any(type(each) is type(wanted) and each == wanted for each in on)
    return bool(_text_rule(lambda text, part: part in text)(on, wanted))


def _substring(on: Any, begin: Any, end: Any = None) -> str:
    end = len(on) if end is None and isinstance(on, str) else end
    if (
        not isinstance(on, str)
        or not isinstance(begin, int)
        or not isinstance(end, int)
        or not 0 <= begin <= end <= len(on)
    ):
        raise Undefined
    return on[begin:end]


def _java_equals(on: Any, other: Any) -> bool:
    if type(on) is not type(other):
        # A number of Java equals none of another class, which FEEL does not know.
        raise Undefined
    return bool(on == other)


def _size(on: Any) -> int:
    if not isinstance(on, list):
        raise Undefined
    return len(on)


def _is_empty(on: Any) -> bool:
    if not isinstance(on, list | str | dict):
        raise Undefined
    return not on


METHODS: Final[dict[tuple[str, int], Callable[..., Any]]] = {
    ("contains", 1): _contains,
    ("equals", 1): _java_equals,
    ("size", 0): _size,
    ("isEmpty", 0): _is_empty,
    ("length", 0): _text_rule(len),
    ("toUpperCase", 0): _text_rule(str.upper),
    ("toLowerCase", 0): _text_rule(str.lower),
    ("trim", 0): _text_rule(str.strip),
    ("startsWith", 1): _text_rule(str.startswith),
    ("endsWith", 1): _text_rule(str.endswith),
    ("concat", 1): _text_rule(lambda text, other: text + other),
    ("indexOf", 1): _text_rule(str.find),
    ("replace", 2): _text_rule(str.replace),
    ("substring", 1): _substring,
    ("substring", 2): _substring,
}
RULES: Final[dict[str, Callable[..., Any]]] = {
    "lit": lambda value: value,
    "var": lambda name: VARIABLES[name],
    "prop": _property,
    "index": _index,
    "call": _call,
    "if": lambda test, yes, no: value_of(yes) if _boolean(value_of(test)) else value_of(no),
    "not": lambda operand: not _boolean(value_of(operand)),
    "neg": lambda operand: -_number(value_of(operand)),
    "empty": _empty,
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(_divided),
    "div": _arithmetic(_divided),
    "%": _arithmetic(_remainder),
    "mod": _arithmetic(_remainder),
    "==": _equal,
    "eq": _equal,
    "!=": lambda a, b: not _equal(a, b),
    "ne": lambda a, b: not _equal(a, b),
    "<": _ordered(lambda a, b: a < b),
    "lt": _ordered(lambda a, b: a < b),
    "<=": _ordered(lambda a, b: a <= b),
    "ge": _ordered(lambda a, b: a >= b),
    ">": _ordered(lambda a, b: a > b),
    ">=": _ordered(lambda a, b: a >= b),
    "&&": _and,
    "and": _and,
    "||": _or,
    "or": _or,
}

# --- drawing


def drawn(random: Random, kind: str, depth: int) -> Tree:
    """A tree of a kind: number, string, boolean, any; now and then of another one."""
    if random.random() < 0.06:
        kind = random.choice(tuple(_BY_KIND))
    if depth <= 0 or random.random() < 0.2:
        return _leaf(random, kind)
    return _DRAW[kind](random, depth - 1)


def _leaf(random: Random, kind: str) -> Tree:
    if random.random() < 0.5:
        return "var", random.choice(_BY_KIND[kind])
    constants: dict[str, tuple[Any, ...]] = {
        "number": (0, 1, 2, 4, 10, 0.5),
        "string": ("", "a", "Ada", "it's", 'say "x"', "b.c", "\\"),
        "boolean": (True, False),
        "any": (None, 1, "a", True),
    }
    return "lit", random.choice(constants[kind])


def _a_number(random: Random, depth: int) -> Tree:
    row = random.randrange(8)
    if row < 3:
        return random.choice("+-*"), drawn(random, "number", depth), drawn(random, "number", depth)
    if row == 3:
        # Only divisions whose results are exact in both number systems.
        return random.choice(("/", "div")), drawn(random, "number", depth), ("lit", random.choice((2, 4, 8)))
    if row == 4:
        return random.choice(("%", "mod")), drawn(random, "number", depth), ("lit", random.choice((2, 3, 5)))
    if row == 5:
        return "neg", drawn(random, "number", depth)
    if row == 6:
        return "call", drawn(random, "string", depth), "length"
    return "call", drawn(random, "string", depth), "indexOf", drawn(random, "string", depth)


def _a_string(random: Random, depth: int) -> Tree:
    row = random.randrange(5)
    on = drawn(random, "string", depth)
    if row == 0:
        return "call", on, random.choice(("toUpperCase", "toLowerCase", "trim"))
    if row == 1:
        return "call", on, "concat", drawn(random, "string", depth)
    if row == 2:
        begin = random.randrange(3)
        return "call", on, "substring", ("lit", begin), ("lit", begin + 1 + random.randrange(2))
    if row == 3:
        return "call", on, "replace", ("lit", random.choice(("a", ".", "d"))), ("lit", random.choice(("$1", "x", "\\")))
    return "if", drawn(random, "boolean", depth), on, drawn(random, "string", depth)


def _a_boolean(random: Random, depth: int) -> Tree:
    row = random.randrange(7)
    if row == 0:
        return (
            random.choice(("&&", "||", "and", "or")),
            drawn(random, "boolean", depth),
            drawn(random, "boolean", depth),
        )
    if row == 1:
        return "not", drawn(random, random.choice(("boolean", "boolean", "any")), depth)
    if row == 2:
        kind = random.choice(("number", "string"))
        operator = random.choice(("<", "lt", "<=", ">", ">=", "ge"))
        return operator, drawn(random, kind, depth), drawn(random, kind, depth)
    if row == 3:
        kind = random.choice(("number", "string", "boolean", "any"))
        return random.choice(("==", "eq", "!=", "ne")), drawn(random, kind, depth), drawn(random, kind, depth)
    if row == 4:
        return "empty", drawn(random, "any", depth)
    if row == 5:
        return "call", ("var", "xs"), "contains", drawn(random, random.choice(("number", "string")), depth)
    name = random.choice(("contains", "startsWith", "endsWith", "equals"))
    return "call", drawn(random, "string", depth), name, drawn(random, "string", depth)


def _anything(random: Random, depth: int) -> Tree:
    row = random.randrange(5)
    if row == 0:
        return "prop", ("var", "ctx"), random.choice(("k", "name", "on"))
    if row == 1:
        return "index", ("var", "ctx"), random.choice(("k", "name"))
    if row == 2:
        return "index", ("var", "xs"), random.randrange(3)
    return drawn(random, random.choice(("number", "string", "boolean")), depth)


_DRAW: Final[dict[str, Callable[[Random, int], Tree]]] = {
    "number": _a_number,
    "string": _a_string,
    "boolean": _a_boolean,
    "any": _anything,
}
