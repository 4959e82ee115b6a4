"""The catalog: which version of which process or decision is meant, and its linked program. Cached, per tenant.

Reads the store and the deployments of the commit under way. What must not live here: compiling, and any write.
"""

from __future__ import annotations

from typing import Final, TypeVar, final

import msgspec

from procession.base.failure import NotFound, Unreadable
from procession.core.linked import Decide, Linked
from procession.ir.kinds import Binding
from procession.ir.program import Program, foreign, from_bytes, hash_of
from procession.runtime import codec
from procession.runtime.decisions import decide_by_hash
from procession.runtime.link import link
from procession.runtime.ports import Reads
from procession.runtime.rows import BlobRow, DecisionRow, DefinitionRow, FormRow, IntRow, NamedRow
from procession.runtime.tenants import EVERYBODY, Span
from procession.services.modules import FindModule, library

NAMES_MAX: Final = 1_000
"""Tenants whose numbers are kept by who does not know all of them."""
_T = TypeVar("_T")
_Place = TypeVar("_Place", bound="tuple[int, ...] | tuple[int, str] | tuple[int, str, int]")

PROGRAMS_MAX: Final = 1_000
"""Linked programs kept in memory; the one linked first goes first."""

_DEFINITION: Final = ("definition_latest", "definition_deployed", "definition_tagged")
_DECISION: Final = ("decision_latest", "decision_deployed", "decision_tagged")
_FORM: Final = ("form_latest", "form_deployed", "form_tagged")
"""The query of each `Binding`."""


