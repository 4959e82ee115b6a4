"""Loading worker functions by name: `module:object`.

The object is a function that takes the engine and registers workers on it, a module with such a function that is called
`register`, or anything with attributes (a module, a class, a dict) whose functions are workers. An attribute's job type
is its `job_type` if it has one, else its name with hyphens for underscores.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias, cast

from procession.cli.console import Problem

Worker: TypeAlias = Callable[..., object]
REGISTER: Final = "register"


class TakesWorkers(Protocol):
    """What an engine is to this module."""

    def worker(self, type: str, /) -> Callable[[Worker], Worker]:
        """Gives what registers a function for a job type."""
        ...


def register_workers(engine: TakesWorkers, names: list[str]) -> None:
    """Registers what each `module:object` names. Raises `Problem` when it cannot be found or holds no worker.

    The current folder is searched first, as `python -m` does.
    """
    if names and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    for name in names:
        register_found(engine, name, _loaded(name))


def register_found(engine: TakesWorkers, name: str, found: object) -> None:
    """Registers what an object holds: a function that takes the engine, a module with one called `register`, or
    anything whose functions are workers. Raises `Problem` when there is none."""
    register: object = getattr(found, REGISTER, None) if inspect.ismodule(found) else None
    if _is_worker(register) and _takes_engine(register):
        found = register
    if _is_worker(found) and _takes_engine(found):
        cast("Worker", found)(engine)
        return
    workers = dict(_workers_in(found))
    if not workers:
        raise Problem(f"{name} holds no worker functions", "name a function that takes the engine, or a module")
    for job_type, worker in workers.items():
        engine.worker(job_type)(worker)


def _loaded(name: str) -> object:
    module_name, _, path = name.partition(":")
    try:
        found: object = importlib.import_module(module_name)
    except ImportError as error:
        # A module that is there but needs another one is not "not found": say which one is missing.
        raise Problem(f"--workers {name}: {error}", "write module:object; the current folder is searched") from error
    for part in path.split(".") if path else ():
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Problem(f"--workers {name}: {module_name} has no {part!r}", "write module:object") from None
    return found


def _takes_engine(function: object) -> bool:
    """A function of one parameter that is called or typed as the engine registers workers by itself."""
    parameters = list(inspect.signature(cast("Worker", function)).parameters.values())
    if len(parameters) != 1:
        return False
    return parameters[0].name == "engine" or "Engine" in str(parameters[0].annotation)


def _workers_in(found: object) -> Iterator[tuple[str, Worker]]:
    if isinstance(found, Mapping):
        mapping = cast("Mapping[str, object]", found)
        members = {name: member for name, member in mapping.items() if _is_worker(member)}
        yield from cast("dict[str, Worker]", members).items()
        return
    home = found.__name__ if inspect.ismodule(found) else ""
    for name, member in inspect.getmembers(found, _is_worker):
        # What a module imported from elsewhere is not its worker.
        if name.startswith("_") or (home and getattr(member, "__module__", home) != home):
            continue
        yield str(getattr(member, "job_type", name.replace("_", "-"))), cast("Worker", member)


def _is_worker(member: object) -> bool:
    """Functions written in Python, free or bound; not what a type brings along."""
    return inspect.isfunction(member) or inspect.ismethod(member)
