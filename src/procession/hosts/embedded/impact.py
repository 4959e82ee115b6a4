"""Impact: the public door to what a change would touch among the running instances of an engine's store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, final

from procession.base.failure import NotFound
from procession.core.flags import KNOWN
from procession.hosts.embedded.door import DEFAULT_TENANT, Source, read_source
from procession.services.impact import OfFlag, OfJobs, Question, Touched, touched
from procession.services.impact_of_deployment import OfDeployment

if TYPE_CHECKING:
    from procession.hosts.embedded.engine import Engine


@final
class Impact:
    """Which active instances a change would touch, each with the reason: of these tenants and processes, or of all. It
    reads page by page what is committed, whatever host runs them, and changes nothing."""

    def __init__(self, engine: Engine, *, tenants: Sequence[str] = (), processes: Sequence[str] = ()) -> None:
        self._engine = engine
        self._tenants = tenants
        self._processes = processes

    def of_flag(self, number: int) -> Iterator[Touched]:
        """Those that a flag affects and that were started without it. They keep the old behaviour, and block a release
        that has only the new one. Raises `NotFound` for a flag that this version does not know."""
        flag = KNOWN.get(number)
        if flag is None:
            raise NotFound(f"this version knows no behaviour flag {number}; it knows {sorted(KNOWN)}")
        return self._ask(OfFlag(flag))

    def of_jobs(self, *types: str, connectors: Sequence[str] = ()) -> Iterator[Touched]:
        """Those with an open job of these types, or which can still come to an element that makes one. Types of a
        connector are its name, alone or with a version behind a colon."""
        return self._ask(OfJobs(types, connectors))

    def of_deployment(self, *sources: Source) -> Iterator[Touched]:
        """Those that stand at, or can still come to, elements which these documents change; whether they could be
        migrated; and those which would call a new version without that. Of the default tenant, if none is named. Raises
        `Refused` for what cannot be deployed, `NotFound` for a tenant that has nothing here."""
        reader = self._engine.reader()
        documents = [read_source(each) for each in sources]
        # Scripts may import what is in the library of a tenant.
        asked = [(name, reader.compiled(name, documents)) for name in self._tenants or (DEFAULT_TENANT,)]
        return chain.from_iterable(self._ask(OfDeployment(reader, compiled), name) for name, compiled in asked)

    def _ask(self, question: Question, *tenants: str) -> Iterator[Touched]:
        store = self._engine.reader().store
        return touched(store, question, tenants=tenants or self._tenants, processes=self._processes)
