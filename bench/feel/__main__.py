"""Evaluations a second of CPU, warm, in one process: `python -m bench.feel [--seconds 1] [--feelin DIR] [--dump TEXT]`.

`--feelin` names a folder in which `npm install feelin` was run: that engine then runs beside, on the same machine.
`--dump` prints the Python of an expression instead, for those who make it faster.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final, cast

from bench import machine
from bench.feel import cases
from procession import feel
from procession.feel import codegen
from procession.feel.builtins import BUILTIN_NAMES
from procession.feel.parser import parse_expression
from procession.runtime.decisions import load_decisions
from procession.runtime.link import LANGUAGES

ROUNDS: Final = 5
PLENTY: Final = 1 << 60
"""A budget that no measurement spends."""
FEELIN: Final = """
import { evaluate } from 'feelin';
const items = { items: Array.from({ length: 20 }, (_, n) => ({ price: 12 + n / 100, qty: n + 1 })) };
for (const [text, scope] of [[%s, { amount: 1500, customer: { tier: 'gold' } }], [%s, items]]) {
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const begun = process.cpuUsage();
    let done = 0, spent = 0;
    while (spent < 300000) {
      for (let n = 0; n < 50; n++) evaluate(text, scope);
      done += 50;
      spent = process.cpuUsage(begun).user;
    }
    best = Math.max(best, done / spent * 1000000);
  }
  console.log(Math.round(best));
}
"""


def main() -> None:
    """Prints a row for each bar of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.feel")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each row is measured")
    parser.add_argument("--feelin", type=Path, help="a folder with node_modules/feelin")
    parser.add_argument("--dump", metavar="TEXT", help="print the Python that an expression becomes")
    options = parser.parse_args()
    if options.dump:
        _print(_python(options.dump))
        return
    _print(f"{machine.describe()}\n")
    # First: what is in memory later makes the collector's rounds longer.
    _print("| once | measured | the bar |\n|---|---|---|")
    for name, text in (("the comparison", cases.COMPARISON), ("the loop", cases.LOOP)):
        spent = 1e6 / _rate(partial(_compiled, text), options.seconds)
        _print(f"| compile {name} | {spent:.0f} µs | 250 µs |")
    _print(f"| import procession.feel, beyond the bare interpreter | {_import_ms():.0f} ms | 90 ms |\n")
    _print("| warm, one process | evaluations/s | the bar |\n|---|---|---|")
    for name, bar, work in (*_expressions(), *_tables()):
        _print(f"| {name} | {_rate(work, options.seconds):,.0f} | {bar} |")
    _print("")
    _feelin(options.feelin)


_Row = tuple[str, str, Callable[[], object]]


def _expressions() -> list[_Row]:
    rt = feel.Runtime(budget=PLENTY)
    rows: list[_Row] = []
    for name, bar, text, values in (
        ("comparison, integers", "1,500,000", cases.COMPARISON, cases.ORDER),
        ("comparison, decimals", "1,500,000", cases.COMPARISON, cases.ORDER_EXACT),
        ("loop over 20 items, decimals", "100,000", cases.LOOP, cases.ITEMS),
    ):
        function, lookup = feel.compile_expression(text).function, _lookup(values)
        rows.append((name, bar, partial(function, lookup, rt)))
    linked, order = LANGUAGES["feel"](cases.COMPARISON, "camunda"), _lookup(cases.ORDER)
    rows.append(("comparison, as a linked program calls it", "", partial(linked, order, rt)))
    return rows


def _tables() -> list[_Row]:
    rt = feel.Runtime(budget=PLENTY)
    model = load_decisions(cases.document())
    rows: list[_Row] = []
    for id, bar, values, size in (
        ("discount", "500,000", cases.CUSTOMER, "10 rules, 3 inputs, hit 8"),
        ("rate", "200,000", cases.PARCEL, "1,000 rules, 2 inputs, hit 651"),
        ("season", "200,000", cases.NIGHT, "1,000 rules, a text and a date, hit 651"),
    ):
        table, lookup = model.graph.nodes[f"bench#{id}"].evaluate, _lookup(values)
        rows.append((f"table of {size}", bar, partial(table, lookup, rt)))
        rows.append(("the same as a decision with its requirements", "", partial(model.evaluate, id, lookup, rt)))
    return rows


def _lookup(values: dict[str, object]) -> feel.Lookup:
    return lambda name: values.get(name, feel.MISSING)


def _compiled(text: str) -> object:
    """A text compiled as if it had never been seen: parsed, analysed, generated, checked."""
    node = parse_expression(text, (), BUILTIN_NAMES["camunda"])
    return feel.Expression(text, node, "camunda")


def _rate(work: Callable[[], object], seconds: float) -> float:
    """Calls a second of the process's CPU, the best of some rounds."""
    work()
    best, turns = 0.0, 1
    while best == 0.0 or turns < 1_000_000:
        spent = _spent(work, turns)
        if spent > seconds / ROUNDS / 2:
            best = turns / spent
            break
        turns *= 2
    return max(best, *(turns / _spent(work, turns) for _ in range(ROUNDS)))


def _spent(work: Callable[[], object], turns: int) -> float:
    begun = time.process_time()
    for _ in range(turns):
        work()
    return time.process_time() - begun


def _import_ms() -> float:
    """CPU of fresh processes, once Python's byte code is on the disk; the median of those without the import less."""

    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder

        def fresh(code: str) -> float:
            before = getrusage(RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            after = getrusage(RUSAGE_CHILDREN)
            return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000

        fresh("import procession.feel")
        imported = median(fresh("import procession.feel") for _ in range(15))
        return imported - median(fresh("pass") for _ in range(15))


def _python(text: str) -> str:
    module, constants = codegen.generate(parse_expression(text, (), BUILTIN_NAMES["camunda"]), "camunda")
    known = "".join(f"{name} = {value!r}\n" for name, value in constants.items())
    return known + ast.unparse(ast.fix_missing_locations(module))


def _feelin(folder: Path | None) -> None:
    node = shutil.which("node")
    if folder is None or node is None or not (folder / "node_modules" / "feelin").is_dir():
        _print("feelin did not run beside: it needs node, and --feelin with a folder where npm installed it.")
        return
    script = FEELIN % (json.dumps(cases.COMPARISON), json.dumps(cases.LOOP))
    command = [node, "--input-type=module", "--eval", script]
    rates = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()
    manifest = cast("dict[str, str]", json.loads((folder / "node_modules/feelin/package.json").read_text()))
    _print(f"feelin {manifest['version']} beside: comparison {int(rates[0]):,}/s, loop {int(rates[1]):,}/s (floats)")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
