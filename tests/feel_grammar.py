"""Expressions drawn from FEEL's grammar, as text: typed where it can be, now and then of a wrong type on purpose.

Every choice comes from the `Random` that is given, so that Hypothesis can shrink it and a seed can repeat it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from typing import Final, TypeAlias

Make: TypeAlias = "Callable[[Text], str]"

VARIABLES: Final[dict[str, object]] = {
    "n": 7,
    "m": Decimal("-2.50"),
    "s": "Ada",
    "b": True,
    "nothing": None,
    "xs": [3, 1, 2, None],
    "rows": [{"k": 1, "first name": "x"}, {"k": 2, "first name": None}, {"v": 3}],
    "ctx": {"k": 5, "s": "in", "inner": {"k": [1, 2]}},
    "first name": "Bo",
    "p-q": 11,
}
KINDS: Final = ("number", "string", "boolean", "date", "time", "moment", "months", "days", "list", "context", "range")
_DATES: Final = ("2024-02-29", "2025-12-31", "1999-01-01", "-0044-03-15", "2026-02-30", "0001-01-01", "99999-06-07")
_TIMES: Final = (
    "00:00:00",
    "23:59:59.999999999",
    "10:30:00Z",
    "10:30:00+05:30",
    "08:00:00@Europe/Berlin",
    "12:00:00-03:00",
)
_MOMENTS: Final = (
    "2024-02-29T10:00:00", "2026-03-29T02:30:00@Europe/Berlin", "2026-10-25T02:30:00@Europe/Berlin",
    "2026-06-01T00:00:00Z", "2026-06-01T00:00:00.5+02:00", "1999-12-31T24:00:00",
    "2026-11-01T01:30:00@America/New_York",
)  # fmt: skip
_MONTHS: Final = ("P1Y", "P13M", "-P2Y3M", "P0M", "P1000Y")
_DAYS: Final = ("P1D", "PT1H", "-PT36H0.5S", "PT0S", "P400DT1M", "PT0.000000001S")
_NUMBERS: Final = ("0", "1", "2", "3", "10", "2.5", "0.1", "100.00", ".5", "1e3", "9999999999999999999999999999999999",
                   "0.000001", "12345678901234567890123456789012345")  # fmt: skip
_STRINGS: Final = ('""', '"a"', '"Ada"', '"b c"', r'"\u00e9\n"', r'"\uD83D\uDC0E"', '"10"', '"true"', r'"q\"\\"')


class Text:
    """The state of one drawing: the chance, the depth left, the names in scope by kind."""

    def __init__(self, random: Random, depth: int = 4, *, wrong: float = 0.08) -> None:
        self.random = random
        self.depth = depth
        self.wrong = wrong
        self.scope: list[tuple[str, str]] = [
            ("n", "number"), ("m", "number"), ("p-q", "number"), ("s", "string"), ("first name", "string"),
            ("b", "boolean"), ("xs", "list"), ("rows", "list"), ("ctx", "context"), ("nothing", "any"), ("gone", "any"),
        ]  # fmt: skip
        self._fresh = 0

    def pick(self, *options: str) -> str:
        """One of some texts."""
        return options[self.random.randrange(len(options))]

    def maybe(self, chance: float) -> bool:
        """Whether something of this chance happens."""
        return self.random.random() < chance

    def of(self, kind: str) -> str:
        """An expression of a kind, mostly."""
        if self.maybe(self.wrong):
            kind = self.pick(*KINDS, "any")
        if kind == "any":
            kind = self.pick(*KINDS, "null")
        names = [name for name, of in self.scope if of == kind or (of == "any" and self.maybe(self.wrong))]
        if names and self.maybe(0.15):
            return self.pick(*names)
        if self.depth <= 0:
            return LEAVES[kind](self)
        self.depth -= 1
        rows = (*DEEP.get(kind, ()), *(make(kind) for make in _AROUND))
        made = rows[self.random.randrange(len(rows))](self) if self.maybe(0.85) else LEAVES[kind](self)
        self.depth += 1
        return made

    def operand(self, kind: str) -> str:
        """An expression in parentheses more often than not: without them, the precedence decides what is read."""
        text = self.of(kind)
        return f"({text})" if self.maybe(0.6) else text

    def binding(self) -> str:
        """A fresh name for an iterator, parameter or entry; sometimes with a space, or one that hides another."""
        self._fresh += 1
        return self.pick(f"x{self._fresh}", f"x{self._fresh}", f"y z{self._fresh}", "n", "`my-name`", "item")

    def within(self, names: list[tuple[str, str]], make: Callable[[], str]) -> str:
        """A part in which more names are in scope."""
        before = self.scope
        self.scope = before + names
        text = make()
        self.scope = before
        return text


def expression(random: Random, kind: str = "any", depth: int = 4, *, wrong: float = 0.08) -> str:
    """An expression."""
    return Text(random, depth, wrong=wrong).of(kind)


def unary_tests(random: Random, depth: int = 3) -> str:
    """A decision table's input entry."""
    text = Text(random, depth)
    text.scope.append(("?", "number"))
    tests = ", ".join(_test(text, "number") for _ in range(text.random.randrange(1, 4)))
    return text.pick("-", tests, tests, tests, f"not({tests})")


