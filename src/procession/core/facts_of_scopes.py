"""Facts of compensation, transactions and ad-hoc sub-processes; a part of `core.facts`, which is what is imported."""

from __future__ import annotations

from procession.base.values import Json
from procession.core.fact import Fact


class CompletionKept(Fact, frozen=True, array_like=True, gc=False, tag="kept"):
    """The element instance is about to end and can be compensated: its scope keeps it, with the variables that it had.

    What a multi-instance body or an activation kept goes to the scope around it.
    """

    element: int


class CompensationOpened(Fact, frozen=True, array_like=True, gc=False, tag="undo-opened"):
    """A compensation that nobody waits for goes on beside the event `node` that threw it, as an element of its own."""

    element: int
    node: int
    scope: int


class CompensationStarted(Fact, frozen=True, array_like=True, gc=False, tag="undo"):
    """`element` has completed activities undone, one after the other, the last entry first.

    An entry is [scope, completed element instance], or [0, node] for a handler of the element itself.
    """

    element: int
    entries: list[list[int]]


class CompensationEntered(Fact, frozen=True, array_like=True, gc=False, tag="undo-enter"):
    """`element` undoes what `coordinator` wanted undone: a handler, or the completed scope itself, opened again with
    the variables that it had. `completed` is the element instance that is undone; 0 for a handler of the coordinator.
    """

    element: int
    node: int
    scope: int
    coordinator: int
    completed: int = 0


class TransactionCancelled(Fact, frozen=True, array_like=True, gc=False, tag="tx-cancelled"):
    """All inside a transaction has ended by a cancel end event; its completed activities are undone next."""

    element: int


class ActivitiesChosen(Fact, frozen=True, array_like=True, gc=False, tag="chosen"):
    """Activities of an ad-hoc sub-process to begin: each entry is [[node, ...], variables], one activation."""

    element: int
    chosen: list[Json]


class ActivationEntered(Fact, frozen=True, array_like=True, gc=False, tag="activation"):
    """The first of the chosen activations of the ad-hoc sub-process `scope` begins."""

    element: int
    node: int
    scope: int


class ActivationsClosed(Fact, frozen=True, array_like=True, gc=False, tag="activations-closed"):
    """Nothing begins any more in an ad-hoc sub-process: it ends with what is active in it."""

    element: int


class OutputAppended(Fact, frozen=True, array_like=True, gc=False, tag="output"):
    """An activation is done: its output is the last item of the variable `name` of the ad-hoc sub-process."""

    element: int
    name: str
    value: Json
