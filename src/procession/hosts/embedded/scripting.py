"""The workers of scripts in an engine: which runtime they have, and when it is made and ended."""

from __future__ import annotations

import os
import threading
from importlib.util import find_spec
from typing import Final, final

from procession.base.job import Job
from procession.base.script_job import JAVASCRIPT
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
        self._scripts: Scripts | None = None if isinstance(given, bool) else Scripts(given)
        self._own: list[Runtime] = []

    def join(self, crew: Crew) -> None:
        """Registers the workers, where there is what they need."""
        if self._scripts is not None or (self._given is True and has_reader() and find_spec("_quickjs") is not None):
            crew.add(Worker(JAVASCRIPT, self._work, max_jobs=MAX_JOBS))

    def close(self) -> None:
        """Ends the runtimes that are its own."""
        with self._lock:
            own, self._own = self._own, []
        for each in own:
            each.close()

    def _work(self, job: Job) -> dict[str, Json]:
        with self._lock:
            if self._scripts is None:
                from procession.scripts.pool import Pool

                pool = Pool()
                self._own.append(pool)
                self._scripts = Scripts(pool)
        return self._scripts.work(job)
