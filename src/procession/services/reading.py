"""Reading what is committed, from any thread: one reader a thread, so that no lock is held while it decodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from procession.base.failure import Conflict, NotFound
from procession.base.values import Json, Variables
from procession.core.variables import visible
from procession.ir.kinds import Binding, Kind
from procession.runtime.decisions import decide
from procession.runtime.ports import Reads
from procession.runtime.requests import StartProcess
from procession.runtime.rows import DefinitionRow
from procession.services.audit import AuditViews
from procession.services.batches import BatchViews
from procession.services.deliveries import Deliveries
from procession.services.deploy import Compiled, compile_resources
from procession.services.deployed import DeployedViews
from procession.services.documents import Documents
from procession.services.forms import FormViews
from procession.services.histories import Entry, WarningView
from procession.services.job_views import JobViews
from procession.services.records import Records
from procession.services.searching import Searches
from procession.services.views import InstanceView, Moment, Views, tokens_of, variables_of


@final
class Reader:
    """What one thread reads."""

    __slots__ = (
        "audit",
        "batches",
        "deliveries",
        "deployed",
        "documents",
        "forms",
        "jobs",
        "records",
        "search",
        "store",
        "views",
    )

    def __init__(self, store: Reads) -> None:
        self.store = store
        self.views = Views(store)
        self.batches = BatchViews(store, self.views)
        self.records = Records(store, self.views)
        self.audit = AuditViews(store, self.views)
        self.deployed = DeployedViews(store, self.views)
        self.deliveries = Deliveries(store, self.views)
        self.documents = Documents(store, self.views, self.records)
        self.search = Searches(store, self.views)
        self.forms = FormViews(store, self.views, self.deployed)
        self.jobs = JobViews(store, self.views)

    def compiled(self, tenant: str, resources: Sequence[tuple[str, bytes]]) -> Compiled:
        """What is in documents, whose scripts may import what the tenant's library holds. Raises `Refused`."""
        return compile_resources(resources, self.views.catalog.modules(self.views.tenant(tenant)))

    def definition(self, request: StartProcess) -> DefinitionRow:
        """What a start would run; raises `NotFound`."""
        number = self.views.tenant_number(request.tenant)
        catalog = self.views.catalog
        if request.version:
            return catalog.version(number, request.process_id, request.version)
        return catalog.latest(number, request.process_id)

    def instance(self, tenant: str, key: int) -> InstanceView:
        """See `Views.instance`."""
        return self.views.instance(tenant, key)

    def variables(self, tenant: str, key: int, element: int = 0) -> Variables:
        """The variables of the process's scope, or all that an element instance sees."""
        state = self.views.load(tenant, key).state
        if not element:
            return variables_of(state)
        found = state.elements.get(element)
        if found is None:
            raise NotFound(f"element instance {element} is not active")
        return visible(found)

    def element(self, tenant: str, key: int, element_id: str) -> int:
        """The key of the one active instance of an element; raises `NotFound`, `Conflict` where there are several."""
        loaded = self.views.load(tenant, key)
        nodes = loaded.linked.nodes
        named = [each for each in loaded.state.elements.values() if nodes[each.node].id == element_id]
        # An activation of an ad-hoc sub-process has its id, too, and is nothing that could be meant.
        found = [each.key for each in named if nodes[each.node].kind is not Kind.AD_HOC_ACTIVATION]
        if not found:
            raise NotFound(f"no element {element_id!r} is active in instance {key}")
        if len(found) > 1:
            raise Conflict(f"{len(found)} elements {element_id!r} are active in instance {key}; name one by its key")
        return found[0]

    def tokens(self, tenant: str, key: int) -> dict[str, int]:
        """Element id -> active element instances."""
        return tokens_of(self.views.load(tenant, key))

    def moment(self, tenant: str, key: int, seq: int) -> Moment:
        """See `Views.moment`."""
        return self.views.moment(tenant, key, seq)

    def history(self, tenant: str, key: int) -> list[Entry]:
        """See `Views.history`."""
        return self.views.history(tenant, key)

    def warnings(self, tenant: str, key: int) -> list[WarningView]:
        """See `Views.warnings`."""
        return self.views.warnings(tenant, key)

    def decide(self, tenant: str, decision_id: str, variables: Variables) -> Json:
        """The result of the latest version of a decision; raises `NotFound`, `DecisionError`."""
        number = self.views.tenant(tenant)
        if number is None:
            raise NotFound(f"no decision {decision_id!r} is deployed")
        catalog = self.views.catalog
        row = catalog.decision(number, decision_id, Binding.LATEST, "", 0)
        return decide(catalog.data(number, row.hash), decision_id, variables)
