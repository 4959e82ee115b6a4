"""What the engine shows, as records for `--json` and as text. Keys are strings, times ISO 8601 in UTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import msgspec

from procession.base.values import Json
from procession.cli.console import Output, as_text

if TYPE_CHECKING:
    from procession import Engine, Instance
    from procession.services.histories import Entry, WarningView
    from procession.services.progress import Progress

KEYS: Final = frozenset(
    "key instance element parent root job deployment scope timer subscription message incident wait child "
    "parent_instance parent_element root_instance seed after source".split()
)
"""Fields that hold keys: 63 bits, which a number of JSON does not survive everywhere."""
TIMES: Final = frozenset({"at", "created", "due", "ended", "started"})
INTERNAL: Final = frozenset({"operation", "agenda"})
"""What the interpreter notes for itself."""
COLORS: Final = {"active": "green", "incident": "red", "completed": "", "terminated": "yellow"}
PICTURE_COLUMNS_MAX: Final = 110
WARNINGS_MAX: Final = 10


def record(view: msgspec.Struct) -> dict[str, object]:
    """A view of the engine as JSON: keys that point nowhere and times that are not are null."""
    return {name: _plain(name, getattr(view, name)) for name in view.__struct_fields__}


def moment(at: int) -> str:
    """Unix ms as ISO 8601 to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short(at: int) -> str:
    """Unix ms as a table shows it."""
    return moment(at)[:19].replace("T", " ")


def progress(engine: Engine, instance: Instance, tenant: str) -> Progress:
    """Where an instance is, on its model."""
    from procession.services.progress import progress_of

    return progress_of(engine.reader().views, tenant, instance.key)


def instance_record(instance: Instance, seen: Progress) -> dict[str, object]:
    """Everything about one instance but its history."""
    marks = seen.marks
    return {
        **record(instance.info),
        "variables": instance.variables,
        "tokens": marks.active,
        "completed": marks.completed,
        "taken": marks.taken,
        "incidents": [record(each) for each in instance.incidents],
        "tasks": [record(each) for each in instance.tasks],
        "jobs": [record(each) for each in instance.jobs],
        "warnings": [record(each) for each in seen.warnings],
        "waits": [{"element": element, "for": text} for element, text in seen.waits],
    }


def history_record(entry: Entry) -> dict[str, object]:
    """One fact, with its own fields."""
    fields = [name for name in entry.fact.__struct_fields__ if name not in INTERNAL]
    own = {name: _plain(name, getattr(entry.fact, name)) for name in fields}
    return {
        "seq": entry.seq,
        "at": moment(entry.at),
        "kind": entry.kind,
        "element_id": entry.element_id,
        "fact": own,
    }


def show_instance(instance: Instance, seen: Progress, output: Output) -> None:
    """An instance as text: what it is, its variables, and its tokens on the process."""
    from procession.services.diagram import outline

    info = instance.info
    output.text(f"instance {info.key} of {info.process_id} version {info.version}: {info.state}", COLORS[info.state])
    times = [f"started {short(info.started)}", f"ended {short(info.ended)}" if info.ended else ""]
    names = [f"business key {info.business_key}" if info.business_key else "", _called_by(info.parent)]
    output.text(" · ".join(part for part in (*times, *names) if part), "dim")
    if info.suspended:
        output.text("suspended: it stands still until it is resumed", "yellow")
    if info.failure:
        output.text(f"stopped by a fault of the engine: {info.failure}", "bold red")
    output.text()
    show_variables(instance.variables, output)
    width = min(output.console.width, PICTURE_COLUMNS_MAX)
    output.picture(outline(seen.definitions, seen.marks, process_id=seen.process_id, width=width))
    show_warnings(seen.warnings, output)


def show_warnings(warnings: Sequence[WarningView], output: Output) -> None:
    """What expressions had to say: equal ones are counted, and no terminal is filled with them."""
    counted = Counter((each.element_id, each.attribute, each.expression, each.message) for each in warnings)
    if not counted:
        return
    output.text()
    for (element, attribute, expression, message), count in list(counted.items())[:WARNINGS_MAX]:
        what = f"{attribute} `{expression}`" if attribute else "a decision"
        times = f" ({count} times)" if count > 1 else ""
        output.text(f"warning at {element}, {what}: {message}{times}", "yellow")
    if len(counted) > WARNINGS_MAX:
        output.text(f"and {len(counted) - WARNINGS_MAX} more warnings: --json shows all", "yellow")


def show_variables(variables: Mapping[str, Json], output: Output) -> None:
    """Variables as `name  value`, in the order of their names."""
    if not variables:
        return
    width = max(map(len, variables))
    for name in sorted(variables):
        output.text(f"{name:<{width}}  {as_text(variables[name])}")
    output.text()


def show_history(entries: list[Entry], output: Output) -> None:
    """Facts as a table."""
    rows: list[tuple[object, ...]] = []
    for entry in entries:
        details = [
            f"{name}={as_text(value)}"
            for name in entry.fact.__struct_fields__
            if name not in _SILENT and (value := getattr(entry.fact, name)) not in _NOTHING
        ]
        rows.append((entry.seq, short(entry.at), entry.kind, entry.element_id, " ".join(details)))
    output.table(("step", "at", "fact", "element", ""), rows, "no facts")


_SILENT: Final = frozenset(
    "element node scope token flow root program seed epoch flags tz_release zone root_instance start_node operation "
    "agenda".split()
)
"""Fields that say nothing to people, or that stand in a column of their own."""
_NOTHING: Final[tuple[object, ...]] = (0, "", None, -1, {}, [])


def _called_by(parent: int) -> str:
    return f"called by {parent}" if parent else ""


def _plain(name: str, value: object) -> object:
    if name in KEYS and isinstance(value, int):
        return str(value) if value else None
    if name in TIMES and isinstance(value, int):
        return moment(value) if value else None
    return cast("object", msgspec.to_builtins(value)) if isinstance(value, msgspec.Struct) else value
