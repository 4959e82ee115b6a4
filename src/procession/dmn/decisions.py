"""`CompiledDecisions`: a DMN document that is ready to decide. Compiling is in `compiler.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import final

import msgspec

from procession.dmn.errors import DecisionError
from procession.dmn.graph import Graph, order, run
from procession.dmn.item_types import ItemType
from procession.feel import MISSING, Lookup, Runtime


@final
class DecisionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says about a decision: ids of required decisions, names of required inputs."""

    id: str
    name: str
    version_tag: str = ""
    required_decisions: tuple[str, ...] = ()
    required_inputs: tuple[str, ...] = ()


@final
class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A decision service: its parameters in order, and the ids of its output decisions."""

    id: str
    name: str
    parameters: tuple[str, ...] = ()
    output_decisions: tuple[str, ...] = ()


@final
class CompiledDecisions:
    """The decisions of a document as functions. Immutable, and safe to share between threads.

    `digest` is that of the document's bytes, `decisions` and `services` are by id.
    """

    __slots__ = ("_by_name", "_orders", "decisions", "digest", "graph", "id", "name", "namespace", "services", "types")

    def __init__(
        self,
        identity: tuple[str, str, str, str],
        graph: Graph,
        types: Mapping[str, ItemType],
        decisions: Mapping[str, DecisionInfo],
        services: Mapping[str, ServiceInfo],
    ) -> None:
        """`identity` is (id, name, namespace, digest) of the document."""
        self.id, self.name, self.namespace, self.digest = identity
        self.graph = graph
        self.types = types
        self.decisions = MappingProxyType(dict(decisions))
        self.services = MappingProxyType(dict(services))
        # A decision comes before a service of the same name.
        self._by_name = {info.name: id for id, info in services.items()}
        self._by_name.update((info.name, id) for id, info in decisions.items())
        self._orders: dict[str, tuple[str, ...]] = {}

    def evaluate(self, decision: str, lookup: Lookup, runtime: Runtime | None = None) -> object:
        """The FEEL value of a decision or decision service, by id, else by name.

        `lookup` gives the variables. Wrong types are null and a note in `runtime.notes`. Raises `DecisionError`
        for an unknown decision and a violated hit policy, `BudgetExceeded` when the runtime's budget is spent.
        """
        rt = Runtime() if runtime is None else runtime
        id = decision if decision in self.decisions or decision in self.services else self._by_name.get(decision)
        if id is None:
            known = ", ".join(list(self.decisions)[:20]) or "none"
            text = f"there is no decision {decision[:80]!r} in {self.name or self.id!r}; it has: {known}"
            raise DecisionError("unknown-decision", text)
        key = f"{self.namespace}#{id}"
        if id in self.services and id not in self.decisions:
            return self._serve(key, lookup, rt)
        results: dict[str, object] = {}
        run(self.graph, self._order(key), lookup, rt, results)
        return results[key]

    def _serve(self, key: str, lookup: Lookup, rt: Runtime) -> object:
        service = self.graph.functions[key]
        given: list[object] = [_given(lookup, name) for name in service.parameters]
        return service.call(given, rt, 0)

    def _order(self, key: str) -> tuple[str, ...]:
        # Two threads may both compute it; they store the same.
        found = self._orders.get(key)
        if found is None:
            found = self._orders[key] = order(self.graph, (key,))
        return found


def _given(lookup: Lookup, name: str) -> object:
    value = lookup(name)
    return None if value is MISSING else value
