"""Shared modules: how they are found, in which order, and what is refused at the import that asks."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from procession.base.diagnostics import Refused
from procession.base.failure import BadValue
from procession.scripts.library import MODULES_MAX, Bundle, link, resolved
from procession.scripts.modules import prepared
from script_rig import run


def linked(source: str, library: dict[str, str]) -> Bundle:
    return link(prepared(source, "script", typescript=False), library.get)


def refusal(source: str, library: dict[str, str]) -> tuple[str, str, int, int]:
    with pytest.raises(Refused) as caught:
        linked(source, library)
    found = caught.value.diagnostics[0]
    return f"{found.message}; {found.remedy}", found.span.file, found.span.line, found.span.column


LIBRARY: Final = {
    "tax@2": 'export * from "./rates/all"; export {round} from "./round"',
    "tax@2/round": "export const round = Math.round",
    "tax@2/rates/all": 'import {round} from "../round"; import {base} from "./base"; export const rate = round(base)',
    "tax@2/rates/base": "export const base = 19.4",
    "@acme/tax@1.0.0": 'export {rate} from "./rate"',
    "@acme/tax@1.0.0/rate": "export const rate = 7",
    "typed.ts": "export const half = (x: number): number => x / 2",
    "never": "throw new Error('entered')\nexport const x = 1",
    "lazy": 'export const one = 1; export const two = () => 2; import "tax@2/round"',
}


def test_modules_are_found_transitively_by_names_versions_and_paths() -> None:
    source = (
        'import {rate, round} from "tax@2"; import {rate as r} from "@acme/tax@1.0.0"; import {half} from "typed.ts"\n'
        "[rate, round(r), half(4)]"
    )
    bundle = linked(source, LIBRARY)
    assert run(bundle)["value"] == [19, 7, 2]
    order = [module.specifier for module in bundle.modules]
    assert order == [
        "tax@2/round",
        "tax@2/rates/base",
        "tax@2/rates/all",
        "tax@2",
        "@acme/tax@1.0.0/rate",
        "@acme/tax@1.0.0",
        "typed.ts",
    ]
    for module in bundle.modules:
        assert module.digest == hashlib.sha256(LIBRARY[module.specifier].encode()).hexdigest()
        # What a module needs stands before it.
        assert all(order.index(name) < order.index(module.specifier) for name in module.prepared.imports)
    assert set(bundle.sources()) == {*order, "script"}


def test_modules_are_entered_when_they_are_required_and_once() -> None:
    source = 'import {one} from "lazy"; import {rate} from "tax@2"; one'
    assert run(linked(source, LIBRARY))["entered"] == [
        "lazy",
        "tax@2/round",
        "tax@2",
        "tax@2/rates/all",
        "tax@2/rates/base",
    ]


def test_a_bundle_is_its_sources() -> None:
    source = 'import {rate} from "tax@2"; rate'
    bundle = linked(source, LIBRARY)
    assert linked(source, dict(reversed(LIBRARY.items()))) == bundle
    assert linked(source, {**LIBRARY, "other": "export {}"}) == bundle
    assert linked(f"{source} ", LIBRARY).digest != bundle.digest
    assert linked(source, {**LIBRARY, "tax@2/rates/base": "export const base = 19.5"}).digest != bundle.digest
    assert (
        linked(source, {**LIBRARY, "tax@2/round": "export const round = Math.round // as it was"}).digest
        != bundle.digest
    )
    assert linked("1", {}).modules == ()


@pytest.mark.parametrize(
    ("source", "library", "text", "file", "line", "column"),
    [
        ('\n import x from "x"', {}, "there is no module `x` (asked by `script`)", "script", 2, 2),
        ('import "a"', {"a": '// a\nimport "./b"'}, "there is no module `a/b` (asked by `a`)", "a", 2, 1),
        (
            'import {x} from "never"; import {y} from "never"',
            LIBRARY,
            "does not export `y` (asked by `script`); it exports x",
            "script",
            1,
            26,
        ),
        (
            'import d from "a"',
            {"a": 'export * from "b"', "b": "export default 1; export const c = 1"},
            "`a` does not export `default` (asked by `script`); it exports c",
            "script",
            1,
            1,
        ),
        (
            'import {c} from "a"',
            {"a": 'export {c} from "b"', "b": "export {}"},
            "`b` does not export `c` (asked by `a`); it exports nothing",
            "a",
            1,
            1,
        ),
        ('import "a"', {"a": 'import "a"'}, "a cycle: `a` → `a`", "a", 1, 1),
        (
            'import "z"; import "a"',
            {"z": "", "a": 'import "b"', "b": 'import "z"\nimport "c"', "c": 'import "a"'},
            "a cycle: `a` → `b` → `c` → `a` (asked by `c`)",
            "c",
            1,
            1,
        ),
        ('import "a"', {"a": "await 1"}, "`a` awaits", "script", 1, 1),
        ('import "./a"', {"./a": ""}, "a script stands in no library", "script", 1, 1),
        ('import "a"', {"a": 'import "../b"'}, "leads out of the library `a`", "a", 1, 8),
        ('import "a"', {"a": 'import "./b/../../../c"'}, "leads out of the library `a`", "a", 1, 8),
        ('import "https://example.org/a.js"', {}, "is no name of a module", "script", 1, 1),
        ('import "/etc/passwd"', {}, "is no name of a module", "script", 1, 1),
        ('import "a"', {"a": 'import "./.."'}, "leads out", "a", 1, 8),
        ('import "a"', {"a": "var x = ;"}, "unexpected", "a", 1, 7),
    ],
)
def test_what_cannot_be_linked_is_refused_where_it_is_asked_for(
    source: str, library: dict[str, str], text: str, file: str, line: int, column: int
) -> None:
    found = refusal(source, library)
    assert text in found[0]
    assert found[1:] == (file, line, column)


def test_a_script_needs_at_most_so_many_modules_and_bytes() -> None:
    chain = {f"m{at}": f'import "m{at + 1}"' for at in range(MODULES_MAX)} | {f"m{MODULES_MAX}": ""}
    assert "more than 200 modules" in refusal('import "m0"', chain)[0]
    assert len(linked('import "m1"', chain).modules) == MODULES_MAX
    large = {f"m{at}": f"/*{'x' * 250_000}*/" for at in range(5)}
    everything = "".join(f'import "{name}";\n' for name in large)
    assert refusal(everything, large)[1:] == ("script", 5, 1)


def test_paths_are_written_one_way() -> None:
    assert resolved("./b/./c/../d", "a@1/x/y") == "a@1/x/b/d"
    assert resolved("../b", "@s/a/x/y") == "@s/a/b"
    with pytest.raises(BadValue, match="200 characters"):
        resolved("x" * 201, "")
