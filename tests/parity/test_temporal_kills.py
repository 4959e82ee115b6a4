"""Scenarios as workflows whose worker is killed again and again: what the instances did is what they do without that.

The worker is a process of its own and dies by SIGKILL, at moments that a seed draws. What it did and nobody was told of
is made anew from the history, as the sweeper of an engine does (docs/design/0011).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Final, final

import pytest

from parity_rig import FILES, holds, id_of
from procession.base.failure import ProcessionError
from procession.hosts.temporal.catching_up import CatchingUp
from procession.runtime.rows import SizeRow
from procession.store.sqlite import SQLiteStore
from procession.testing.temporal import DevServer
from procession.testing.temporal.kit import Kit
from temporal_host import BRIEF, Child
from temporal_rig import Servers

RARELY: Final = 96
"""One in so many is run each time; `make test-large` runs a tenth of all."""
SEED: Final = 20_261_126
LIVES_S: Final = (0.3, 1.5)
"""The shortest and the longest life of a worker that is ready."""


@final
class Mortal:
    """A kit and, one after the other, the processes that run its workflows."""

    def __init__(self, server: DevServer, path: Path) -> None:
        self.store = SQLiteStore(path)
        self.kit = Kit(server.address, server.namespace, store=self.store, outside=self._shown)
        # A task whose worker was killed is tried again after this; the server's ten seconds are long for a test.
        vars(self.kit.client)["start_workflow"] = partial(self.kit.client.start_workflow, task_timeout=BRIEF)
        self._catching_up = CatchingUp(lambda _: self.kit.client, self.kit.loop, self.store)
        self._random = random.Random(SEED)
        self._over = threading.Event()
        self.path: Path | str = path
        self.address, self.namespace = server.address, server.namespace
        self.queue, self.settings = self.kit.queue, self.kit.placement.settings
        self._killer = threading.Thread(target=self._kill_and_start, name="killer")
        self._killer.start()

    def close(self) -> None:
        """Ends all of it."""
        self._over.set()
        self._killer.join()
        self.kit.close()

    def _kill_and_start(self) -> None:
        while not self._over.is_set():
            # Without a cache nothing is sent to a process that is gone.
            with Child(self, workflows=True, cached=0):
                self._over.wait(self._random.uniform(*LIVES_S))

    def _shown(self, tenant: str, home: int) -> bool:
        """Whether the book has all that a workflow did; what it has not is repaired."""
        if self.store.read("inbox_held_size", (), SizeRow)[0].count:
            return False
        try:
            missing = self._catching_up.repair(tenant, home)
        except ProcessionError:
            # It is not there yet; or what a killed worker left open does not replay until the next one has closed it.
            return False
        if missing:
            self.kit.told()
        return not missing


@pytest.fixture(scope="module")
def mortal(temporal_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Generator[Mortal]:
    found = Mortal(temporal_servers("server"), tmp_path_factory.mktemp("killed") / "procession.db")
    yield found
    found.close()


@pytest.mark.parametrize("path", FILES[::RARELY], ids=id_of)
def test_a_scenario_holds_whose_worker_is_killed(mortal: Mortal, path: Path) -> None:
    holds(mortal.kit, path, f"seed {SEED}: ")


@pytest.mark.large
@pytest.mark.parametrize("path", FILES[3::10], ids=id_of)
def test_a_tenth_of_all_scenarios_hold_whose_worker_is_killed(mortal: Mortal, path: Path) -> None:
    holds(mortal.kit, path, f"seed {SEED}: ")