@final
class Catalog:
    """What is deployed. Not thread-safe: each writer or reader has its own."""

    __slots__ = (
        "_by_version",
        "_data",
        "_deciders",
        "_decisions",
        "_forms",
        "_keys",
        "_latest",
        "_linked",
        "_span",
        "_store",
        "names",
        "tenants",
    )

    def __init__(self, store: Reads, span: Span | None = EVERYBODY) -> None:
        """Of the tenants of `span` it knows all from the start; without one, those that it is asked about. Who has no
        span hears of no deployment and no deletion: it keeps what keys and hashes mean, and asks anew what names mean.
        """
        self._store = store
        self._span = span
        self.tenants: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._latest: dict[tuple[int, str], DefinitionRow] = {}
        self._by_version: dict[tuple[int, str, int], DefinitionRow] = {}
        self._keys: dict[tuple[int, int], DefinitionRow] = {}
        self._linked: dict[tuple[int, str], Linked] = {}
        self._data: dict[tuple[int, str], bytes] = {}
        self._decisions: dict[tuple[int, str], DecisionRow] = {}
        self._forms: dict[tuple[int, str], FormRow] = {}
        self._deciders: dict[int, Decide] = {}
        self.forget()

    def forget(self) -> None:
        """Reads everything anew: a commit failed, or another process deployed. Programs are content and stay."""
        rows = self._store.read("tenants", self._span, NamedRow) if self._span is not None else ()
        self.tenants = {row.name: row.number for row in rows}
        self.names = {number: name for name, number in self.tenants.items()}
        self._latest.clear()
        self._by_version.clear()
        self._keys.clear()
        self._decisions.clear()
        self._forms.clear()
        self._data.clear()

    def tenant(self, name: str) -> int:
        """The number of a tenant; raises `NotFound` for one that has nothing here."""
        number = self.number(name)
        if number is None:
            raise NotFound(f"no tenant {name!r}: nothing was deployed for it")
        return number

    def modules(self, tenant: int | None) -> FindModule:
        """The modules of scripts that a tenant's library holds."""
        return library(self._store, tenant)

    def number(self, name: str) -> int | None:
        """The number of a tenant; None for one that is not known, or not of this catalog's span."""
        number = self.tenants.get(name)
        if number is None and self._span is None and not any("\ud800" <= each <= "\udfff" for each in name):
            rows = self._store.read("tenant_number", (name,), IntRow)
            if rows and rows[0].value is not None:
                if len(self.tenants) >= NAMES_MAX:
                    self.tenants.clear()
                number = self.tenants[name] = rows[0].value
        return number

    def add_tenant(self, name: str) -> int:
        """A tenant of the commit under way. `forget` undoes it."""
        assert self._span is not None, "who knows no tenants can number none"
        number = self.tenants[name] = max(max(self.names, default=-1) + 1, self._span[0])
        self.names[number] = name
        return number

    def drop(self, tenant: int) -> None:
        """A tenant is deleted: nothing of it is deployed any more."""
        _forget_of(self._latest, tenant)
        _forget_of(self._linked, tenant)
        _forget_of(self._data, tenant)
        _forget_of(self._decisions, tenant)
        _forget_of(self._forms, tenant)
        _forget_of(self._by_version, tenant)
        _forget_of(self._keys, tenant)
        self._deciders.pop(tenant, None)

    def latest(self, tenant: int, process_id: str) -> DefinitionRow:
        """The newest version of a process; raises `NotFound`."""
        found = self._latest.get((tenant, process_id))
        if found is None:
            rows = self._store.read("definition_latest", (tenant, process_id), DefinitionRow)
            if not rows:
                raise NotFound(f"no process {process_id!r} is deployed")
            found = rows[0]
            if self._span is not None:
                self._latest[tenant, process_id] = found
        return found

    def version(self, tenant: int, process_id: str, version: int) -> DefinitionRow:
        """One version of a process; raises `NotFound`."""
        found = self._by_version.get((tenant, process_id, version))
        if found is None:
            rows = self._store.read("definition_version", (tenant, process_id, version), DefinitionRow)
            if not rows:
                raise NotFound(f"process {process_id!r} has no version {version}")
            found = rows[0]
            if self._span is not None:
                self._by_version[tenant, process_id, version] = found
        return found

    def definition(self, tenant: int, key: int) -> DefinitionRow:
        """A definition by key; raises `NotFound`."""
        found = self._keys.get((tenant, key))
        if found is None:
            rows = self._store.read("definition", (tenant, key), DefinitionRow)
            if not rows:
                raise NotFound(f"no definition {key}")
            found = self._keys[tenant, key] = rows[0]
        return found

    def bound(self, tenant: int, process_id: str, binding: Binding, tag: str, deployment: int) -> DefinitionRow:
        """The definition that a call means; raises `NotFound` with what was looked for."""
        if binding is Binding.LATEST:
            return self.latest(tenant, process_id)
        args = (tenant, process_id, *_which(binding, tag, deployment))
        rows = self._store.read(_DEFINITION[binding], args, DefinitionRow)
        if not rows:
            raise NotFound(f"no process {process_id!r} {_described(binding, tag)}")
        return rows[0]

    def decision(self, tenant: int, decision_id: str, binding: Binding, tag: str, deployment: int) -> DecisionRow:
        """The decision that a call means; raises `NotFound` with what was looked for."""
        if binding is Binding.LATEST and (tenant, decision_id) in self._decisions:
            return self._decisions[tenant, decision_id]
        args = (tenant, decision_id, *_which(binding, tag, deployment))
        rows = self._store.read(_DECISION[binding], args, DecisionRow)
        if not rows:
            raise NotFound(f"no decision {decision_id!r} {_described(binding, tag)}")
        return rows[0]

    def form(self, tenant: int, form_id: str, binding: Binding, tag: str, deployment: int) -> FormRow:
        """The form that a task or a start event means; raises `NotFound` with what was looked for."""
        if binding is Binding.LATEST and (tenant, form_id) in self._forms:
            return self._forms[tenant, form_id]
        args = (tenant, form_id, *_which(binding, tag, deployment))
        rows = self._store.read(_FORM[binding], args, FormRow)
        if not rows:
            raise NotFound(f"no form {form_id!r:.80} {_described(binding, tag)}")
        return rows[0]

    def form_deployed(self, tenant: int, row: FormRow) -> None:
        """A form of the commit under way. `forget` undoes it."""
        self._forms[tenant, row.form_id] = row

    def deployed(self, tenant: int, row: DefinitionRow) -> None:
        """A deployment of the commit under way. `forget` undoes it."""
        self._latest[tenant, row.process_id] = row
        self._by_version[tenant, row.process_id, row.version] = row
        self._keys[tenant, row.key] = row

    def decision_deployed(self, tenant: int, row: DecisionRow) -> None:
        """A decision of the commit under way. `forget` undoes it."""
        self._decisions[tenant, row.decision_id] = row

    def program_added(self, tenant: int, hash: str, data: bytes) -> None:
        """The bytes of a program of the commit under way."""
        self._data[tenant, hash] = data

    def linked(self, tenant: int, hash: str) -> Linked:
        """A program, ready to run; raises `Unreadable` if its bytes are gone or not of this version."""
        found = self._linked.get((tenant, hash))
        if found is None:
            data = self.data(tenant, hash)
            if hash_of(data) != hash:
                # Damage may still decode, into a process that nobody drew.
                raise Unreadable(f"program {hash} is not what was deployed: restore a backup")
            program = _program_of(data, hash)
            found = link(program, hash, self._decider(tenant))
            if len(self._linked) >= PROGRAMS_MAX:
                del self._linked[next(iter(self._linked))]
            self._linked[tenant, hash] = found
        return found

    def _decider(self, tenant: int) -> Decide:
        found = self._deciders.get(tenant)
        if found is None:
            found = self._deciders[tenant] = decide_by_hash(lambda hash: self.data(tenant, hash))
        return found

    def resource(self, tenant: int, deployment: int, digest: str) -> bytes:
        """A deployed document; raises `NotFound`."""
        rows = self._store.read("resource", (tenant, deployment, digest), BlobRow)
        if not rows:
            raise NotFound(f"the document {digest} is not stored")
        return codec.unwrap(rows[0].value)

    def data(self, tenant: int, hash: str) -> bytes:
        """The canonical bytes behind a hash; raises `Unreadable` if they are gone."""
        found = self._data.get((tenant, hash))
        if found is None:
            rows = self._store.read("program", (tenant, hash), BlobRow)
            if not rows:
                raise Unreadable(f"{self._store.name}: the program {hash} is missing")
            found = codec.unwrap(rows[0].value)
        return found


def _forget_of(cache: dict[_Place, _T], tenant: int) -> None:
    for place in [place for place in cache if place[0] == tenant]:
        del cache[place]


def _program_of(data: bytes, hash: str) -> Program:
    try:
        program = from_bytes(data)
    except msgspec.DecodeError as error:
        raise Unreadable(f"the program {hash} cannot be read: {error}") from None
    reason = foreign(program)
    if reason:
        raise Unreadable(f"the program {hash} was compiled by a newer version: {reason}")
    return program


def _which(binding: Binding, tag: str, deployment: int) -> tuple[int | str, ...]:
    """What the query of a binding asks beside tenant and id."""
    if binding is Binding.LATEST:
        return ()
    return (deployment if binding is Binding.DEPLOYMENT else tag,)


def _described(binding: Binding, tag: str) -> str:
    texts = {Binding.LATEST: "is deployed", Binding.DEPLOYMENT: "is in the deployment of the caller"}
    return texts.get(binding, f"has the version tag {tag!r}")
