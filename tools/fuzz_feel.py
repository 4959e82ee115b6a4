"""Throws texts at FEEL: `python tools/fuzz_feel.py --seeds 100000 [--first 0]`, `--oracle` instead of `--seeds` to hold
values against the oracle's, or `--atheris [libFuzzer's options]` by coverage.

It ends with an exception at the first text that makes FEEL do anything but give a value, a syntax error or a spent
budget, and prints the text. Atheris is no dependency: `pip install atheris` into the environment to use it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "unit" / "feel")]


def by_seed(seeds: int, first: int) -> None:
    """Expressions from the grammar, as they are and mutated, one for each seed."""
    grammar, mutations = import_module("feel_grammar"), import_module("feel_mutations")
    for seed in range(first, first + seeds):
        random = Random(seed)
        text = grammar.expression(random, depth=2 + seed % 3)
        for candidate in (text, mutations.mutated(random, text)):
            _run(mutations, candidate)
    print(f"{2 * seeds} texts: values, syntax errors and spent budgets only")


def by_oracle(seeds: int, first: int) -> None:
    """Expressions from the grammar, one for each seed: the compiler and the oracle must agree. Prints what differs."""
    grammar, oracle = import_module("feel_grammar"), import_module("test_feel_oracle")
    found = 0
    for seed in range(first, first + seeds):
        try:
            oracle.check(grammar.expression(Random(seed), depth=2 + seed % 3, wrong=0.01 * (seed % 4)))
        except AssertionError as error:
            found += 1
            print(f"seed {seed}: {error}")
    print(f"{seeds} expressions: {found} disagreements")


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
        options = dict(zip(sys.argv[1::2], map(int, sys.argv[2::2]), strict=True))
        first = options.get("--first", 0)
        if "--oracle" in options:
            by_oracle(options["--oracle"], first)
        else:
            by_seed(options.get("--seeds", 10_000), first)
