"""Rules of a deployment as a whole, and of decisions that come with it."""

from __future__ import annotations

import pytest

from procession import Engine, Refused

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def decisions(inside: str) -> tuple[str, bytes]:
    return "d.dmn", f'<definitions xmlns="{DMN}" id="d" name="d" namespace="t">{inside}</definitions>'.encode()


@pytest.mark.parametrize("resources", [(), (decisions(""),)])
def test_a_deployment_of_nothing_is_refused(resources: tuple[tuple[str, bytes], ...]) -> None:
    with Engine(":memory:") as engine, pytest.raises(Refused) as refused:
        engine.deploy(*resources)
    (found,) = refused.value.diagnostics
    assert (found.rule, bool(found.remedy)) == ("no-process", True)


def test_a_decision_without_logic_is_said() -> None:
    with Engine(":memory:") as engine:
        deployment = engine.deploy(decisions('<decision id="a" name="a"/>'))
    found = [(each.rule, each.severity, bool(each.remedy)) for each in deployment.diagnostics]
    assert found == [("dmn-logic", "warning", True)]
