"""The golden histories as tests read them. `record.py` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from procession.core.facts import AnyFact, InstanceMigrated, InstanceStarted
from procession.hosts.temporal.histories import ByHash, Kept, files, read
from procession.ir.program import Program
from procession.runtime import codec
from procession.runtime.elsewhere import Step

HISTORIES: Final = Path(__file__).parent / "histories"
FILES: Final = files(HISTORIES)


@cache
def golden(path: Path) -> tuple[ByHash, list[Kept]]:
    """A file's programs and histories."""
    library, histories = read(path)
    return library, list(histories)


def facts_of(step: Step) -> list[AnyFact]:
    """A step's facts."""
    return codec.decode_facts(codec.wrap(bytes(step.facts)))


def made_by() -> Iterator[tuple[Program, AnyFact]]:
    """Every fact of every history, with the program of its instance then."""
    for path in FILES:
        library, histories = golden(path)
        programs: dict[int, Program] = {}
        for kept in histories:
            for instance, steps in (kept.facts or {}).items():
                for fact in (fact for step in steps for fact in facts_of(step)):
                    if isinstance(fact, InstanceStarted | InstanceMigrated):
                        programs[instance] = library.linked("", fact.program).program
                    # A run that goes on has its program from the one before it.
                    yield programs[instance], fact
