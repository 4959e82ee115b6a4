"""Linking: a Program becomes what the core runs, its expressions as callables. Other languages register here.

An expression is compiled when it is first evaluated, so a program is loaded in a fraction of a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast, final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core.linked import Decide, Decided, Environment, Evaluate, Linked, Lookup
from procession.ir.program import Expression, Program, feel_dialect

if TYPE_CHECKING:
    from procession import feel

Compile: TypeAlias = Callable[[str, "feel.Dialect"], Evaluate]
"""(text, dialect of FEEL) -> the expression; a language that is no FEEL needs no dialect."""

STEPS_MAX: Final = 1_000_000
"""What one transition's FEEL expressions may cost, in steps, before they are stopped."""


def link(program: Program, hash: str, decide: Decide | None = None) -> Linked:
    """The program `hash`, ready to run. `decide` evaluates called decisions; without one they fail."""
    dialect = feel_dialect(program)
    return Linked(
        program,
        hash,
        tuple(_Lazy(expression, dialect) for expression in program.expressions),
        environment=_environment,
        decide=decide or _no_decisions,
        missing=_missing(),
    )


@final
class _Lazy:
    """An expression that is compiled at its first evaluation."""

    __slots__ = ("_dialect", "_expression", "_function")

    def __init__(self, expression: Expression, dialect: feel.Dialect) -> None:
        self._dialect: feel.Dialect = dialect
        self._expression = expression
        self._function: Evaluate | None = None

    def __call__(self, lookup: Lookup, environment: Environment) -> Json:
        function = self._function
        if function is None:
            function = self._function = _compile(self._expression, self._dialect)
        return function(lookup, environment)


def _compile(expression: Expression, dialect: feel.Dialect) -> Evaluate:
    compiler = LANGUAGES.get(expression.language)
    if compiler is None:
        raise Failure("expression", f"the expression language {expression.language!r} is not registered here")
    return compiler(expression.text, dialect)


def _feel(text: str, dialect: feel.Dialect) -> Evaluate:
    from procession import feel

    try:
        function = feel.compile_expression(text, dialect=dialect).function
    except feel.FeelSyntaxError as error:
        # Deployment refuses such a text; an older compiler may have let it pass.
        raise Failure("expression", f"{text!r}: {error}") from None
    run = cast("Callable[[Lookup, Environment], object]", function)
    to_json = feel.to_json

    def evaluate(lookup: Lookup, environment: Environment) -> Json:
        known = len(environment.notes)
        try:
            value = to_json(run(lookup, environment))
        except feel.BudgetExceeded as error:
            raise Failure("expression", f"{text[:200]!r}: {error}") from None
        if len(environment.notes) > known:
            refuse_failed_assertions(environment, known, repr(text[:200]), "expression")
        return value

    return evaluate


def refuse_failed_assertions(environment: Environment, known: int, what: str, code: str) -> None:
    """Raises `Failure` for an `assert(…)` that did not hold among the notes after the first `known` ones.

    Where a function has no value, null is an answer; whoever writes `assert` wants the instance to stop.
    """
    for note in environment.notes[known:]:
        if note.code == "assert":
            raise Failure(code, f"{what}: {note.message}")


def _environment(at: int, zone: str, seed: int, draws: int) -> Environment:
    return _runtime()(now_ms=at, zone=zone, seed=seed, draws=draws, budget=STEPS_MAX)


@cache
def _runtime() -> type[feel.Runtime]:
    from procession.feel import Runtime

    return Runtime


def _missing() -> object:
    from procession import feel

    return feel.MISSING


def _no_decisions(hash: str, decision_id: str, lookup: Lookup, environment: Environment) -> Decided:
    raise Failure("decision", f"decision {decision_id!r} cannot be evaluated: this host has no decisions")


LANGUAGES: Final[dict[str, Compile]] = {"feel": _feel}
"""language -> compiler. A test runner or an importer adds its own; an unregistered one is refused at deployment."""
