"""The command that runs scenario files (docs/reference/scenarios.md) and tables of cases (docs/cases.md)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors, needed_by
from procession.cli.options import MEMORY, AsJson, among

if TYPE_CHECKING:
    from procession.testing.driver import MakeEngines
    from procession.testing.runner import Result

SUFFIXES: Final = (".scenario.yaml", ".scenario.yml")
CASES: Final = (".cases.csv", ".cases.xlsx")
HOSTS: Final = ("embedded", "celery", "temporal")


def run_scenarios(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Scenario files, tables of cases, or folders of them.", show_default=False),
    ],
    host: Annotated[
        str,
        typer.Option("--host", metavar="|".join(HOSTS), help="What runs the processes.", autocompletion=among(HOSTS)),
    ] = HOSTS[0],
    store: Annotated[str, typer.Option("--store", metavar="URL", help="Where the state is kept.")] = MEMORY,
    restore_every_step: Annotated[
        bool, typer.Option("--restore-every-step", help="Save and load the state after every step.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Crashes and refusals of the disk, as this number draws them.", show_default=False),
    ] = None,
    address: Annotated[
        str,
        typer.Option("--address", metavar="HOST:PORT", help="A Temporal server that runs; else one is started."),
    ] = "",
    broker: Annotated[
        str,
        typer.Option(
            "--broker", metavar="URL", envvar="CELERY_BROKER_URL", help="Celery's broker; else a Redis is started."
        ),
    ] = "",
    json: AsJson = False,
) -> None:
    """Run scenario files on a virtual clock, and tables of cases of decisions. Exits 1 if any failed."""
    from procession.testing import run_scenario

    output = Output(json)
    with errors(json):
        if host not in HOSTS:
            raise Problem(f"no host {host!r}", f"one of {', '.join(HOSTS)}", USAGE)
        if (host == "temporal" and store != MEMORY) or (host != HOSTS[0] and seed is not None):
            raise Problem(f"the host {host} takes no such store or seed", "leave it out", USAGE)
        if "://" in store and host == HOSTS[0]:
            raise Problem(f"the store {store!r} is not in this version", "give the path of a file, or :memory:")
        if seed is not None and store != MEMORY:
            raise Problem("a seed simulates the disk", "leave out --store", USAGE)
        files = [file for path in paths for file in _files(path)]
        failed = 0
        with _engines(host, address or broker, store, restore=restore_every_step) as engines:
            for file in files:
                if file.name.lower().endswith(CASES):
                    failed += not _cases(file, output)
                    continue
                result = run_scenario(
                    file, store=store, restore_every_step=restore_every_step, seed=seed, engines=engines
                )
                failed += not result.passed
                _told(result, file, output)
        output.text(f"{len(files) - failed} passed, {failed} failed")
        if failed:
            raise typer.Exit(FAILED)


@contextmanager
def _engines(host: str, address: str, store: str, *, restore: bool) -> Generator[MakeEngines | None]:
    """What runs the scenarios of another host than the embedded one."""
    if host == HOSTS[0]:
        yield None
        return
    if host == "celery":
        with needed_by(host):
            from procession.testing.celery.running import over_broker
        with over_broker(address, store) as engines:
            yield engines
        return
    with needed_by(host):
        from procession.testing.temporal.running import workflows
    with workflows(address, restore=restore) as engines:
        yield engines


def _told(result: Result, file: Path, output: Output) -> None:
    output.document(result)
    output.text(f"{'✓' if result.passed else '✗'} {file}", "" if result.passed else "bold red")
    for line in (result.error or "").splitlines():
        output.text(f"    {line}")


def _cases(file: Path, output: Output) -> bool:
    """Runs a table of cases; whether all passed."""
    from procession.testing.cases import run_cases

    results = run_cases(file)
    wrong = [each for each in results if not each.passed]
    for each in results:
        output.document(each)
    count = f"{len(results)} case" if len(results) == 1 else f"{len(results)} cases"
    output.text(f"{'✗' if wrong else '✓'} {file} ({count})", "bold red" if wrong else "")
    for each in wrong:
        for line in each.error.splitlines():
            output.text(f"    {line}")
    return not wrong


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.name.endswith((*SUFFIXES, *CASES)))
        if not found:
            raise Problem(f"no *{SUFFIXES[0]} and no *{CASES[0]} under {path}", "name a file, or another folder")
        yield from found
    elif path.exists():
        yield path
    else:
        raise Problem(f"no file {path}", "name scenario files or folders")
