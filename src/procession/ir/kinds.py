"""The closed sets of the IR. Numbers are stored in programs and facts: append only, never reuse."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """How the interpreter treats a node; `core.elements.table` has one row each."""

    PROCESS = 0
    START_EVENT = 1
    END_EVENT = 2
    INTERMEDIATE_THROW_EVENT = 3
    INTERMEDIATE_CATCH_EVENT = 4
    BOUNDARY_EVENT = 5
    TASK = 6
    """Undefined and manual tasks: entered and left at once."""
    JOB_TASK = 7
    """Service, send, script and business rule tasks whose work is a job."""
    SCRIPT_TASK = 8
    """A script task that is one pure expression."""
    DECISION_TASK = 9
    """A business rule task that calls a decision."""
    USER_TASK = 10
    RECEIVE_TASK = 11
    SUB_PROCESS = 12
    EVENT_SUB_PROCESS = 13
    CALL_ACTIVITY = 14
    EXCLUSIVE_GATEWAY = 15
    PARALLEL_GATEWAY = 16
    INCLUSIVE_GATEWAY = 17
    EVENT_BASED_GATEWAY = 18
    MULTI_INSTANCE = 19
    """The body around a multi-instance activity; its `inner` node is the activity itself."""
    TRIGGER = 20
    """One definition of an event that has several; its `attached` is the event."""
    COMPLEX_GATEWAY = 21
    LOOP = 22
    """The body around an activity with a standard loop; its `inner` node is the activity itself."""
    TRANSACTION = 30
    AD_HOC_SUB_PROCESS = 31
    AD_HOC_ACTIVATION = 32
    """One activation inside an ad-hoc sub-process, which has it as its `inner` node: the scope of what is activated and
    of all that follows it over sequence flows."""


class TimerKind(IntEnum):
    """Which of the three timer expressions of BPMN 2.0.2 10.5.5 a timer has."""

    DATE = 0
    DURATION = 1
    CYCLE = 2


class Binding(IntEnum):
    """How a called process, decision or form is chosen among its versions."""

    LATEST = 0
    DEPLOYMENT = 1
    VERSION_TAG = 2


class ListenerEvent(IntEnum):
    """When a listener's job runs, relative to its element or user task."""

    START = 0
    END = 1
    CREATING = 2
    ASSIGNING = 3
    UPDATING = 4
    COMPLETING = 5
    CANCELING = 6
