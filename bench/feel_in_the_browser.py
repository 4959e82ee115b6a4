"""Two ways to bring FEEL to a page: programs of JSON that are interpreted, and JavaScript made of the same trees.

`python -m bench.feel_in_the_browser`, after `npm ci` in clients/player. The form is the first section of the table of
tests/unit/feel/browser_cases.json: about 100 conditions, validations and texts, what a form of 40 fields has.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from procession import feel
from procession.feel.javascript import Program, subset

ROOT: Final = Path(__file__).resolve().parents[1]
PLAYER: Final = ROOT / "clients" / "player"
TABLE: Final = ROOT / "tests" / "unit" / "feel" / "browser_cases.json"


def main() -> None:
    """Prints sizes and times."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    texts = [text for text, _ in table["conditions of forms"]]
    programs: list[Program] = []
    for text in texts:
        program = subset(feel.compile_expression(text))
        assert not isinstance(program, tuple), text
        programs.append(program)
    code = f"export default[{','.join(f'(F,s)=>{written(program)}' for program in programs)}];"
    print(f"{len(texts)} expressions")
    for name, made in (("FEEL", json.dumps(texts)), ("programs", _json(programs)), ("JavaScript", code)):
        print(f"{name}: {len(made.encode())} bytes, {len(gzip.compress(made.encode(), 9))} gzip")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "programs.json").write_text(_json([programs, table["context"]]), encoding="utf-8")
        (place / "code.mjs").write_text(code, encoding="utf-8")
        _bundle(PLAYER / "src" / "feel" / "index.ts", place / "feel.js")
        _bundle(PLAYER / "test" / "speed.ts", place / "speed.mjs", "--platform=node")
        runtime = (place / "feel.js").read_bytes()
        print(f"runtime: {len(runtime)} bytes, {len(gzip.compress(runtime, 9))} gzip")
        for _ in range(3):
            command = ["node", str(place / "speed.mjs"), str(place / "programs.json"), str(place / "code.mjs")]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bundle(source: Path, target: Path, *options: str) -> None:
    program = PLAYER / "node_modules" / ".bin" / "esbuild"
    fixed = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"]
    subprocess.run([str(program), str(source), *fixed, f"--outfile={target}", *options], check=True)


def written(program: Program) -> str:
    """A program as JavaScript over `F`; what may not be evaluated, or more than once, is a function of the scope."""
    if not isinstance(program, list):
        return _json(program)
    row, *items = program
    return _WRITTEN.get(row, _operator)(row, items)


def _all(items: list[Program]) -> str:
    return ",".join(map(written, items))


def _later(items: list[Program]) -> str:
    return ",".join(f"s=>{_bare(item)}" for item in items)


def _bare(item: Program) -> str:
    text = written(item)
    return f"({text})" if text.startswith("{") else text


def _operator(row: str, items: list[Any]) -> str:
    first, *rest = items
    text = written(first)
    for item in rest:
        text = f"F[{_json(row)}]({text},{written(item)})"
    return text


def _tests(items: list[Any]) -> str:
    tests = ",".join(f"[{_json(operator)},{written(operand)}]" for operator, operand in items[1:])
    return f"F.test({written(items[0])},{tests})"


def _context(items: list[Any]) -> str:
    pairs = zip(items[::2], items[1::2], strict=True)
    return f"F.context({','.join(f'[{_json(key)},{written(value)}]' for key, value in pairs)})"


def _loop(function: str, more: str = "") -> Callable[[str, list[Any]], str]:
    def loop(row: str, items: list[Any]) -> str:
        del row
        ((name, domain),), body = items
        return f"F.{function}({_json(name)},{written(domain)},s,s=>{_bare(body)}{more})"

    return loop


_WRITTEN: Final[dict[str, Callable[[str, list[Any]], str]]] = {
    "v": lambda _, items: f"F.v({_json(items[0])},s)",
    "#": lambda _, items: f"F.n({_json(items[0])})",
    "@": lambda _, items: f"F.d({_json(items[0])})",
    "l": lambda _, items: f"[{_all(items)}]",
    "f": lambda _, items: f"F.f({_json(items[0])},[{_all(items[1:])}])",
    "x": lambda _, items: f"F.x({_json(items[0])},{written(items[1])},{_json(_json(items[2]))})",
    ".": lambda _, items: f"F.path({written(items[0])},{_json(items[1])})",
    "]": lambda _, items: f"F.at({_all(items)})",
    "[": lambda _, items: f"F.filter({written(items[0])},s,{_later(items[1:])})",
    "r": lambda _, items: f"F.range({_all(items)},'')",
    "w": lambda _, items: f"F.between({_all(items)})",
    "~": lambda _, items: f"F.negate({_all(items)})",
    "is": lambda _, items: f"F.is({written(items[0])},{_json(items[1])})",
    "&": lambda _, items: f"F.and(s,{_later(items)})",
    "|": lambda _, items: f"F.or(s,{_later(items)})",
    "?": lambda _, items: f"({written(items[0])}===true?{written(items[1])}:{written(items[2])})",
    "in": lambda _, items: _tests(items),
    "{": lambda _, items: _context(items),
    "fn": lambda _, items: f"F.fn({_json(items[0])},s,s=>{_bare(items[1])})",
    "for": _loop("each"),
    "some": _loop("any", ",true"),
    "every": _loop("any", ",false"),
}

if __name__ == "__main__":
    main()
