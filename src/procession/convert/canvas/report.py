"""What became of each option of a canvas and of its tasks: the table, and the rows. Nothing is left out silently."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, final

import msgspec

Outcome: TypeAlias = Literal["mapped", "changed", "kept", "needs-work"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "mapped": "the process says the same",
    "changed": "the process says it with another meaning, which the note tells",
    "kept": "it stays in the code, for the same task still runs",
    "needs-work": "the process does not say it; the note tells what to do",
}


@final
class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One option or part: of which canvas ('' for a task), where in it, what it said, and what became of it.

    `target` is what says it in the process, '' for nothing; `line` counts from 1 and is 0 where it is not known.
    """

    canvas: str
    line: int = 0
    part: str
    attribute: str
    value: str = ""
    outcome: Outcome
    target: str = ""
    note: str = ""


class _Fate(NamedTuple):
    outcome: Outcome
    note: str


_IDS: Final = _Fate(
    "changed", "the host makes the ids of messages: those of jobs; an instance has a key, and may have a business key"
)
_ROUTING: Final = _Fate(
    "needs-work", "the host routes: CeleryHost(queues=...), or task_routes of the app for this task"
)
_OF_MESSAGE: Final = _Fate(
    "needs-work", "the host makes the message: say it in the task's decorator, or in the app's settings"
)
_LIMIT: Final = _Fate("needs-work", "say it in the task's decorator: there it holds for jobs too")
_CODE: Final = _Fate("kept", "the task has it, and the same task runs")
_SENT: Final = _Fate("kept", "the task has it, and the host sends the task with it where its process knows the task")

OF_SIGNATURES: Final[dict[str, _Fate]] = {
    **dict.fromkeys(("queue", "routing_key", "exchange", "exchange_type"), _ROUTING),
    **dict.fromkeys(("task_id", "root_id", "parent_id", "group_id", "chord_size", "reply_to"), _IDS),
    **dict.fromkeys(("serializer", "compression", "headers", "shadow", "priority", "delivery_mode"), _OF_MESSAGE),
    **dict.fromkeys(("time_limit", "soft_time_limit"), _LIMIT),
    "expires": _Fate("needs-work", "a job does not expire: draw an interrupting timer event at the border of the task"),
    "link_error": _Fate(
        "needs-work",
        "a job that fails becomes an incident, which somebody resolves: raise BpmnError in the task's code, and draw "
        "an error event at the border of the task that leads to what this does",
    ),
    "ignore_result": _Fate("changed", "the result is a variable of the process, whatever this says"),
    "retry": _Fate("changed", "what the broker does not take is sent again by the sweeper"),
    "retry_policy": _Fate("changed", "what the broker does not take is sent again by the sweeper"),
    "countdown": _Fate(
        "needs-work", "its value is computed: make it a variable, and draw a timer event before the task"
    ),
    "eta": _Fate("needs-work", "its value is computed: make it a variable, and draw a timer event before the task"),
    "stamped_headers": _Fate("needs-work", "stamps are not sent: an instance has variables, and its history"),
    "use_link": _Fate("changed", "steps follow each other in the process, not in messages"),
    "interval": _Fate("changed", "nothing asks for the results of a header: the gateway waits for them"),
    "max_retries": _Fate("changed", "nothing asks for the results of a header: the gateway waits for them"),
}
"""Of what a signature says. Any other one needs somebody to look."""

OF_TASKS: Final[dict[str, _Fate]] = {
    **dict.fromkeys(
        (
            "max_retries", "default_retry_delay", "autoretry_for", "dont_autoretry_for", "retry_backoff",
            "retry_backoff_max", "retry_jitter", "retry_kwargs", "rate_limit", "time_limit", "soft_time_limit", "bind",
            "throws", "track_started", "acks_on_failure_or_timeout", "reject_on_worker_lost", "send_events",
            "store_errors_even_if_ignored", "typing", "trail", "base", "pydantic",
        ),
        _CODE,
    ),
    **dict.fromkeys(("queue", "routing_key", "exchange", "priority", "serializer", "compression"), _SENT),
    "acks_late": _Fate("kept", "without it a job whose worker dies is done again too: after `lost` seconds"),
    "expires": _Fate("needs-work", "a job does not expire: remove it, and draw an interrupting timer at the task"),
    "ignore_result": _Fate("changed", "the result is a variable of the process, whatever this says"),
    "replace": _Fate(
        "needs-work",
        "self.replace and self.add_to_chord change a canvas while it runs: draw all ways, and choose with a gateway",
    ),
}  # fmt: skip
"""Of what a task's decorator says."""

_UNKNOWN: Final = _Fate("needs-work", "no table knows it: look whether the process needs it")


@final
class Rows:
    """Collects the rows of one canvas, in the order of its parts."""

    __slots__ = ("_canvas", "_line", "found")

    def __init__(self, canvas: str, line: int = 0) -> None:
        self._canvas = canvas
        self._line = line
        self.found: list[Row] = []

    def tell(
        self, part: str, attribute: str, outcome: Outcome, note: str = "", *, value: str = "", target: str = ""
    ) -> None:
        """One row."""
        row = Row(
            canvas=self._canvas,
            line=self._line,
            part=part,
            attribute=attribute,
            value=value,
            outcome=outcome,
            target=target,
            note=note,
        )
        if row not in self.found:
            self.found.append(row)

    def of_signature(self, part: str, options: dict[str, str]) -> None:
        """The rows of what a signature says."""
        self._of_table(OF_SIGNATURES, part, options)

    def of_task(self, part: str, options: dict[str, str], *, replaces: bool) -> None:
        """The rows of what a task's decorator says."""
        self._of_table(OF_TASKS, part, options | ({"replace": ""} if replaces else {}))

    def _of_table(self, table: dict[str, _Fate], part: str, options: dict[str, str]) -> None:
        for name, value in options.items():
            fate = table.get(name, _UNKNOWN)
            self.tell(part, name, fate.outcome, fate.note, value=value)
