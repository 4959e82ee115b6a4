"""`compile_decisions`: from a parsed DMN document to functions, or to what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, final

from procession.base.diagnostics import Diagnostic, Span
from procession.dmn.boxes import closure, compile_logic, function_maker, shape
from procession.dmn.compilation import Compilation, typed
from procession.dmn.decisions import CompiledDecisions, DecisionInfo, ServiceInfo
from procession.dmn.graph import Graph, Need, Node, bind, imported, input_of, order, run
from procession.dmn.item_types import ANY, ItemType, component_names, plain
from procession.dmn.scope import Names, names_with, nothing, within
from procession.dmn.type_definitions import define_types, type_refs
from procession.feel import Dialect, Runtime
from procession.model.dmn import (
    BusinessKnowledgeModel,
    Decision,
    Decisions,
    DecisionService,
    Href,
    InputData,
    Logic,
)

_CAMUNDA_EXPORTERS: Final = ("camunda", "dmn-js", "bpmn.io")

IMPORTED_MAX: Final = 20_000
"""Most elements that one document imports; one that is imported on two ways is there twice, so they may double."""

_Element: TypeAlias = Decision | InputData | BusinessKnowledgeModel | DecisionService


def compile_decisions(
    document: Decisions,
    *,
    imports: Iterable[CompiledDecisions] = (),
    dialect: Dialect | None = None,
    tolerant: bool = False,
) -> tuple[CompiledDecisions | None, list[Diagnostic]]:
    """The decisions of a document and all that is wrong with them; None if something is an error.

    `imports` are the documents that it imports, by their namespace. `dialect` None is decided by the document: one
    that names Camunda or its namespace is in Camunda's, any other in the specification's (docs/feel-dialects.md).
    With `tolerant` a document with errors is compiled nevertheless, for editors: what is wrong in it gives null.
    """
    compiler = _Compiler(document, dialect or dialect_of(document), {found.namespace: found for found in imports})
    compiled = compiler.compile()
    found = sorted(compiler.cx.diagnostics, key=lambda d: (d.span.line, d.span.column))
    refused = any(diagnostic.severity == "error" for diagnostic in found)
    return (None if refused and not tolerant else compiled), found


def dialect_of(document: Decisions) -> Dialect:
    """The dialect of a document's texts, by its exporter."""
    exporter = document.exporter.lower()
    is_camunda = document.uses_zeebe or document.execution_platform.startswith("Camunda")
    return "camunda" if is_camunda or any(name in exporter for name in _CAMUNDA_EXPORTERS) else "feel"


