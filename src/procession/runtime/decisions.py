"""Decision documents as a host uses them: read together, compiled once, decided by the hash of their bytes.

The rooms `parse` and `dmn` do not know each other; they meet here. What must not live here: versions and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Final, cast, final

import msgspec

from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import Failure
from procession.base.values import Json, checked_all
from procession.core.linked import Decide, Decided, Environment, Lookup, Undecided, Unfinished
from procession.runtime.decision_record import failed_in, recorded
from procession.runtime.link import refuse_failed_assertions

if TYPE_CHECKING:
    from procession.dmn import CompiledDecisions
    from procession.model.dmn import Decisions

_TOGETHER: Final = b"procession-decisions-1"
DOCUMENTS_MAX: Final = 256
"""Compiled documents that one host keeps; the one compiled first goes first."""


@final
class ReadDecisions(msgspec.Struct, frozen=True):
    """A DMN document among others: its decisions (None if something is an error), and all that is wrong with it.

    `program` is what it is decided by: its bytes, with those of the documents that it imports (`decision_bytes`).
    """

    document: Decisions | None
    decisions: CompiledDecisions | None
    found: list[Diagnostic]
    program: bytes


def read_together(resources: Sequence[tuple[str, bytes]]) -> list[ReadDecisions]:
    """Reads DMN documents, (name, bytes), that may import each other. The result is in the order given."""
    from procession.dmn.imports import compile_together
    from procession.parse import parse_dmn

    parsed = [parse_dmn(data, name) for name, data in resources]
    present = [at for at, (document, _) in enumerate(parsed) if document is not None]
    documents = [document for document, _ in parsed if document is not None]
    together = dict(zip(present, compile_together(documents), strict=True))
    result: list[ReadDecisions] = []
    for at, (document, found) in enumerate(parsed):
        compiled = together.get(at)
        if compiled is None:
            result.append(ReadDecisions(None, None, found, resources[at][1]))
            continue
        refused = any(diagnostic.severity == "error" for diagnostic in found)
        program = decision_bytes([resources[present[each]][1] for each in compiled.closure])
        decisions = None if refused else compiled.decisions
        result.append(ReadDecisions(document, decisions, [*found, *compiled.found], program))
    return result


def decision_bytes(documents: Sequence[bytes]) -> bytes:
    """The canonical bytes of a document, which comes last, with those that it imports before it.

    A document that imports nothing is itself, so that its hash is its digest. Others begin with a line of lengths,
    which no XML does.
    """
    if len(documents) == 1:
        return documents[0]
    return b" ".join([_TOGETHER, *[b"%d" % len(each) for each in documents]]) + b"\n" + b"".join(documents)


def documents_of(data: bytes) -> list[bytes]:
    """The documents of `decision_bytes`. Damaged bytes are one document, which whoever reads it refuses."""
    line, _, rest = data.partition(b"\n") if data.startswith(_TOGETHER) else (b"", b"", b"")
    lengths = [int(each) for each in line.split()[1:] if each.isdigit()]
    if not lengths or sum(lengths) != len(rest):
        return [data]
    ends = list(accumulate(lengths))
    return [rest[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def load_decisions(data: bytes, file: str = "") -> CompiledDecisions:
    """The decisions of a DMN document with what it imports (`decision_bytes`). Raises `Refused` with every finding."""
    read = read_together([(file, each) for each in documents_of(data)])
    decisions = read[-1].decisions
    if decisions is None:
        raise Refused([found for each in read for found in each.found])
    return decisions


def decide(data: bytes, decision: str, variables: Mapping[str, object] | None = None) -> Json:
    """The result of one decision of a DMN document, for trying it out.

    Raises `Refused` for the document, `BadValue` for the variables, `DecisionError` for the decision.
    """
    from procession import feel

    values = checked_all(variables)
    return feel.to_json(load_decisions(data).evaluate(decision, lambda name: values.get(name, feel.MISSING)))


def decide_by_hash(load: Callable[[str], bytes]) -> Decide:
    """What a linked program calls for decisions. `load` gives the document of a hash; each is compiled once.

    The result raises `Undecided` where the decision has no result.
    """
    compiled: dict[str, CompiledDecisions] = {}

    def found(hash: str) -> CompiledDecisions:
        known = compiled.get(hash)
        if known is None:
            if len(compiled) >= DOCUMENTS_MAX:
                del compiled[next(iter(compiled))]
            known = compiled[hash] = load_decisions(load(hash))
        return known

    def evaluate(hash: str, decision: str, lookup: Lookup, environment: Environment) -> Decided:
        from procession import feel
        from procession.dmn import DecisionError

        known = len(environment.notes)
        rt = cast("feel.Runtime", environment)
        trail = rt.trail = []
        try:
            value = feel.to_json(found(hash).evaluate(decision, lookup, rt))
            refuse_failed_assertions(environment, known, repr(decision), "decision")
            return Decided(value, *recorded(trail))
        except Failure as failure:
            did = Unfinished(decision, *recorded(trail), failed_in(trail), "assert")
            raise Undecided("decision", failure.message, did) from None
        except (DecisionError, feel.BudgetExceeded, Refused) as error:
            code = error.code if isinstance(error, DecisionError) else _REASONS[type(error).__name__]
            did = Unfinished(decision, *recorded(trail), failed_in(trail), code)
            raise Undecided("decision", f"{decision!r}: {error}", did) from None
        finally:
            rt.trail = None

    return evaluate


_REASONS: Final = {"BudgetExceeded": "budget", "Refused": "document"}
"""Why there is no result, where the error has no code: by name, for nobody imports FEEL who decides nothing."""
