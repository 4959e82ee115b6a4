"""The workers of scripts in an engine: which runtime they have, and when it is made and ended."""

from __future__ import annotations

import os
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol, final

from procession.base.job import Job
from procession.base.script_job import HEAVY, JAVASCRIPT
from procession.base.values import Json
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.workers import Worker
from procession.scripts.ports import DEFAULT_LIMITS, Call, Code, Limits, Output, Runtime, ScriptFailed
from procession.services.scripting import has_reader
from procession.services.scripts import Scripts

if TYPE_CHECKING:
    from procession.scripts.pool import Options

MAX_JOBS: Final = max(4, 2 * (os.cpu_count() or 1))
"""Scripts at the same time: as many as there are processes for them."""


class Registry(Protocol):
    """Where workers are registered; see `Crew.add`."""

    def add(self, worker: Worker, *, spare: bool = False) -> None: ...


@final
class ScriptCrew:
    """Does the jobs of scripts. No process is started, and nothing imported, before the first of them."""

    def __init__(
        self,
        given: Runtime | bool,
        *,
        limits: Limits = DEFAULT_LIMITS,
        cages: Options | None = None,
        jobs: int = MAX_JOBS,
    ) -> None:
        """`given`: True for processes of its own, as `cages` says; False for none. `jobs` at the same time."""
        self._given = given
        self._limits = limits
        self._cages = cages
        self._jobs = jobs
        self._lock = threading.Lock()
        self._scripts: dict[str, Scripts] = {}
        self._own: list[Runtime] = []

    def join(self, crew: Registry) -> None:
        """Registers the workers, where there is what they need."""
        if not isinstance(self._given, bool):
            self._scripts = {type_: Scripts(self._given, self._limits) for type_ in _NEEDS}
        elif not self._given or not has_reader():
            return
        for type_, module in _NEEDS.items():
            if type_ in self._scripts or find_spec(module) is not None:
                crew.add(Worker(type_, self._work, max_jobs=self._jobs), spare=True)

    @property
    def runs(self) -> bool:
        """Whether scripts are done here."""
        return self._given is not False and has_reader()

    def evaluate(self, code: Code, input: bytes, call: Call) -> Output:
        """Runs a script that is no job, within the same limits. Raises `ScriptFailed`, `ScriptThrew`."""
        if not self.runs:
            raise ScriptFailed("unavailable", "this process runs no scripts")
        scripts = self._of(JAVASCRIPT)
        return scripts.runtime.evaluate(code, input, scripts.limits, call)

    def close(self) -> None:
        """Ends the runtimes that are its own."""
        with self._lock:
            own, self._own = self._own, []
        for each in own:
            each.close()

    def _work(self, job: Job) -> dict[str, Json]:
        return self._of(job.type).work(job)

    def _of(self, type_: str) -> Scripts:
        with self._lock:
            scripts = self._scripts.get(type_)
            if scripts is None:
                scripts = self._scripts[type_] = self._made(type_)
                self._own.append(scripts.runtime)
            return scripts

    def _made(self, type_: str) -> Scripts:
        if type_ == HEAVY:
            from procession.scripts.deno import LIMITS, Deno

            return Scripts(Deno(), LIMITS)
        from procession.scripts.pool import Options, Pool

        return Scripts(Pool(self._cages or Options()), self._limits)


_NEEDS: Final = {JAVASCRIPT: "_quickjs", HEAVY: "deno"}
"""By type of job, the module without which it is not done here."""


def crew_of(given: Runtime | ScriptCrew | bool, crew: Crew) -> ScriptCrew:
    """Who does scripts in an engine, registered."""
    made = given if isinstance(given, ScriptCrew) else ScriptCrew(given)
    made.join(crew)
    return made
