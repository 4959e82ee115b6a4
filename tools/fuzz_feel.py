"""Throws texts at FEEL: `python tools/fuzz_feel.py --seeds 100000`, or `--atheris [libFuzzer's options]` by coverage.

It ends with an exception at the first text that makes FEEL do anything but give a value, a syntax error or a spent
budget, and prints the text. Atheris is no dependency: `pip install atheris` into the environment to use it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def by_seed(seeds: int) -> None:
    """Expressions from the grammar, as they are and mutated, one for each seed."""
    grammar, mutations = import_module("feel_grammar"), import_module("feel_mutations")
    for seed in range(seeds):
        random = Random(seed)
        text = grammar.expression(random, depth=2 + seed % 3)
        for candidate in (text, mutations.mutated(random, text)):
            _run(mutations, candidate)
    print(f"{2 * seeds} texts: values, syntax errors and spent budgets only")


def by_coverage(options: list[str]) -> None:
    """Bytes that Atheris makes up, as UTF-8."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["procession.feel"]):
        mutations = import_module("feel_mutations")

    def one(data: bytes) -> None:
        _run(mutations, data.decode("utf-8", "surrogateescape")[:400])

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def _run(mutations: Any, text: str) -> None:
    try:
        mutations.run(text)
    except BaseException:
        print(f"the text was {text!r}", file=sys.stderr)
        raise


if __name__ == "__main__":
    if sys.argv[1:2] == ["--atheris"]:
        by_coverage(sys.argv[2:])
    else:
        by_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
