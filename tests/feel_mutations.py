"""Texts that are nearly FEEL, and the run that allows FEEL's own errors and nothing else."""

from __future__ import annotations

from random import Random
from typing import Final

import feel_grammar
from procession import feel

PIECES: Final = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "..",
    "+",
    "-",
    "*",
    "/",
    "**",
    "=",
    "!=",
    "<",
    "<=",
    "->",
    "@",
    '"',
    "`",
    "?",
    "\\",
    "//",
    "/*",
    "*/",
    " ",
    "\n",
    "\x00",
    "\u2028",
    "\ufeff",
    "\ud800",
    "\U0001f40e",
    "1e999999",
    "9" * 40,
    "if ",
    " then ",
    " else ",
    "for ",
    " in ",
    " return ",
    "some ",
    " satisfies ",
    " between ",
    " and ",
    " or ",
    "function(",
    "external ",
    "and(",
    "or(",
    "instance of ",
    "list<",
    "date and time(",
    "not(",
    "null",
    "partial",
    "item",
)


def mutated(random: Random, text: str) -> str:
    """The text after a few random cuts, repetitions and insertions."""
    for _ in range(random.randrange(1, 6)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.randrange(8))
        piece = PIECES[random.randrange(len(PIECES))]
        match random.randrange(5):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:start] + piece + text[start:]
            case 2:
                text = text[:start] + piece + text[end:]
            case 3:
                text = text[:start] + text[start:end] * 3 + text[end:]
            case _:
                text = text[:end] + text[start:]
    return text


def run(text: str, budget: int = 20_000) -> None:
    """Compiles a text as an expression and as tests, evaluates and prints it."""
    variables = {**feel_grammar.VARIABLES, "?": 3}
    for compile_ in (feel.compile_expression, feel.compile_unary_tests):
        try:
            expression = compile_(text, names=variables, dialect="camunda")
        except feel.FeelSyntaxError as error:
            str(error)
            continue
        runtime = feel.Runtime(budget=budget)
        try:
            feel.to_json(expression.evaluate(variables, runtime))
        except feel.BudgetExceeded:
            continue
        feel.unparse(expression.node, names=variables)
        for note in runtime.notes:
            feel.hint(note, text, variables)