def _literal(*texts: str, at: bool = False) -> Make:
    return lambda t: f'@"{t.pick(*texts)}"' if at else t.pick(*texts)


LEAVES: Final[dict[str, Make]] = {
    "number": _literal(*_NUMBERS, "-1", "-3", "-0.25"),
    "string": _literal(*_STRINGS),
    "boolean": _literal("true", "false"),
    "date": _literal(*_DATES, at=True),
    "time": _literal(*_TIMES, at=True),
    "moment": _literal(*_MOMENTS, at=True),
    "months": _literal(*_MONTHS, at=True),
    "days": _literal(*_DAYS, at=True),
    "list": _literal("[]", "[1, 2, 3]", "[null, 1]", '["a", "b"]', "[[1], [2, [3]]]", "[true, null, false]"),
    "context": _literal("{}", "{k: 1}", '{k: 1, s: "x", inner: {k: 2}}', '{"odd key!": 1}'),
    "range": _literal(
        "[1..5]",
        "(1..5)",
        "]0..10[",
        "[2..2]",
        '["a".."c"]',
        "(< 3)",
        "(>= 2)",
        "(= 1)",
        "(!= 4)",
        '[@"2024-01-01"..@"2024-12-31"]',
    ),
    "null": _literal("null"),
}


def _infix(left: str, operators: tuple[str, ...], right: str) -> Make:
    return lambda t: f"{t.operand(left)} {t.pick(*operators)} {t.operand(right)}"


def _called(name: str, *kinds: str, least: int | None = None) -> Make:
    def make(t: Text) -> str:
        count = len(kinds) if least is None else t.random.randrange(least, len(kinds) + 1)
        if t.maybe(0.02):
            count = t.random.randrange(0, 4)
        return f"{name}({', '.join(t.of(kind) for kind in (*kinds, 'any', 'any', 'any')[:count])})"

    return make


def _conditional(kind: str) -> Make:
    return lambda t: f"if {t.of('boolean')} then {t.of(kind)} else {t.of(kind)}"


def _bracketed(kind: str) -> Make:
    return lambda t: t.pick("({})", "( {} )", "/* c */ ({})", "({}) // end\n").format(t.of(kind))


def _entry(kind: str) -> Make:
    """A context whose later entries use the earlier ones, and one of its entries."""

    def make(t: Text) -> str:
        name, other = t.binding(), t.pick("number", "string", "list")
        first = t.of(other)
        second = t.within([(name, other)], lambda: t.of(kind))
        return "{" + f"{name}: {first}, r: {second}" + "}" + t.pick(".r", ".r", f".{name}")

    return make


def _applied(kind: str) -> Make:
    """A function, called at once by place or by name."""

    def make(t: Text) -> str:
        name, other = t.binding(), t.pick("number", "string", "list", "boolean")
        body = t.within([(name, other)], lambda: t.of(kind))
        type_ = t.pick("", "", f": {other if other != 'list' else 'list<number>'}")
        label = t.pick("", "", f"{name}: ")
        external = t.pick(*[""] * 15, "external ")
        return f"(function({name}{type_}) {external}{body})({label}{t.of(other)})"

    return make


def _indexed(kind: str) -> Make:
    return lambda t: f"[{t.of(kind)}, {t.of(kind)}][{t.of('number') if t.maybe(0.3) else t.pick('1', '2', '-1', '3')}]"


def _iteration(t: Text) -> str:
    first, second = t.binding(), t.binding()
    many = t.maybe(0.3)
    domain = t.pick(t.of("list"), f"{t.pick('1', '0', '-1', '3')}..{t.pick('2', '3', 'n')}", t.of("range"))
    names = [(first, "number"), ("partial", "list")]
    extra = ""
    if many:
        extra = t.within([(first, "number")], lambda: f", {second} in {t.of('list')}")
        names.append((second, "any"))
    body = t.within(names, lambda: t.of(t.pick("number", "list", "any")))
    return f"for {first} in {domain}{extra} return {body}"


def _quantified(t: Text) -> str:
    name = t.binding()
    domain = t.of("list")
    body = t.within([(name, "number")], lambda: t.of("boolean"))
    return f"{t.pick('some', 'every')} {name} in {domain} satisfies {body}"


