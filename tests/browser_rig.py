"""FEEL as the browser has it: the runtime of the player in one Node process, asked over its stdin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import npm
from procession import feel
from procession.base.values import encode
from procession.feel.javascript import Program, Reason, subset

if TYPE_CHECKING:
    from procession.base.values import Json

PACKAGE: Final = Path(__file__).resolve().parents[1] / "clients" / "player"
BUDGET: Final = 1_000_000


class Verdict(NamedTuple):
    """What one side says: `value`, with FEEL's text of it, or `ask`, with the reason; `ns` is what Node took."""

    kind: str
    text: str
    ns: float = 0


class Browser:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, program: Program, variables: Mapping[str, object], repeat: int = 1) -> Verdict:
        """The verdict on a program."""
        kind, *rest = self.ask(json.dumps([program, encode(cast("Json", variables)).decode(), repeat]))
        assert kind != "failed", rest
        return Verdict(kind, *rest)

    def ask(self, line: str) -> Any:
        """The answer to one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def browser(place: Path) -> Iterator[Browser]:
    """A process with the runtime, bundled into a folder."""
    bundle(PACKAGE / "test" / "verdicts.ts", place / "verdicts.mjs", "--platform=node")
    with subprocess.Popen(
        # As under a policy without `unsafe-eval`.
        ["node", "--disallow-code-generation-from-strings", str(place / "verdicts.mjs")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        yield Browser(process)
        assert process.stdin is not None
        process.stdin.close()


def bundle(source: Path, target: Path, *options: str) -> None:
    """A file and what it imports as one file, minified."""
    modules = npm.installed(PACKAGE) / "node_modules"
    subprocess.run(
        [str(modules / ".bin" / "esbuild"), str(source), "--bundle", "--minify", "--format=esm", "--target=es2022",
         "--log-level=warning", f"--outfile={target}", *options],
        check=True,
    )  # fmt: skip


def server_verdict(expression: feel.Expression, variables: Mapping[str, object], budget: int = BUDGET) -> Verdict:
    """What the engine says. Raises `BudgetExceeded`."""
    return Verdict("value", feel.string(expression.evaluate(variables, feel.Runtime(budget=budget)), quoted=True))


def reasons(expression: feel.Expression) -> tuple[Reason, ...]:
    """Why an expression is not in the subset; empty if it is."""
    found = subset(expression)
    return found if isinstance(found, tuple) else ()
