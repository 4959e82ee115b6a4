"""DMN documents that import each other, deployed together: what is refused, what a new version, what is stored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pytest

from procession import Engine, Refused
from procession.core import facts as f
from procession.dmn import compiler, load
from procession.dmn.imports import IMPORTS_MAX
from procession.runtime.decisions import decision_bytes, documents_of
from procession.services import deploy
from procession.services.deploy import compile_resources

DMN: Final = "https://www.omg.org/spec/DMN/20230324/MODEL/"
PROCESS: Final = (
    b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
    b'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true"><startEvent id="s"/>'
    b'<userTask id="wait"><extensionElements><zeebe:userTask/></extensionElements></userTask>'
    b'<businessRuleTask id="ask"><extensionElements><zeebe:calledDecision decisionId="a" resultVariable="r"/>'
    b'</extensionElements></businessRuleTask><sequenceFlow id="f1" sourceRef="s" targetRef="wait"/>'
    b'<sequenceFlow id="f2" sourceRef="wait" targetRef="ask"/></process></definitions>'
)


def model(id: str, text: str, *imports: str, namespace: str = "") -> tuple[str, bytes]:
    """A document of one decision, named like it, of the namespace `urn:ID`; it requires those that it imports."""
    drawn = "".join(f'<import name="{each}" namespace="urn:{each}" importType="{DMN}"/>' for each in imports)
    needs = "".join(
        f'<informationRequirement><requiredDecision href="urn:{each}#{each}"/></informationRequirement>'
        for each in imports
    )
    body = f'<decision id="{id}" name="{id}">{needs}<literalExpression><text>{text}</text></literalExpression>'
    head = f'<definitions xmlns="{DMN}" id="{id}" name="{id}" namespace="{namespace or f"urn:{id}"}">'
    return f"{id}.dmn", f"{head}{drawn}{body}</decision></definitions>".encode()


A: Final = model("a", "b.b + c.c", "b", "c")
B: Final = model("b", "d.d + 10", "d")
C: Final = model("c", "d.d + 20", "d")
D: Final = model("d", "n * 100")


@pytest.mark.parametrize("order", [(A, B, C, D), (D, C, B, A), (B, A, D, C)])
def test_imports_are_found_in_any_order_and_however_deep(order: tuple[tuple[str, bytes], ...]) -> None:
    with Engine() as engine:
        engine.deploy(*order)
        assert [engine.decide(id, {"n": 1}) for id in "abcd"] == [230, 110, 120, 100]


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ((A, B, C), [("b", "'d' of 'urn:d' is not there"), ("c", "'d' of 'urn:d' is not there")]),
        ((B,), [("b", "the import 'd' of 'urn:d' is not there")]),
        (
            (B, D, model("e", "1", namespace="urn:d")),
            [("b", "the import 'd' of 'urn:d' may mean several documents: d.dmn, e.dmn")],
        ),
        ((model("a", "1", "a"),), [("a", "the import 'a' of 'urn:a' closes a circle: a.dmn imports a.dmn")]),
        (
            (model("a", "1", "b"), B, model("d", "1", "b")),
            [("d", "the import 'b' of 'urn:b' closes a circle: b.dmn imports d.dmn imports b.dmn")],
        ),
        (
            (model("a", "1", "b", "d"), model("b", "1", "a", "d"), D),
            [("b", "the import 'a' of 'urn:a' closes a circle: a.dmn imports b.dmn imports a.dmn")],
        ),
    ],
)
def test_an_import_that_means_nothing_is_refused(
    resources: tuple[tuple[str, bytes], ...], said: list[tuple[str, str]]
) -> None:
    with Engine() as engine, pytest.raises(Refused) as refused:
        engine.deploy(*resources)
    found = [each for each in refused.value.diagnostics if each.rule == "dmn-import"]
    assert [each.span.file.removesuffix(".dmn") for each in found] == [file for file, _ in said]
    assert all(text in each.message for each, (_, text) in zip(found, said, strict=True))
    assert all(each.remedy and each.span.line for each in found)


def test_what_is_wrong_in_an_import_is_said_once_and_of_the_import() -> None:
    with pytest.raises(Refused) as refused:
        compile_resources([A, B, C, model("d", "1 +")])
    assert [(each.rule, each.span.file) for each in refused.value.diagnostics] == [("dmn-expression", "d.dmn")]


def test_documents_of_one_namespace_that_nobody_imports_are_no_matter() -> None:
    found = compile_resources([model("a", "1", namespace="urn:same"), model("b", "2", namespace="urn:same")])
    assert (len(found.decisions), found.findings) == (2, ())


def test_how_much_is_imported_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    row = [model("m0", "1"), *[model(f"m{n}", "1", f"m{n - 1}") for n in range(1, IMPORTS_MAX + 2)]]
    assert len(compile_resources(row[:-1]).decisions) == IMPORTS_MAX + 1
    with pytest.raises(Refused, match=f"it imports {IMPORTS_MAX + 1} documents"):
        compile_resources(row)
    twice = [model("m0", "1")]
    for n in range(1, 18):
        name, data = model(f"m{n}", "1", f"m{n - 1}")
        again = f'<import name="again" namespace="urn:m{n - 1}" importType="{DMN}"/><import '.encode()
        twice.append((name, data.replace(b"<import ", again, 1)))
    with pytest.raises(Refused, match="elements are imported"):
        compile_resources(twice)
    assert compiler.IMPORTED_MAX == 20_000
    monkeypatch.setattr(deploy, "RESOURCE_BYTES_MAX", len(B[1]) + 10)
    with pytest.raises(Refused, match="the document with what it imports is"):
        compile_resources([B, D])


def versions(engine: Engine, *resources: tuple[str, bytes]) -> dict[str, tuple[int, bool]]:
    return {each.decision_id: (each.version, each.new) for each in engine.deploy(*resources).decisions}


def test_a_changed_import_is_a_new_version_of_whoever_imports_it_and_of_nobody_else() -> None:
    changed = model("c", "d.d + 30", "d")
    with Engine() as engine:
        assert versions(engine, A, B, C, D) == {id: (1, True) for id in "abcd"}
        assert versions(engine, D, C, B, A) == {id: (1, False) for id in "abcd"}
        assert versions(engine, A, B, changed, D) == {"a": (2, True), "b": (1, False), "c": (2, True), "d": (1, False)}
        assert engine.decide("a", {"n": 1}) == 240
        # What is deployed later changes nothing of what was: a program holds what it imports.
        assert versions(engine, model("d", "0")) == {"d": (2, True)}
        assert [engine.decide(id, {"n": 1}) for id in "abcd"] == [240, 110, 130, 0]


def test_names_of_files_do_not_matter_to_a_version() -> None:
    with Engine() as engine:
        engine.deploy(B, D)
        again = engine.deploy(("x/y.dmn", D[1]), ("z.dmn", B[1]))
        assert (again.key, [each.new for each in again.decisions]) == (0, [False, False])


def test_a_document_without_imports_is_stored_as_it_is() -> None:
    drafts = {draft.id: draft for draft in compile_resources([A, B, C, D]).decisions}
    assert drafts["d"].program is D[1]
    assert drafts["d"].hash == drafts["d"].digest == hashlib.sha256(D[1]).hexdigest()
    assert documents_of(drafts["a"].program) == [D[1], B[1], C[1], A[1]]
    assert drafts["a"].hash != drafts["a"].digest


@pytest.mark.parametrize(
    "documents", [[b"<a/>"], [b"", b"x"], [b"\n1 2\n", b"\xff\n", b"procession-decisions-1 3\nabc"]]
)
def test_the_bytes_of_documents_are_read_back(documents: list[bytes]) -> None:
    data = decision_bytes(documents)
    assert documents_of(data) == documents
    if len(documents) > 1:
        assert documents_of(data[:-1]) == [data[:-1]]


def test_a_process_decides_by_a_document_that_imports_after_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "e.db"
    with Engine(store) as engine:
        engine.deploy(A, B, C, D, ("p.bpmn", PROCESS))
        key = engine.start("p", {"n": 1}).key
    with Engine(store) as engine:
        engine.deploy(model("d", "0"))
        (task,) = engine.tasks()
        engine.complete_task(task.key)
        instance = engine.instance(key)
        assert instance.wait(10) == "completed"
        assert instance.variables["r"] == 230
        (fact,) = [each.fact for each in instance.history if isinstance(each.fact, f.DecisionEvaluated)]
        assert [(each[0], each[3]) for each in fact.evaluations if isinstance(each, list)] == [
            ("d", 100),
            ("b", 110),
            ("d", 100),
            ("c", 120),
            ("a", 230),
        ]


def test_a_library_takes_files_and_models_as_imports_in_any_order(tmp_path: Path) -> None:
    for name, data in (A, B, C, D):
        (tmp_path / name).write_bytes(data)
    b = load(B[1], imports=[D[1]])
    assert (
        load(tmp_path / "a.dmn", imports=[tmp_path / "c.dmn", b, str(tmp_path / "d.dmn")]).evaluate("a", {"n": 1})
        == 230
    )
    with pytest.raises(Refused, match="is not there"):
        load(tmp_path / "a.dmn", imports=[C[1], b])
    with pytest.raises(Refused, match="dmn-expression"):
        load(B[1], imports=[model("d", "1 +")[1]])
