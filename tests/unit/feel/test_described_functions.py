"""Every built-in function is described, with an example that is true."""

from __future__ import annotations

import pytest

from procession import feel
from procession.feel.builtins import BUILTINS
from procession.feel.builtins.camunda import CAMUNDA
from procession.feel.builtins.described import DESCRIBED, DESCRIBED_CAMUNDA, Description


def test_every_function_is_described_and_no_other() -> None:
    assert set(DESCRIBED) == set(BUILTINS["feel"])
    assert set(DESCRIBED_CAMUNDA) == set(CAMUNDA)


@pytest.mark.parametrize(("name", "described"), DESCRIBED.items(), ids=DESCRIBED)
def test_an_example_of_the_specification_is_true(name: str, described: Description) -> None:
    assert f"{name}(" in described.example
    assert feel.string(feel.evaluate(described.example, dialect="feel")) == described.value


@pytest.mark.parametrize(("name", "described"), DESCRIBED_CAMUNDA.items(), ids=DESCRIBED_CAMUNDA)
def test_an_example_of_the_other_dialect_is_true_there_alone(name: str, described: Description) -> None:
    assert f"{name}(" in described.example
    assert feel.string(feel.evaluate(described.example, dialect="camunda")) == described.value
    try:
        standard = feel.string(feel.evaluate(described.example, dialect="feel"))
    except feel.FeelSyntaxError:
        return
    assert standard != described.value


def test_a_function_is_described_by_its_name_and_dialect() -> None:
    assert feel.describe("substring") == DESCRIBED["substring"]
    assert feel.describe("trim", "camunda") == DESCRIBED_CAMUNDA["trim"]
    assert feel.describe("trim") is None
    assert feel.describe("decimal") == DESCRIBED["decimal"] != feel.describe("decimal", "camunda")
    assert feel.describe("no such function") is None