def _filtered(t: Text) -> str:
    base = t.operand("list")
    names = [("item", "number"), ("k", "number"), ("v", "number")]
    return f"{base}[{t.within(names, lambda: t.of('boolean'))}]"


def _test(t: Text, kind: str) -> str:
    return t.pick(f"{t.pick('<', '<=', '>', '>=', '=', '!=')} {t.operand(kind)}", t.of(kind), t.of("range"),
                  f"[{t.of(kind)}..{t.of(kind)}]", t.of("list"))  # fmt: skip


def _in(t: Text) -> str:
    kind = t.pick("number", "number", "string", "date")
    tests = ", ".join(_test(t, kind) for _ in range(t.random.randrange(1, 3)))
    return f"{t.operand(kind)} in {t.pick(f'({tests})', _test(t, kind))}"


def _compared(t: Text) -> str:
    kind = t.pick(*KINDS)
    return f"{t.operand(kind)} {t.pick('=', '!=', '<', '<=', '>', '>=')} {t.operand(kind)}"


def _between(t: Text) -> str:
    kind = t.pick("number", "string", "date", "days")
    return f"{t.operand(kind)} between {t.operand(kind)} and {t.operand(kind)}"


def _instance(t: Text) -> str:
    kind = t.pick("number", "string", "boolean", "date", "time", "date and time", "years and months duration", "Any",
                  "days and time duration", "list<number>", "list<Any>", "context<k: number>", "range<number>", "list",
                  "function<number>->number", "context", "Null")  # fmt: skip
    return f"{t.operand('any')} instance of {kind}"


def _range(t: Text) -> str:
    kind = t.pick("number", "number", "string", "date", "days")
    return f"{t.pick('[', '(', ']')}{t.of(kind)}..{t.of(kind)}{t.pick(']', ')', '[')}"


def _list(t: Text) -> str:
    return f"[{', '.join(t.of(t.pick('number', 'number', 'any')) for _ in range(t.random.randrange(0, 4)))}]"


def _context(t: Text) -> str:
    entries: list[str] = []
    names: list[tuple[str, str]] = []
    for key in ("k", "s", "first name", '"quoted key"', "v")[: t.random.randrange(0, 6)]:
        kind = t.pick("number", "string", "any")
        entries.append(f"{key}: {t.within(list(names), partial(t.of, kind))}")
        names.append((key.strip('"'), kind))
    return "{" + ", ".join(entries) + "}"


def _path(t: Text) -> str:
    return f"{t.operand(t.pick('context', 'context', 'list'))}.{t.pick('k', 's', 'inner', 'first name', 'v', 'gone')}"


def _property(*rows: tuple[str, str]) -> tuple[Make, ...]:
    def make(row: tuple[str, str]) -> Make:
        return lambda t: f"{t.operand(row[0])}.{row[1]}"

    return tuple(map(make, rows))


def _time_of_parts(t: Text) -> str:
    offset = t.pick("", f", {t.of('days')}")
    return f"time({t.pick('0', '23', '24')}, {t.pick('0', '59')}, {t.pick('0', '59.5', '60')}{offset})"


_ARITHMETIC: Final = ("+", "-", "*", "/", "**")
_KEYS: Final = ('["k"]', '["inner", "k"]', '["k", "z"]', '"k"', '"inner"')
_RELATIONS: Final = ("before", "after", "meets", "met by", "overlaps", "overlaps before", "overlaps after", "finishes",
                     "finished by", "includes", "during", "starts", "started by", "coincides")  # fmt: skip