@final
class _Compiler:
    """The document, and the graph as far as it is made."""

    __slots__ = ("_document", "_drawn", "_imports", "_prefixes", "_types", "cx", "graph")

    def __init__(self, document: Decisions, dialect: Dialect, imports: dict[str, CompiledDecisions]) -> None:
        self.cx = Compilation(document, dialect)
        self.graph = Graph()
        self._document = document
        self._imports = imports
        self._prefixes: dict[str, str] = {}
        # By key, before anything is compiled: (name, type, drawn logic) of whatever can be required.
        self._drawn: dict[str, tuple[str, ItemType, Logic | None]] = {}
        self._types: dict[str, ItemType] = {}

    def compile(self) -> CompiledDecisions:
        self._refuse_unknown()
        self._include_imports()
        document = self._document
        self._types.update(define_types(self.cx, document.item_definitions, self._types))
        self.cx.types = self._types
        self.cx.type_refs = type_refs(self._types)
        self._declare()
        for model in document.knowledge_models:
            self._knowledge_model(model)
        for decision in document.decisions:
            self._decision(decision)
        for service in document.services:
            self._service(service)
        self._refuse_cycles()
        return CompiledDecisions(
            (document.id, document.name, document.namespace, document.digest),
            self.graph,
            {name: type for name, type in self._types.items() if "." not in name},
            {id_of(decision): self._info(decision) for decision in document.decisions},
            {id_of(service): self._service_info(service) for service in document.services},
        )

    # -- before anything is compiled

    def _refuse_unknown(self) -> None:
        for unknown in self._document.unknown:
            self.cx.owner = unknown.id or unknown.owner
            text = f"the element <{unknown.tag}> has no meaning in this place"
            self.cx.report("dmn-element", unknown.span, text, "remove it")

    def _include_imports(self) -> None:
        for wanted in self._document.imports:
            self.cx.owner = wanted.name
            found = self._imports.get(wanted.namespace)
            if found is None:
                text = f"the import {wanted.name!r} of {wanted.namespace[:80]!r} is not there"
                remedy = "deploy it together with the document of that namespace; give dmn.load both"
                self.cx.report("dmn-import", wanted.span, text, remedy)
                continue
            if self.graph.size + found.graph.size > IMPORTED_MAX:
                text = f"more than {IMPORTED_MAX} elements are imported; on several ways, each of them counts"
                self.cx.report("dmn-import", wanted.span, text, "import a document on one way")
                continue
            self._prefixes[wanted.namespace] = wanted.name
            self.graph.include(found.graph, wanted.name)
            dot = f"{wanted.name}." if wanted.name else ""
            self._types.update({f"{dot}{name}": type for name, type in found.types.items()})

    def _declare(self) -> None:
        """Notes the name and type of everything that can be required, whatever the order in the document."""
        for data in self._document.input_data:
            name, type = self._variable(data)
            self._drawn[self._key(data)] = (name, type, None)
            self.graph.inputs[self._key(data)] = input_of(name, type)
        for decision in self._document.decisions:
            name, type = self._variable(decision)
            self._drawn[self._key(decision)] = (name, type, decision.logic)
        for model in self._document.knowledge_models:
            name, type = self._variable(model)
            self._drawn[self._key(model)] = (name, type, None)
        for service in self._document.services:
            name, type = self._variable(service)
            self._drawn[self._key(service)] = (name, type, None)

    def _variable(self, element: _Element) -> tuple[str, ItemType]:
        self.cx.owner = id_of(element)
        variable = element.variable
        if variable is None:
            return element.name, ANY
        return variable.name or element.name, self.cx.type_named(variable.type_ref, variable.span)

    # -- one element each

    def _knowledge_model(self, model: BusinessKnowledgeModel) -> None:
        key = self._key(model)
        name, type, _ = self._drawn[key]
        # A function may call itself by its name; how deep is the runtime's limit.
        needs = (Need(key, name), *self._needs(model.required_knowledge, model.span))
        self.cx.owner = id_of(model)
        if model.function is None:
            text = f"the business knowledge model {name!r} has no logic"
            self.cx.report("dmn-logic", model.span, text, "give it a function", "warning")
            self.graph.functions[key] = closure(name, (), (), lambda given, rt: None)
            return
        make = function_maker(self.cx, model.function, self._names(needs), name, _result(type))
        # The functions that it requires may not exist yet, and may be itself: they are bound when a scope is asked.
        self.graph.functions[key] = make(_FunctionScope(self.graph, needs).look)

    def _decision(self, decision: Decision) -> None:
        key = self._key(decision)
        name, type, _ = self._drawn[key]
        self.cx.owner = id_of(decision)
        if decision.logic is None:
            text = f"the decision {name!r} has no logic, so it is always null"
            self.cx.report("dmn-logic", decision.span, text, "give it a table or an expression", "warning")
        inputs = self._needs(decision.required_inputs, decision.span)
        decisions = self._needs(decision.required_decisions, decision.span)
        knowledge = self._needs(decision.required_knowledge, decision.span)
        names = self._names([*inputs, *decisions, *knowledge])
        evaluate = typed(compile_logic(self.cx, decision.logic, names), type, "the result", lenient=self.cx.lenient)
        self.graph.nodes[key] = Node(key, id_of(decision), name, evaluate, inputs, decisions, knowledge)

    def _service(self, service: DecisionService) -> None:
        """A service as a function of its input data, then its input decisions (10.4)."""
        key = self._key(service)
        name, type, _ = self._drawn[key]
        self.cx.owner = id_of(service)
        data = self._needs(service.input_data, service.span)
        given = self._needs(service.input_decisions, service.span)
        outputs = self._needs(service.output_decisions, service.span)
        parameters = [need.name for need in (*data, *given)]
        types = [self._type_of(need) for need in (*data, *given)]
        graph, result = self.graph, _result(type)

        def body(arguments: list[object], rt: Runtime) -> object:
            results = {need.key: value for need, value in zip((*data, *given), arguments, strict=True)}
            run(graph, order(graph, (need.key for need in outputs), results), nothing, rt, results)
            if len(outputs) == 1:
                return results[outputs[0].key]
            return {need.name: results[need.key] for need in outputs}

        conformed = typed(lambda lookup, rt: lookup("result"), result, f"the result of `{name}`")
        self.graph.functions[key] = closure(
            name,
            parameters,
            types,
            lambda arguments, rt: conformed(within({"result": body(arguments, rt)}), rt),
        )

    # -- requirements

    def _key(self, element: _Element) -> str:
        return f"{self._document.namespace}#{id_of(element)}"

    def _needs(self, hrefs: Sequence[Href], span: Span) -> tuple[Need, ...]:
        needs: list[Need] = []
        for href in hrefs:
            key = f"{href.namespace or self._document.namespace}#{href.id}"
            key = imported(self._prefixes.get(href.namespace, ""), key)
            name = self._name_of(key)
            if name is None:
                text = f"it requires {href.id[:80]!r} of {href.namespace[:80] or 'this document'!r}, which is not there"
                self.cx.report("dmn-requirement", span, text, "correct the requirement, or import that document")
            else:
                needs.append(Need(key, name, self._prefixes.get(href.namespace, "")))
        return tuple(needs)

    def _name_of(self, key: str) -> str | None:
        for table in (self._drawn, self.graph.nodes, self.graph.inputs, self.graph.functions):
            found = table.get(key)
            if found is not None:
                return found[0] if isinstance(found, tuple) else found.name
        return None

    def _type_of(self, need: Need) -> ItemType:
        if need.key in self._drawn:
            return self._drawn[need.key][1]
        found = self.graph.inputs.get(need.key)
        return ANY if found is None else found.type

    def _names(self, needs: Iterable[Need]) -> Names:
        """The names that a text sees through requirements, with those of their components."""
        found: list[str] = []
        for need in needs:
            found += [need.name, need.prefix, *component_names(self._type_of(need))]
            found += shape(self._drawn[need.key][2]) if need.key in self._drawn else []
        return names_with((), found)

    def _refuse_cycles(self) -> None:
        nodes = self.graph.nodes
        place = {key: index for index, key in enumerate(order(self.graph, nodes))}
        for decision in self._document.decisions:
            node = nodes[self._key(decision)]
            # In an order that puts requirements first, only a circle can require what comes later.
            for need in node.decisions:
                if place.get(need.key, -1) >= place[node.key]:
                    self.cx.owner = id_of(decision)
                    text = f"the decisions {node.name!r} and {need.name!r} require each other"
                    self.cx.report("dmn-cycle", decision.span, text, "remove one of the requirements")

    # -- what is known of them

    def _info(self, decision: Decision) -> DecisionInfo:
        return DecisionInfo(
            id=id_of(decision),
            name=decision.name,
            version_tag=decision.version_tag,
            required_decisions=tuple([href.id for href in decision.required_decisions]),
            required_inputs=tuple([need.name for need in self.graph.nodes[self._key(decision)].inputs]),
        )

    def _service_info(self, service: DecisionService) -> ServiceInfo:
        return ServiceInfo(
            id=id_of(service),
            name=service.name,
            parameters=self.graph.functions[self._key(service)].parameters,
            output_decisions=tuple([href.id for href in service.output_decisions]),
        )


@final
class _FunctionScope:
    """The scope of a business knowledge model: the functions it requires, found when they are asked for."""

    __slots__ = ("_graph", "_needs", "_values")

    def __init__(self, graph: Graph, needs: tuple[Need, ...]) -> None:
        self._graph = graph
        self._needs = needs
        self._values: dict[str, object] | None = None

    def look(self, name: str) -> object:
        """The function of that name, or `MISSING`."""
        if self._values is None:
            values: dict[str, object] = {}
            for need in self._needs:
                bind(values, need, self._graph.functions.get(need.key))
            self._values = values
        return within(self._values)(name)


def id_of(element: _Element) -> str:
    """The element's id; its name where it has none, which only a name can call."""
    return element.id or element.name


def _result(type: ItemType) -> ItemType:
    """The type of what a function gives; older documents state it as the type of the variable itself."""
    target = plain(type)
    if target.kind != "function":
        return type
    return target.result or ANY
