"""One process of `procession worker temporal`, started by its supervisor: `python -m ... JSON`.

The JSON has the role, the place and the names of worker functions. Its stdout belongs to the supervisor; what functions
print goes to stderr instead.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Final, Literal, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import ProcessionError
from procession.cli.console import Problem
from procession.cli.leaving import leave
from procession.hosts.temporal.place import Place, hurry

MODULE: Final = "procession.cli.temporal_child"
_CHANNEL: Final[list[int]] = []
_LOCK: Final = threading.Lock()


@final
class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What this process is for."""

    role: Literal["workflows", "activities"]
    place: Place
    workers: list[str] = []


def main() -> None:
    """Runs until it is told to end; exits 1 with a `problem` on stdout when it cannot begin."""
    hurry()
    _CHANNEL.append(os.dup(1))
    os.dup2(2, 1)
    task = msgspec.json.decode(sys.argv[1].encode(), type=known(Task))
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {task.place.identity} %(levelname)s %(message)s")
    try:
        if task.role == "workflows":
            from procession.hosts.temporal.roles import run_workflows

            run_workflows(task.place, say)
        else:
            _run_activities(task)
    except Problem as problem:
        _fail(str(problem), problem.remedy)
    except ProcessionError as error:
        _fail(str(error), "")


def say(line: Mapping[str, object]) -> None:
    """A line for the supervisor. When it is gone, the end of stdin says so."""
    data = msgspec.json.encode(line) + b"\n"
    with _LOCK:
        try:
            os.write(_CHANNEL[0], data)
        except OSError:
            return


def _run_activities(task: Task) -> None:
    from procession.cli.functions import Functions
    from procession.cli.workers import register_workers
    from procession.hosts.embedded.scripting import ScriptCrew
    from procession.hosts.temporal.roles import run_activities

    functions = Functions()
    register_workers(functions, task.workers)
    ScriptCrew(True).join(functions)
    run_activities(task.place, functions.types, functions.perform, say)


def _fail(text: str, remedy: str) -> None:
    say({"problem": text, "remedy": remedy})
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        leave(end.code)
    leave(0)