DEEP: Final[dict[str, tuple[Make, ...]]] = {
    "number": (
        _infix("number", _ARITHMETIC, "number"),
        _infix("number", ("+", "-", "*"), "number"),
        lambda t: f"-{t.operand('number')}",
        _infix("days", ("/",), "days"),
        _infix("months", ("/",), "months"),
        _path,
        *(_called(name, "list") for name in ("sum", "min", "max", "mean", "count", "product", "median", "stddev")),
        *(
            _called(name, "number", "number")
            for name in (
                "modulo",
                "decimal",
                "round up",
                "round down",
                "round half up",
                "round half down",
                "floor",
                "ceiling",
            )
        ),
        _called("floor", "number"),
        _called("ceiling", "number"),
        _called("abs", "number"),
        _called("sqrt", "number"),
        _called("max", "number", "number", "number", least=1),
        _called("string length", "string"),
        _called("number", "string"),
        _called("day of year", "date"),
        _called("week of year", "date"),
        *_property(
            ("date", "year"),
            ("date", "month"),
            ("date", "day"),
            ("date", "weekday"),
            ("time", "hour"),
            ("time", "minute"),
            ("time", "second"),
            ("moment", "year"),
            ("moment", "hour"),
            ("months", "years"),
            ("months", "months"),
            ("days", "days"),
            ("days", "hours"),
            ("days", "minutes"),
            ("days", "seconds"),
        ),
    ),
    "string": (
        _infix("string", ("+",), "string"),
        _called("string", "any"),
        _called("upper case", "string"),
        _called("lower case", "string"),
        _called("substring", "string", "number", "number", least=2),
        _called("substring before", "string", "string"),
        _called("substring after", "string", "string"),
        _called("string join", "list", "string", least=1),
        _called("day of week", "date"),
        _called("month of year", "date"),
        _path,
    ),
    "boolean": (
        _compared,
        _compared,
        _between,
        _in,
        _in,
        _instance,
        _quantified,
        _quantified,
        _infix("boolean", ("and", "or"), "boolean"),
        _infix("boolean", ("and", "or"), "any"),
        _called("not", "boolean"),
        lambda t: f"{t.operand('boolean')} and {t.operand('boolean')} or {t.operand('boolean')}",
        _called("contains", "string", "string"),
        _called("starts with", "string", "string"),
        _called("ends with", "string", "string"),
        _called("list contains", "list", "any"),
        _called("odd", "number"),
        _called("even", "number"),
        _called("all", "list"),
        _called("any", "list"),
        _called("is", "any", "any"),
        *(_called(name, "range", "range") for name in _RELATIONS),
        _called("includes", "range", "number"),
        _called("during", "number", "range"),
        _called("before", "number", "range"),
        _called("starts", "number", "range"),
    ),
    "date": (
        _infix("date", ("+", "-"), "months"),
        _infix("date", ("+", "-"), "days"),
        _infix("months", ("+",), "date"),
        _called("date", "moment"),
        _called("date", "number", "number", "number"),
        lambda t: (
            f"date({t.pick('2024', '2023', '-5', '2026.5')}, {t.pick('1', '2', '12', '13')}, {t.pick('1', '29', '31')})"
        ),
        lambda t: f'date("{t.pick(*_DATES)}")',
    ),
    "time": (
        _infix("time", ("+", "-"), "days"),
        _called("time", "moment"),
        _time_of_parts,
        lambda t: f'time("{t.pick(*_TIMES)}")',
    ),
    "moment": (
        _infix("moment", ("+", "-"), "months"),
        _infix("moment", ("+", "-"), "days"),
        _infix("days", ("+",), "moment"),
        _called("date and time", "date", "time"),
        lambda t: f'date and time("{t.pick(*_MOMENTS)}")',
    ),
    "months": (
        _infix("months", ("+", "-"), "months"),
        _infix("months", ("*", "/"), "number"),
        _infix("number", ("*",), "months"),
        _called("years and months duration", "date", "date"),
        lambda t: f"-{t.operand('months')}",
        _called("abs", "months"),
        lambda t: f'duration("{t.pick(*_MONTHS)}")',
    ),
    "days": (
        _infix("days", ("+", "-"), "days"),
        _infix("days", ("*", "/"), "number"),
        _infix("number", ("*",), "days"),
        _infix("date", ("-",), "date"),
        _infix("moment", ("-",), "moment"),
        _infix("time", ("-",), "time"),
        _infix("moment", ("-",), "date"),
        lambda t: f"-{t.operand('days')}",
        lambda t: f'duration("{t.pick(*_DAYS)}")',
        *_property(("time", "time offset"), ("moment", "time offset")),
    ),
    "list": (
        _list,
        _list,
        _iteration,
        _iteration,
        _filtered,
        _filtered,
        _path,
        _called("append", "list", "any", "any", least=1),
        _called("concatenate", "list", "list", least=1),
        _called("sublist", "list", "number", "number", least=2),
        _called("insert before", "list", "number", "any"),
        _called("remove", "list", "number"),
        _called("reverse", "list"),
        _called("index of", "list", "any"),
        _called("union", "list", "list", least=1),
        _called("distinct values", "list"),
        _called("flatten", "list"),
        _called("sort", "list"),
        _called("mode", "list"),
        _called("get entries", "context"),
        lambda t: f"sort({t.of('list')}, function(p, q) p {t.pick('<', '>')} q)",
        lambda t: f"list replace({t.of('list')}, {t.pick('1', '-1', 'function(i, w) i < w')}, {t.of('number')})",
    ),
    "context": (
        _context,
        _context,
        _called("context merge", "list"),
        _called("context put", "context", "string", "any"),
        lambda t: f"context put({t.of('context')}, {t.pick(*_KEYS)}, {t.of('any')})",
        lambda t: f"context([{{key: {t.of('string')}, value: {t.of('any')}}}])",
        lambda t: f"get value({t.of('context')}, {t.pick(*_KEYS, t.of('string'))})",
    ),
    "range": (_range, _range),
}
_AROUND: Final = (_conditional, _bracketed, _entry, _applied, _indexed)
