"""Every scenario of this repository, plain and with the engine opened anew after every call."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pytest

from procession import Engine, Refused
from procession.base.values import Json
from procession.runtime.canonical import canonical
from procession.testing import Result, run_scenario
from procession.testing.scenario import Cancel, Step, Waiting
from procession.testing.scenario_reader import load_scenario
from store_audit import program_in, stored_facts

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = sorted(
    path for folder in ("tests/scenarios", "examples") for path in (ROOT / folder).rglob("*.scenario.yaml")
)


@pytest.mark.parametrize("restore", [False, True], ids=["plain", "restored"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_goes_as_written(path: Path, restore: bool) -> None:
    result = run_scenario(path, restore_every_step=restore)
    assert result.passed, explained(result)


@pytest.mark.parametrize("path", FILES[::7], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_leaves_the_same_trace_every_time(path: Path) -> None:
    first, second = run_scenario(path), run_scenario(path, restore_every_step=True)
    assert first.to_json() == second.to_json()


@pytest.mark.parametrize("path", FILES[::3], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_has_the_same_canonical_form_resident_and_loaded_anew_for_every_call(
    path: Path, tmp_path: Path
) -> None:
    forms: list[list[Json]] = []
    for restore in (False, True):
        store = tmp_path / f"{restore}.db"
        run_scenario(path, store=str(store), restore_every_step=restore)
        found = stored_facts(store)
        forms.append([canonical(linked.program, facts, partial(program_in, store)) for linked, facts in found])
    assert forms[0] == forms[1]


def test_a_scenario_runs_on_a_file_beside_others(tmp_path: Path) -> None:
    store = str(tmp_path / "scenarios.db")
    for path in FILES[:6]:
        result = run_scenario(path, store=store)
        assert result.passed, explained(result)


UNDOING: Final = [path for path in FILES if path.parent.name in {"compensation", "transactions", "ad_hoc"}]


@pytest.mark.parametrize("path", UNDOING, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_instance_may_be_cancelled_after_every_step(path: Path) -> None:
    """Whatever is undone or goes on beside others then: it ends, and nothing is left of it."""
    scenario = load_scenario(path)
    cancel = Step(cancel=Cancel())
    nothing = Step(waiting=Waiting(jobs=[], tasks=[], messages=[], timers=[], signals=[], incidents=[]))
    # The last step ends it on its own; one that a listener holds is cancelled a second time.
    for count in range(1, len(scenario.steps)):
        steps = [*scenario.steps[:count], cancel, *([cancel] if "listener" in path.name else []), nothing]
        result = run_scenario(msgspec.structs.replace(scenario, steps=steps, expect={}), restore_every_step=True)
        ended = result.error.endswith("has ended")
        assert result.passed or ended, f"after {count} steps: {explained(result)}"
        assert result.instances[0].state in {"terminated", "completed"}


def explained(result: Result) -> str:
    """The error, and what each instance did."""
    lines = [result.error]
    for instance in result.instances:
        lines.append(f"--- {instance.name}: {instance.state} {instance.variables}")
        lines += [f"    {entry.event:<10} {entry.element:<24} {entry.scope}" for entry in instance.trace]
    return "\n".join(lines)


REFUSED: Final = [path for path in FILES if "refused" in path.parts]
_WITHOUT_PLACE: Final = {"process-id", "decision-id"}
"""Rules about two documents: they name the file, and no line in it."""


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_refusal_names_rule_place_and_remedy(path: Path) -> None:
    scenario = load_scenario(path)
    resources = [(name, (path.parent / name).read_bytes()) for name in scenario.deploy]
    with Engine(":memory:") as engine, pytest.raises(Refused) as refused:
        engine.deploy(*resources)
    found = [each for each in refused.value.diagnostics if each.rule == scenario.rejected and each.severity == "error"]
    assert found, str(refused.value)
    for each in found:
        assert each.remedy, each
        assert each.message, each
        assert each.span.file in scenario.deploy, each
        assert each.rule in _WITHOUT_PLACE or (each.span.line and each.span.column), each
