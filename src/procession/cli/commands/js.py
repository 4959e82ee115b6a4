"""Commands about scripts: running one as the engine would, its tests, and types for its author's editor."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias

import typer

from procession.base.values import Json, decode, encode
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson

if TYPE_CHECKING:
    from procession.scripts.ports import Line, Runtime

group: Final = typer.Typer(name="js", help="Run and test scripts in JavaScript and TypeScript.", no_args_is_help=True)

_MB: Final = 1024 * 1024
_ENGINES: Final = ("quickjs", "deno", "trusted")

Limit: TypeAlias = Annotated[
    float, typer.Option("--limit", metavar="SECONDS", help="Seconds that it may compute.", min=0.01)
]
Memory: TypeAlias = Annotated[int, typer.Option("--memory", metavar="MB", help="Megabytes that it may take.", min=1)]
Engine: TypeAlias = Annotated[
    str, typer.Option("--engine", metavar="|".join(_ENGINES), help="trusted: in this process, without a wall.")
]


@group.command("run")
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A script or a module.", show_default=False)],
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE", help="What it gets as `input`.", show_default=False)
    ] = "{}",
    limit: Limit = 1.0,
    memory: Memory = 32,
    engine: Engine = "quickjs",
    seed: Annotated[int, typer.Option("--seed", help="What Math.random comes from.", min=0)] = 0,
    json: AsJson = False,
) -> None:
    """Run a script as a process would, and print what it gives as JSON. What it says is on stderr.

    Exits 1 when it throws, or when a limit is hit; the reason says which.
    """
    output = Output(json)
    with errors(json), _runtime(engine) as runtime:
        from procession.scripts.ports import Call, Limits, ScriptFailed, ScriptThrew
        from procession.services.script_files import load

        loaded = load(file)
        limits = Limits(seconds=limit, wall=max(5.0, limit * 4), memory=memory * _MB)
        call = Call(at=time.time_ns() // 1_000_000, seed=seed)
        try:
            result = runtime.evaluate(loaded.code, encode(_input(given)), limits, call)
        except ScriptThrew as threw:
            _tell(threw.said)
            record: dict[str, object] = {
                "error": threw.message,
                "code": threw.code,
                "variables": threw.variables,
                "reason": "bpmn-error",
            }
            _fail(output, f"BpmnError {threw.code}: {threw.message}", record)
        except ScriptFailed as failure:
            _tell(failure.said)
            text = loaded.told(failure)
            _fail(output, f"{failure.reason}: {text}", {"error": text, "reason": failure.reason})
        _tell(result.said)
        value = decode(result.value) if result.value else None
        output.document({"value": value, "cpuUs": result.cpu_us})
        output.text(result.value.decode() if result.value else "undefined")


@group.command("test")
def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files *.test.js, *.test.ts; folders.", show_default=False)
    ],
    limit: Limit = 5.0,
    memory: Memory = 64,
    engine: Engine = "quickjs",
    json: AsJson = False,
) -> None:
    """Run the tests of scripts: `import {test, equal} from "test"`. Exits 1 when one fails, or there is none."""
    output = Output(json)
    with errors(json), _runtime(engine) as runtime:
        from procession.scripts.ports import Limits
        from procession.services.script_files import run_tests

        limits = Limits(seconds=limit, wall=max(10.0, limit * 4), memory=memory * _MB)
        failed = passed = 0
        records: list[dict[str, object]] = []
        for file in _files(paths):
            results, said = run_tests(file, runtime, limits)
            _tell(said)
            for each in results:
                failed, passed = failed + bool(each.error), passed + (not each.error)
                records.append({"file": str(file), "test": each.name, "error": each.error})
                mark, color = ("✗", "red") if each.error else ("✓", "green")
                output.text(f"{mark} {file.name}: {each.name}", color)
                if each.error:
                    output.text("    " + each.error.replace("\n", "\n    "))
        output.document({"passed": passed, "failed": failed, "tests": records})
        output.text(f"{passed} passed, {failed} failed")
        if failed:
            raise typer.Exit(FAILED)


@group.command("types")
def types(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="BPMN files; modules beside them.", show_default=False)
    ],
    sample: Annotated[
        str, typer.Option("--sample", metavar="JSON|@FILE", help="Variables as they may be.", show_default=False)
    ] = "{}",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it there.", show_default=False)
    ] = None,
    json: AsJson = False,
) -> None:
    """Print declarations (.d.ts) of a model's variables for the editor of who writes its scripts."""
    output = Output(json)
    with errors(json):
        from procession.services.deploy import compile_resources
        from procession.services.script_files import modules_in
        from procession.services.script_types import declared

        folder = models[0].parent
        compiled = compile_resources([(each.name, each.read_bytes()) for each in (*models, *modules_in(folder))])
        text = declared([draft.program for draft in compiled.processes], _input(sample), folder)
        if out is not None:
            out.write_text(text, encoding="utf-8")
        output.document({"file": str(out) if out is not None else None, "declarations": text})
        output.text(f"{out} is written" if out is not None else text.rstrip("\n"))


def _input(given: str) -> Json:
    text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
    return decode(text)


@contextmanager
def _runtime(engine: str) -> Generator[Runtime]:
    if engine not in _ENGINES:
        raise Problem(f"no engine {engine!r}", f"one of {', '.join(_ENGINES)}", USAGE)
    runtime = _made(engine)
    try:
        yield runtime
    finally:
        runtime.close()


def _made(engine: str) -> Runtime:
    from procession.services.scripting import has_reader

    if not has_reader():
        raise Problem("scripts need the extra `js`", "pip install 'procession[js]'")
    if engine == "deno":
        from procession.scripts.deno import Deno

        return Deno()
    if engine == "trusted":
        from procession.scripts.trusted import Trusted

        return Trusted()
    from procession.scripts.pool import Pool

    return Pool()


def _files(paths: list[Path]) -> list[Path]:
    from procession.services.modules import TESTS

    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.rglob("*") if each.name.endswith(TESTS))
        elif path.is_file():
            found.append(path)
        else:
            raise Problem(f"no file {path}", "name a file of tests, or a folder that holds some", USAGE)
    if not found:
        raise Problem("no tests there", f"files of tests end with {', '.join(TESTS)}")
    return found


def _tell(said: tuple[Line, ...]) -> None:
    for line in said:
        sys.stderr.write(f"{line.level}: {line.text}\n")


def _fail(output: Output, text: str, record: dict[str, object]) -> NoReturn:
    from procession.cli.console import write_error

    write_error(output.as_json, text, record)
    raise typer.Exit(FAILED)
