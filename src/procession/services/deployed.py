"""What is deployed, as callers of a server read it: deployments, definitions and decisions in pages, and deciding.

Every question is put to the store anew, for another process may have deployed meanwhile; only what is named by its hash
is kept. What must not live here: deploying.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

import msgspec

from procession.base.failure import Failure, NotFound, ProcessionError
from procession.base.values import Json, checked_all
from procession.runtime import codec
from procession.runtime.decisions import load_decisions
from procession.runtime.ports import Reads
from procession.runtime.rows import BlobRow, DecisionRow, DefinitionRow, DeploymentRow, FormRow, ResourceRow
from procession.services.views import Views

if TYPE_CHECKING:
    from procession.dmn import CompiledDecisions

_Version = TypeVar("_Version", DefinitionRow, DecisionRow, FormRow)
_Made = TypeVar("_Made")

KEY_MAX: Final = (1 << 63) - 1
COMPILED_MAX: Final = 128
"""Compiled documents of decisions that a process keeps; the one compiled first goes first."""


@final
class NoResult(ProcessionError):
    """A decision that has no result for what was given."""


@final
class DeploymentView(msgspec.Struct, frozen=True, gc=False):
    """A deployment with all that it brought."""

    row: DeploymentRow
    resources: list[ResourceRow]
    processes: list[DefinitionRow]
    decisions: list[DecisionRow]
    forms: list[FormRow] = []


@final
class Which(msgspec.Struct, frozen=True, gc=False):
    """Which versions of processes, decisions or forms: of this `id`, with this `tag`, the latest alone; behind what."""

    id: str = ""
    tag: str = ""
    latest: bool = False
    after: tuple[str, int] = ("", 0)
    limit: int = 100


@final
class DeployedViews:
    """Reading what is deployed in one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def deployments(self, tenant: str, before: int, limit: int) -> list[DeploymentRow]:
        """Deployments, the newest first: those made before the one with the key `before` (0: all)."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        return self._store.read("deployments", (number, before or KEY_MAX, limit), DeploymentRow)

    def deployment(self, tenant: str, key: int) -> DeploymentView:
        """One deployment; raises `NotFound`."""
        number = self._number(tenant, f"no deployment {key}")
        rows = self._store.read("deployment", (number, key), DeploymentRow)
        if not rows:
            raise NotFound(f"no deployment {key}")
        return DeploymentView(
            rows[0],
            self._store.read("resources", (number, key), ResourceRow),
            self._store.read("definitions_in", (number, key), DefinitionRow),
            self._store.read("decisions_in", (number, key), DecisionRow),
            self._store.read("forms_in", (number, key), FormRow),
        )

    def resource(self, tenant: str, deployment: int, digest: str) -> bytes:
        """The bytes of a document; raises `NotFound`."""
        number = self._number(tenant, f"no deployment {deployment}")
        rows = self._store.read("resource", (number, deployment, digest), BlobRow)
        if not rows:
            raise NotFound(f"deployment {deployment} has no document {digest[:80]!r}")
        return codec.unwrap(rows[0].value)

    def definition(self, tenant: str, key: int) -> DefinitionRow:
        """A version of a process; raises `NotFound`."""
        number = self._number(tenant, f"no definition {key}")
        rows = self._store.read("definition", (number, key), DefinitionRow)
        if not rows:
            raise NotFound(f"no definition {key}")
        return rows[0]

    def latest(self, tenant: str, process_id: str) -> DefinitionRow | None:
        """The newest version of a process; None for none."""
        number = self._views.tenant(tenant)
        rows = self._store.read("definition_latest", (number, process_id), DefinitionRow) if number is not None else []
        return rows[0] if rows else None

    def version(self, tenant: str, process_id: str, version: int) -> DefinitionRow:
        """A version of a process, 0 the newest; raises `NotFound`."""
        if not version:
            latest = self.latest(tenant, process_id)
            if latest is None:
                raise NotFound(f"no process {process_id!r:.80} is deployed")
            return latest
        number = self._number(tenant, f"no process {process_id!r:.80} is deployed")
        rows = self._store.read("definition_version", (number, process_id, version), DefinitionRow)
        if not rows:
            raise NotFound(f"process {process_id!r:.80} has no version {version}")
        return rows[0]

    def definitions(self, tenant: str, which: Which) -> list[DefinitionRow]:
        """Versions of processes, by id and version."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        if which.id and which.latest:
            return _alone(self.latest(tenant, which.id), which)
        return self._paged("definitions", number, which, DefinitionRow)

    def decisions(self, tenant: str, which: Which) -> list[DecisionRow]:
        """Versions of decisions, by id and version."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        if which.id and which.latest:
            return _alone(self.latest_decision(tenant, which.id), which)
        return self._paged("decisions", number, which, DecisionRow)

    def forms(self, tenant: str, which: Which) -> list[FormRow]:
        """Versions of forms, by id and version."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        if which.id and which.latest:
            rows = self._store.read("form_latest", (number, which.id), FormRow)
            return _alone(rows[0] if rows else None, which)
        return self._paged("forms", number, which, FormRow)

    def _paged(self, table: str, number: int, which: Which, row: type[_Version]) -> list[_Version]:
        found: list[_Version] = []
        id, version = which.after
        while len(found) < which.limit:
            if which.id:
                rows = self._store.read(f"{table}_of", (number, which.id, version, which.limit), row)
            else:
                query = f"{table}_newest" if which.latest else f"{table}_page"
                rows = self._store.read(query, (number, id, version, which.limit), row)
            found += [each for each in rows if which.tag in ("", each.version_tag)]
            if len(rows) < which.limit:
                break
            id, version = place(rows[-1])
        return found[: which.limit]

    def is_suspended(self, tenant: str, key: int) -> bool:
        """Whether new starts of a definition are refused."""
        number = self._views.tenant(tenant)
        return number is not None and self._views.is_suspended(number, key)

    def source(self, tenant: str, row: DefinitionRow | DecisionRow) -> bytes:
        """The document that a version came from; raises `NotFound`."""
        return self.resource(tenant, row.deployment, row.digest)

    def decision(self, tenant: str, key: int) -> DecisionRow:
        """A version of a decision; raises `NotFound`."""
        number = self._number(tenant, f"no decision {key}")
        rows = self._store.read("decision", (number, key), DecisionRow)
        if not rows:
            raise NotFound(f"no decision {key}")
        return rows[0]

    def latest_decision(self, tenant: str, decision_id: str) -> DecisionRow | None:
        """The newest version of a decision; None for none."""
        number = self._views.tenant(tenant)
        rows = self._store.read("decision_latest", (number, decision_id), DecisionRow) if number is not None else []
        return rows[0] if rows else None

    def chosen_decision(self, tenant: str, decision_id: str, version: int = 0, tag: str = "") -> DecisionRow:
        """The version of a decision that is meant, the latest by default; raises `NotFound`."""
        number = self._number(tenant, f"no decision {decision_id!r:.80} is deployed")
        if version:
            rows = self._store.read("decision_version", (number, decision_id, version), DecisionRow)
        elif tag:
            rows = self._store.read("decision_tagged", (number, decision_id, tag), DecisionRow)
        else:
            rows = self._store.read("decision_latest", (number, decision_id), DecisionRow)
        if not rows:
            which = f" version {version}" if version else f" version tagged {tag!r:.80}" if tag else ""
            raise NotFound(f"no decision {decision_id!r:.80}{which} is deployed")
        return rows[0]

    def decide(self, tenant: str, row: DecisionRow, variables: Mapping[str, object]) -> Json:
        """The result of a version of a decision. Raises `BadValue` for the variables, `NoResult`."""
        from procession import feel
        from procession.dmn import DecisionError

        values = checked_all(variables)
        compiled = self.document(tenant, row)
        try:
            return feel.to_json(compiled.evaluate(row.decision_id, lambda name: values.get(name, feel.MISSING)))
        except (DecisionError, feel.BudgetExceeded) as error:
            raise NoResult(f"{row.decision_id!r:.80}: {error}") from None
        except Failure as failure:
            raise NoResult(f"{row.decision_id!r:.80}: {failure.message}") from None

    def document(self, tenant: str, row: DecisionRow) -> CompiledDecisions:
        """The compiled document of a version of a decision."""
        number = self._number(tenant, f"no decision {row.decision_id!r:.80} is deployed")
        return _COMPILED.get(row.hash, lambda: load_decisions(self._views.catalog.data(number, row.hash)))

    def _number(self, tenant: str, absent: str) -> int:
        number = self._views.tenant(tenant)
        if number is None:
            raise NotFound(absent)
        return number


def place(row: DefinitionRow | DecisionRow | FormRow) -> tuple[str, int]:
    """Where a version stands in a list."""
    match row:
        case DefinitionRow():
            return row.process_id, row.version
        case DecisionRow():
            return row.decision_id, row.version
        case FormRow():
            return row.form_id, row.version


def _alone(latest: _Version | None, which: Which) -> list[_Version]:
    """The latest version of one process or decision, if it is meant."""
    if latest is None or place(latest) <= which.after or which.tag not in ("", latest.version_tag):
        return []
    return [latest]


@final
class ByHash(Generic[_Made]):
    """What was made of documents, by their hash, for all readers of the process; what came first goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: dict[str, _Made] = {}
        self._lock = threading.Lock()

    def get(self, hash: str, make: Callable[[], _Made]) -> _Made:
        """What was made of the document with this hash; `make` makes it, where nobody has."""
        found = self._found.get(hash)
        if found is None:
            found = make()
            with self._lock:
                while len(self._found) >= self._limit:
                    del self._found[next(iter(self._found))]
                self._found[hash] = found
        return found


_COMPILED: Final[ByHash[CompiledDecisions]] = ByHash(COMPILED_MAX)
