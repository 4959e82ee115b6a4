"""Replay: a state from its snapshot and the facts behind it. What is loaded is what was stored, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast, final

from procession.base.failure import ProcessionError, Unreadable
from procession.core.apply import apply_step
from procession.core.facts import InstanceStarted
from procession.core.flags import refusal
from procession.core.linked import Linked
from procession.core.snapshot import load
from procession.core.state import State
from procession.ir.program import Program
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import FactRow, SnapshotRow


@final
class Loaded:
    """A state as the store has it, its program, and how many bytes a further load would have to read."""

    __slots__ = ("bytes_facts", "bytes_snapshot", "linked", "state")

    def __init__(self, state: State, linked: Linked, bytes_facts: int, bytes_snapshot: int) -> None:
        self.state = state
        self.linked = linked
        self.bytes_facts = bytes_facts
        self.bytes_snapshot = bytes_snapshot


def load_instance(
    store: Reads, tenant: int, instance: int, program_of: Callable[[str], Linked], upto: int | None = None
) -> Loaded | None:
    """The instance, or None if it does not exist. `upto` gives the state after that step instead of the last.

    Raises `Unreadable` for what cannot be restored: damaged rows, or facts and flags of a newer version.
    """
    try:
        return _load(store, tenant, instance, program_of, upto)
    except Unreadable as error:
        raise Unreadable(f"instance {instance}: {error}") from error
    except ProcessionError:
        raise
    except Exception as error:  # damage that still decodes makes facts that nobody wrote, with any consequence
        text = f"instance {instance} cannot be restored from what is stored of it ({type(error).__name__}: {error})"
        raise Unreadable(text) from error


def _load(
    store: Reads, tenant: int, instance: int, program_of: Callable[[str], Linked], upto: int | None
) -> Loaded | None:
    state: State | None = None
    size = 0
    if upto is None:
        snapshots = store.read("snapshot", (tenant, instance), SnapshotRow)
        if snapshots:
            data = codec.unwrap(snapshots[0].data)
            state = load(data)
            size = len(data)
    rows = store.read("facts", (tenant, instance, state.seq if state is not None else 0), FactRow)
    if upto is not None:
        rows = [row for row in rows if row.seq <= upto]
    if state is None:
        if not rows:
            return None
        state = State()
        first = codec.decode_facts(rows[0].data)[0]
        linked = program_of(cast("InstanceStarted", first).program)
    else:
        linked = program_of(state.program)
    linked = replay(linked, state, rows, program_of)
    why = refusal(state.flags, linked.program)
    if why:
        raise Unreadable(f"it was {why}")
    return Loaded(state, linked, sum(len(row.data) for row in rows), size)


def replay(
    linked: Linked, state: State, rows: Iterable[FactRow], program_of: Callable[[str], Linked] | None = None
) -> Linked:
    """Applies stored steps in order; gives the program that the instance runs then, which a migration may have changed
    to another one of `program_of`. Raises `Unreadable` for a gap."""

    def program(hash: str) -> Program:
        if program_of is None:
            raise Unreadable(f"it was migrated to the program {hash}, which is not at hand")
        return program_of(hash).program

    for row in rows:
        if row.seq != state.seq + 1:
            raise Unreadable(f"step {state.seq + 1} is missing")
        apply_step(linked.program, state, codec.decode_facts(row.data), row.at, program)
        if program_of is not None and state.program != linked.hash:
            linked = program_of(state.program)
    return linked
