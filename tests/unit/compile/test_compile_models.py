"""Whole models: the bench's, those of other people, and generated ones; the same bytes always and everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.compile import check_definitions, compile_definitions
from procession.ir.kinds import Kind
from procession.ir.program import Node, Program, from_bytes, hash_of, to_bytes
from procession.parse import parse_bpmn
from shared_data import shared_data
from unit.compile.snippets import compiled, document, flow, ids, node

SHAPES: Final = {
    "w1": (13, 11, 0, {Kind.JOB_TASK: 10}),
    "w2": (18, 20, 8, {Kind.SCRIPT_TASK: 5, Kind.JOB_TASK: 6, Kind.EXCLUSIVE_GATEWAY: 2, Kind.PARALLEL_GATEWAY: 2}),
    "w3": (7, 4, 1, {Kind.USER_TASK: 1, Kind.BOUNDARY_EVENT: 1, Kind.INTERMEDIATE_CATCH_EVENT: 1}),
    "w4": (8, 4, 2, {Kind.MULTI_INSTANCE: 1, Kind.SUB_PROCESS: 1, Kind.SCRIPT_TASK: 1}),
    "w5": (201, 265, 4, {Kind.JOB_TASK: 66, Kind.EXCLUSIVE_GATEWAY: 66, Kind.USER_TASK: 33}),
}  # fmt: skip
GLOBAL_TASKS: Final = {"B.1.0", "B.2.0"}
RUNS: Final = {"C.8.1", "C.9.0", "C.9.1", "C.9.2", *GLOBAL_TASKS}
REFUSED: Final = {
    "C.1.0": {"implementation", "expression-language"},
    "C.1.1": {"implementation", "expression-language"},
    "C.3.0": {"sequence-flow-condition", "expression-language"},
}


def programs_of(path: Path) -> list[Program]:
    definitions, _ = parse_bpmn(path.read_bytes(), path.name)
    assert definitions is not None
    return compile_definitions(definitions)[0]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_bench_model_has_its_shape(name: str) -> None:
    program = programs_of(shared_data("data", "bench", "models", f"{name}.bpmn"))[0]
    nodes, flows, expressions, kinds = SHAPES[name]
    assert (len(program.nodes), len(program.flows), len(program.expressions)) == (nodes, flows, expressions)
    assert {kind: sum(each.kind is kind for each in program.nodes) for kind in kinds} == kinds
    assert from_bytes(to_bytes(program)) == program
    _sound(program)


def test_models_of_other_people_run_or_are_refused_with_a_reason() -> None:
    for path in sorted(shared_data("data", "bpmn", "miwg").glob("*.bpmn")):
        definitions, _ = parse_bpmn(path.read_bytes(), path.name)
        assert definitions is not None
        programs, diagnostics = compile_definitions(definitions)
        rules = {d.rule for d in diagnostics if d.severity == "error"}
        assert all(d.span.line and d.remedy for d in diagnostics if d.severity != "info")
        name = path.stem
        assert bool(programs) == (name in RUNS), (name, rules)
        assert rules == REFUSED.get(name, set()), name
        for program in programs:
            _sound(program)
        assert check_definitions(definitions) is not None


def test_names_with_spaces_of_other_peoples_models_are_understood() -> None:
    program = programs_of(shared_data("data", "bpmn", "miwg", "C.8.1.bpmn"))[0]
    assert '`Vacation Approval` = "Approved"' in [each.text for each in program.expressions]


def test_every_executable_model_of_the_suites_is_compiled_or_refused() -> None:
    for path in sorted(shared_data("data", "bpmn", "betsy").rglob("*.bpmn")):
        definitions, findings = parse_bpmn(path.read_bytes(), path.name)
        if definitions is not None and not any(d.severity == "error" for d in findings):
            programs, diagnostics = compile_definitions(
                definitions, languages=frozenset({"feel", "words"}), fallback_language="words"
            )
            assert programs or any(d.severity == "error" for d in diagnostics), path.name


_HASHES: Final = """
import sys
from pathlib import Path
from procession.compile import compile_definitions
from procession.ir.program import hash_of, to_bytes
from procession.parse import parse_bpmn
for path in sys.argv[1:]:
    definitions, _ = parse_bpmn(Path(path).read_bytes(), Path(path).name)
    for program in compile_definitions(definitions)[0]:
        print(hash_of(to_bytes(program)))
