"""Declarations for editors of scripts: the variables of models, and the modules beside a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from procession.base.failure import BadValue
from procession.base.script_job import TARGET
from procession.base.values import Json
from procession.feel.compiler import compile_expression
from procession.feel.errors import FeelSyntaxError
from procession.ir.program import Node, Program
from procession.scripts.modules import prepared
from procession.scripts.prepared import Prepared
from procession.scripts.types import ANY, Type, declarations, of_sample
from procession.services.script_files import modules_in


def declared(programs: Iterable[Program], sample: Json, folder: Path | None) -> str:
    """The text of a `.d.ts`. What `sample`, a JSON object, shows of a variable is its type; the other variables that a
    model writes or reads may be anything, and may be missing."""
    if sample is not None and not isinstance(sample, dict):
        raise BadValue("a sample is a JSON object of variables")
    shown: Mapping[str, Json] = sample or {}
    known: dict[str, Type] = {name: of_sample(value) for name, value in shown.items()}
    for program in programs:
        for name in sorted(_names(program) - known.keys()):
            known[name] = Type(ANY.basic, optional=True)
    return declarations(known, _modules(folder) if folder is not None else ())


def _names(program: Program) -> set[str]:
    """The variables that a program writes, and those that its expressions read."""
    found = {name for node in program.nodes for name in _written(node)}
    for each in program.expressions:
        try:
            found.update(compile_expression(each.text).variables if each.language == "feel" else ())
        except FeelSyntaxError:
            continue  # deployment says so; here it only reads nothing
    return {name for name in found if name}


def _written(node: Node) -> Iterable[str]:
    for mapping in (*node.inputs, *node.outputs):
        yield mapping.target[0]
    for job in (node.job, *(each.job for each in node.listeners)):
        yield job.headers.get(TARGET, "") if job is not None else ""
    for result in (node.script, node.decision):
        yield result.result if result is not None else ""
    if node.loop is not None:
        yield node.loop.item_name
        yield node.loop.output_name


def _modules(folder: Path) -> list[Prepared]:
    """The modules of a folder, by name; its tests are none."""
    found: list[Prepared] = []
    for path in modules_in(folder):
        read = prepared(path.read_text(encoding="utf-8"), path.stem, typescript=path.suffix == ".ts")
        if read.kind == "module":
            found.append(read)
    return found
