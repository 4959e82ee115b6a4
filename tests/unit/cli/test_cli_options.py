"""Variables and workers as they are written on a command line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from procession.base.failure import BadValue
from procession.cli.console import Problem
from procession.cli.options import variables_of
from procession.cli.workers import Worker, register_workers


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("name=Ada", {"name": "Ada"}),
        ("amount=12", {"amount": 12}),
        ("rate=0.10", {"rate": Decimal("0.10")}),
        ("ok=true", {"ok": True}),
        ("none=null", {"none": None}),
        ('items=[1,{"a":null}]', {"items": [1, {"a": None}]}),
        ('policy="4711"', {"policy": "4711"}),
        ("zip=01234", {"zip": "01234"}),
        ("due=2026-01-02", {"due": "2026-01-02"}),
        ("yes=True", {"yes": "True"}),
        ("what=NaN", {"what": "NaN"}),
        ("open=[1,", {"open": "[1,"}),
        ("amount:=12", {"amount": 12}),
        ("rate:=0.10", {"rate": Decimal("0.10")}),
        ("ok:=true", {"ok": True}),
        ('items:=[1,{"a":null}]', {"items": [1, {"a": None}]}),
        ("text=a=b:=c", {"text": "a=b:=c"}),
        ("empty=", {"empty": ""}),
    ],
)
def test_a_variable_is_json_if_it_reads_as_json_else_text(text: str, variables: dict[str, object]) -> None:
    assert variables_of([text]) == variables


@pytest.mark.parametrize("text", ["amount", "=5", ":=5", "x:=", "x:={", "x:=NaN", ""])
def test_what_is_no_assignment_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(Problem) as caught:
        variables_of([text])
    assert caught.value.remedy


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "vars.json"
    file.write_text('{"a": 1, "b": 2}')
    assert variables_of(["b:=3"], file) == {"a": 1, "b": 3}


FILES = {
    "deep": ('{"a":' + "[" * 5_000 + "]" * 5_000 + "}", "not JSON|nested deeper"),
    "nested over the limit": ('{"a":' + "[" * 300 + "]" * 300 + "}", "is nested deeper than 200"),
    "large": ('{"a": "' + "x" * 5_000_000 + '"}', "'a' has more than 4194304 bytes"),
    "not a number": ('{"a": NaN}', "not JSON"),
    "huge number": ('{"a": 1e99999}', "a is a number of more than 4096 digits"),
    "half a surrogate": ('{"a": "\\ud800"}', "not JSON"),
    "without a name": ('{"": 1}', "non-empty string"),
    "cut off": ('{"a": [1', "not JSON"),
    "a list": ("[1]", "holds no JSON object"),
}


@pytest.mark.parametrize("name", list(FILES))
def test_a_file_of_bad_variables_is_refused_by_its_name_and_theirs(tmp_path: Path, name: str) -> None:
    text, says = FILES[name]
    file = tmp_path / "vars.json"
    file.write_text(text)
    with pytest.raises(Problem) as caught:
        variables_of(None, file)
    assert str(file) in str(caught.value)
    # How deep the decoder itself goes depends on the version of Python.
    assert any(each in str(caught.value) for each in says.split("|"))
    assert caught.value.remedy
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(Problem, match="not JSON"):
        variables_of(None, file)


@pytest.mark.parametrize("text", ["a\udcff=1", "a=\udcff", 'a:="\udcff"', "n" * 1_001 + "=1"])
def test_an_argument_that_is_no_text_is_refused_by_name(text: str) -> None:
    with pytest.raises((Problem, BadValue), match=r"surrogate|not JSON|1001 characters"):
        variables_of([text])


class Recorder:
    """Takes the place of an engine: it notes what is registered."""

    def __init__(self) -> None:
        self.types: list[str] = []

    def worker(self, type: str, /) -> Callable[[Worker], Worker]:
        self.types.append(type)
        return lambda function: function


MODULES = {
    "a_function_takes_the_engine": "def register(engine):\n    engine.worker('a')\n    engine.worker('b')\n",
    "a_module_of_functions": "def charge_card(amount): ...\ndef _hidden(): ...\nfrom json import loads\n",
    "a_class_of_functions": "class Workers:\n    @staticmethod\n    def ship(order): ...\n",
    "a_table": "WORKERS = {'io.x:1': lambda: None}\n",
}


@pytest.mark.parametrize(
    ("module", "path", "types"),
    [
        ("a_function_takes_the_engine", ":register", ["a", "b"]),
        ("a_module_of_functions", "", ["charge-card"]),
        ("a_class_of_functions", ":Workers", ["ship"]),
        ("a_table", ":WORKERS", ["io.x:1"]),
    ],
)
def test_workers_are_found_by_module_and_object(
    module: str, path: str, types: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{module}.py").write_text(MODULES[module])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    recorder = Recorder()
    register_workers(recorder, [module + path])
    assert recorder.types == types


@pytest.mark.parametrize("name", ["no_such_module_here:x", "json:no_such_object", "string:digits"])
def test_workers_that_are_not_there_are_a_clear_error(name: str) -> None:
    with pytest.raises(Problem, match=name.partition(":")[0]):
        register_workers(Recorder(), [name])