"""


def test_the_same_document_is_the_same_program_under_every_hash_seed(tmp_path: Path) -> None:
    extended = """<serviceTask id="x"><extensionElements><zeebe:taskDefinition type="t"/><zeebe:taskHeaders>
      <zeebe:header key="b" value="1"/><zeebe:header key="a" value="2"/></zeebe:taskHeaders></extensionElements>
      </serviceTask>"""
    file = tmp_path / "model.bpmn"
    file.write_text(document(f'<startEvent id="s"/>{extended}{flow("s", "x")}'), encoding="utf-8")
    seen = {
        subprocess.run(
            [sys.executable, "-c", _HASHES, str(file)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(seen) == 1
    assert seen.pop().strip() == hash_of(to_bytes(programs_of(file)[0]))


# --- generated --------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[int, int]]:
    count = draw(st.integers(2, 7))
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    return draw(st.lists(ends, unique=True, max_size=14))


@given(graphs())
def test_the_reach_of_a_join_is_what_a_search_of_all_paths_finds(edges: list[tuple[int, int]]) -> None:
    """Against a forward search from each node, which never goes through the join."""
    drawn = [*edges, (0, 99), (1, 99)]
    body = "".join(f'<task id="n{number}"/>' for number in sorted({n for edge in drawn for n in edge} - {99}))
    body += '<inclusiveGateway id="n99"/>'
    flows = "".join(flow(f"n{a}", f"n{b}") for a, b in drawn)
    program = compiled(document(body + flows + '<startEvent id="s"/>', profile="standard"))
    join = node(program, "n99")
    after: dict[int, list[int]] = {}
    for a, b in drawn:
        after.setdefault(a, []).append(b)
    for ref, reach in zip(join.incoming, join.reach, strict=True):
        last = int(program.nodes[program.flows[ref].source].id[1:])
        expected = {f"n{start}" for start in after if last in _from(start, after)}
        assert set(ids(program, reach)) == expected


def _from(start: int, after: dict[int, list[int]]) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        for target in after.get(waiting.pop(), ()):
            if target != 99 and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def test_a_deep_model_needs_no_stack() -> None:
    depth = 60
    body = ""
    for number in reversed(range(depth)):
        inside = f"{body}{flow(f's{number}', f'u{number + 1}')}" if body else ""
        body = f'<subProcess id="u{number}"><startEvent id="s{number}"/>{inside}</subProcess>'
    body = f'<startEvent id="s"/>{body}{flow("s", "u0")}'
    program = compiled(document(body))
    assert len(program.nodes) == 2 * depth + 2
    _sound(program)


def _sound(program: Program) -> None:
    """What the interpreter takes for granted."""
    nodes, flows = program.nodes, program.flows
    for index, each in enumerate(nodes):
        assert each.index == index
        assert each.scope < index
        assert all(flows[ref].target == index for ref in each.incoming)
        assert all(flows[ref].source == index for ref in each.outgoing)
        # A handler's start event stands inside its event sub-process, all others beside or inside the node.
        assert all(
            index in {nodes[ref].scope, nodes[nodes[ref].scope].scope} or nodes[ref].scope == each.scope
            for ref in each.catches
        )
        assert all(nodes[ref].scope == index for ref in each.starts)
        assert len(each.reach) in {0, len(each.incoming)}
        if each.kind is Kind.MULTI_INSTANCE:
            assert nodes[each.inner].scope == index
        if each.kind is Kind.BOUNDARY_EVENT:
            assert index in nodes[each.attached].catches
        _refs(program, each)


def _refs(program: Program, each: Node) -> None:
    refs = [mapping.source for mapping in (*each.inputs, *each.outputs)]
    if each.script is not None:
        refs.append(each.script.expression)
    assert all(0 <= ref < len(program.expressions) for ref in refs)
    assert all(flow.condition < len(program.expressions) for flow in program.flows)
