"""The workers of scripts in an engine: which runtime they have, and when it is made and ended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final, final

from procession.base.job import Job
from procession.base.script_job import HEAVY, JAVASCRIPT
from procession.base.values import Json
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.workers import Worker
from procession.scripts.ports import Runtime
from procession.services.scripting import has_reader
from procession.services.scripts import Scripts

MAX_JOBS: Final = max(4, 2 * (os.cpu_count() or 1))
"""Scripts at the same time: as many as there are processes for them."""


@final
class ScriptCrew:
    """Does the jobs of scripts. No process is started, and nothing imported, before the first of them."""

    def __init__(self, given: Runtime | bool) -> None:
        self._given = given
        self._lock = threading.Lock()
        self._scripts: dict[str, Scripts] = {}
        self._own: list[Runtime] = []

    def join(self, crew: Crew) -> None:
        """Registers the workers, where there is what they need."""
        if not isinstance(self._given, bool):
            self._scripts = {type_: Scripts(self._given) for type_ in _MADE}
        elif not self._given or not has_reader():
            return
        for type_, (module, _, jobs) in _MADE.items():
            if type_ in self._scripts or find_spec(module) is not None:
                crew.add(Worker(type_, self._work, max_jobs=jobs))

    def close(self) -> None:
        """Ends the runtimes that are its own."""
        with self._lock:
            own, self._own = self._own, []
        for each in own:
            each.close()

    def _work(self, job: Job) -> dict[str, Json]:
        with self._lock:
            scripts = self._scripts.get(job.type)
            if scripts is None:
                scripts = self._scripts[job.type] = _MADE[job.type][1]()
                self._own.append(scripts.runtime)
        return scripts.work(job)


def _caged() -> Scripts:
    from procession.scripts.pool import Pool

    return Scripts(Pool())


def _heavy() -> Scripts:
    from procession.scripts.deno import LIMITS, Deno

    return Scripts(Deno(), LIMITS)


_MADE: Final[dict[str, tuple[str, Callable[[], Scripts], int]]] = {
    JAVASCRIPT: ("_quickjs", _caged, MAX_JOBS),
    HEAVY: ("deno", _heavy, 2),
}
"""By type of job: the module without which it is not done here, what does it, and how many at the same time."""
