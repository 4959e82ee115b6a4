"""FEEL at a prompt: what a session knows, what it answers, its commands after a colon, and completion."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast, final

from procession import feel
from procession.base.failure import BadValue, ProcessionError
from procession.base.values import decode
from procession.cli.console import Output

BUDGET: Final = 10_000_000
"""Steps of one expression: a slip at the prompt ends after seconds."""
_WELCOME: Final = "FEEL · an empty line ends a longer expression · :help · :quit"
_HELP: Final = """An expression, or name = expression, which keeps its value under a new name. The last value is `it`.
:load FILE      take the variables of a JSON object
:explain        why the last value, or parts of it, are null
:vars           the variables
:quit           leave (so does Ctrl-D)"""


def dialect_of(name: str) -> feel.Dialect:
    """The dialect of a checked name."""
    return "camunda" if name == "camunda" else "feel"


@final
class Session:
    """The variables of a prompt, its clock (Unix ms), and what was asked last."""

    __slots__ = ("_now_ms", "asked", "dialect", "outcome", "variables")

    def __init__(self, variables: dict[str, object], dialect: feel.Dialect, now_ms: int) -> None:
        self.variables = variables
        self.dialect: feel.Dialect = dialect
        self._now_ms = now_ms
        self.asked = ""
        self.outcome = feel.Outcome(None, ())

    def evaluated(self, text: str) -> feel.Outcome:
        """The value of an expression. Raises what `feel.evaluate` does."""
        runtime = feel.Runtime(now_ms=self._now_ms, budget=BUDGET)
        self.asked = text
        self.outcome = feel.evaluate_full(text, self.variables, runtime=runtime, dialect=self.dialect)
        return self.outcome

    def tested(self, tests: str, value: str) -> feel.Outcome:
        """Whether the value of an expression passes unary tests."""
        given = self.evaluated(value).value
        runtime = feel.Runtime(now_ms=self._now_ms, budget=BUDGET)
        self.asked = tests
        self.outcome = feel.unary_tests(tests, given, self.variables, runtime=runtime, dialect=self.dialect)
        return self.outcome

    def kept(self, text: str) -> feel.Outcome:
        """`name = expression` keeps a value under a name that is free; everything else is evaluated. `it` is the last.

        With a name that is taken `=` compares, as FEEL means it.
        """
        name, sign, rest = text.partition("=")
        name = name.strip()
        # `a != 3`, `a <= 3` and `"a" = "a"` are expressions; so is a comparison of what is already there.
        if sign and name.isidentifier() and name not in self.variables and rest.strip():
            outcome = self.evaluated(rest)
            self.variables[name] = outcome.value
        else:
            outcome = self.evaluated(text)
        self.variables["it"] = outcome.value
        return outcome

    def words(self) -> list[str]:
        """What can be completed: built-ins, variables, and the keys of contexts in them."""
        found: dict[str, None] = {f"{name}(": None for name in feel.builtin_names(self.dialect)}
        waiting: list[object] = [self.variables]
        while waiting and len(found) < WORDS_MAX:
            value = waiting.pop()
            if isinstance(value, Mapping):
                entries = cast("Mapping[str, object]", value)
                found.update((name, None) for name in entries)
                waiting.extend(entries.values())
            elif isinstance(value, list):
                waiting.extend(cast("list[object]", value)[:1])
        return sorted(found)


WORDS_MAX: Final = 10_000
"""Most names that a prompt completes."""


def told(text: str, outcome: feel.Outcome) -> Iterator[tuple[dict[str, object], str]]:
    """The answer, once: as a record, and as text with the places of what became null underlined."""
    notes = [
        {"code": each.code, "message": each.message, "start": each.start, "end": each.end}
        for each in outcome.diagnostics
    ]
    record: dict[str, object] = {
        "value": feel.to_json(outcome.value),
        "feel": feel.string(outcome.value, quoted=True),
        "diagnostics": notes,
    }
    lines = [feel.string(outcome.value, quoted=True), *(feel.pointed(text, each) for each in outcome.diagnostics)]
    yield record, "\n".join(lines)


def converse(session: Session, output: Output) -> None:
    """Asks and answers until the end of the input."""
    _complete(session)
    output.text(_WELCOME, "dim")
    while (text := _asked(session.dialect)) is not None:
        if text.strip():
            answer(session, text.strip(), output)
            if text.strip() in {":quit", ":q"}:
                return


def answer(session: Session, text: str, output: Output) -> None:
    """The answer to one input."""
    try:
        if text.startswith(":"):
            word, _, rest = text.partition(" ")
            command = COMMANDS.get(word)
            output.text(command(session, rest.strip()) if command else f"no command {word}; there are: {_HELP}")
            return
        outcome = session.kept(text)
        for _, line in told(session.asked, outcome):
            output.text(line)
    except ProcessionError as error:
        output.text(str(error), "red")
    except OSError as error:
        output.text(f"{error.filename}: {error.strerror}", "red")


def is_open(text: str, dialect: feel.Dialect) -> bool:
    """Whether more lines are needed: a text that is no FEEL, and whose error is at its end."""
    if text.startswith(":") or not text.strip() or text.endswith("\n"):
        return False
    name, sign, rest = text.partition("=")
    body = rest if sign and name.strip().isidentifier() else text
    try:
        feel.compile(body, dialect=dialect)
    except feel.FeelSyntaxError as error:
        return error.offset >= len(body.rstrip())
    return False


def _asked(dialect: feel.Dialect) -> str | None:
    """One input of several lines; None at the end."""
    text = ""
    while True:
        try:
            line = input("feel> " if not text else "  ... ")
        except EOFError:
            sys.stdout.write("\n")
            return None
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            text = ""
            continue
        text += line if not text else f"\n{line}"
        if not is_open(text, dialect):
            return text


def _complete(session: Session) -> None:
    """Completion and history, where Python has readline; history is kept in memory only."""
    try:
        import readline
    except ImportError:
        return

    def completer(start: str, state: int) -> str | None:
        found = completions(session, start)
        return found[state] if state < len(found) else None

    readline.set_completer(completer)
    readline.set_completer_delims(" \t\n()[]{},.+-*/=<>!:;\"'")
    readline.parse_and_bind("tab: complete")


def completions(session: Session, start: str) -> list[str]:
    """The words that begin so; the prompt's commands after a colon."""
    words = [*session.words(), *COMMANDS] if start.startswith(":") or not start else session.words()
    return [word for word in words if word.startswith(start)]


def _load(session: Session, rest: str) -> str:
    value = decode(Path(rest).read_bytes())
    if not isinstance(value, dict):
        raise BadValue(f"{rest} holds no JSON object")
    session.variables.update(value)
    return f"{len(value)} variables: {', '.join(list(value)[:20])}"


def _explain(session: Session, rest: str) -> str:
    if not session.outcome.diagnostics:
        value = feel.string(session.outcome.value, quoted=True)
        return f"nothing to explain: {value[:60]} has no null that came of an error"
    return "\n".join(feel.pointed(session.asked, each) for each in session.outcome.diagnostics)


def _vars(session: Session, rest: str) -> str:
    shown = [f"{name} = {feel.string(value, quoted=True)[:100]}" for name, value in session.variables.items()]
    return "\n".join(shown) or "no variables"


COMMANDS: Final[dict[str, Callable[[Session, str], str]]] = {
    ":explain": _explain,
    ":help": lambda session, rest: _HELP,
    ":load": _load,
    ":quit": lambda session, rest: "",
    ":q": lambda session, rest: "",
    ":vars": _vars,
}
"""What a colon begins."""
