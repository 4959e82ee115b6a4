"""An app whose canvases are run by Celery itself and as processes: same tasks, same results, same calls.

Each call writes a line to the file EFFECTS: whether a process made it, the task, and what it was given.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from celery import Celery, chain, chord, current_task, group

from procession.hosts.celery import CeleryHost

EFFECTS: Final = Path(os.environ.get("SHOP_EFFECTS", os.devnull))
BROKER: Final = os.environ.get("SHOP_BROKER", "memory://")
app = Celery("canvases", broker=BROKER, backend=BROKER.replace("/0", "/1") if "/0" in BROKER else "cache+memory://")
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.05},
    task_default_queue=os.environ.get("SHOP_QUEUE", "canvases"),
)
# Nothing is lost here: a job that is sent again while the worker still starts would be a call more.
host = CeleryHost(app, os.environ.get("SHOP_STORE", ":memory:"), lost=300, sweep=0.5)


def called(task: str, **given: Any) -> None:
    """Writes down a call."""
    by = "process" if str(current_task.request.id).startswith("procession-") else "celery"
    with EFFECTS.open("a") as file:
        file.write(f"{by} {task} {json.dumps(given, sort_keys=True)}\n")


@app.task
def add(x: float, y: float) -> float:
    """A sum."""
    called("add", x=x, y=y)
    return x + y


@app.task(rate_limit="100/s", time_limit=30)
def mul(x: float, y: float) -> float:
    """A product."""
    called("mul", x=x, y=y)
    return x * y


@app.task
def total(numbers: list[float]) -> float:
    """The sum of a list."""
    called("total", numbers=sorted(numbers))
    return sum(numbers)


@app.task
def listing(values: list[Any], mark: Any = None) -> dict[str, Any]:
    """What it was given, in its order."""
    called("listing", values=values, mark=mark)
    return {"values": values, "mark": mark}


@app.task(bind=True, max_retries=5)
def tally(self: Any, value: Any, step: int = 1) -> Any:
    """One that has its own request; it fails once where its value is 13."""
    called("tally", value=value, step=step)
    if value == 13 and not self.request.retries:
        raise self.retry(countdown=0)
    return [value, step]


@app.task
def nothing(value: Any) -> None:
    """One that returns nothing."""
    called("nothing", value=value)


@app.task
def shout(text: str, *, times: int = 1) -> str:
    """One with a parameter that is given by name alone."""
    called("shout", text=text, times=times)
    return text.upper() * times


@app.task
def usual(x: int = 1) -> int:
    """One that needs nothing."""
    called("usual", x=x)
    return x


@app.task
def trace(before: Any, name: int) -> list[Any]:
    """What it was given becomes a part of what it gives."""
    return [name, before]


@app.task
def collected(*values: Any, **named: Any) -> None:
    """One that no job can call by position."""
    called("collected", values=values, named=named)


three = add.s(1, 2) | mul.s(3) | add.s(4.5)
side_by_side = group(add.s(1, 2), mul.s(3, 4), shout.s("a", times=2))
over_a_list = chord([add.s(i, i) for i in range(4)], total.s())
fan_out_and_in = chain(add.s(1, 1), group(mul.s(2), mul.s(3), add.s(10)), total.s(), tally.s(step=2))
groups_in_a_row = chain(
    group(chain(add.s(1, 2), mul.s(2)), add.s(5, 5)), group(listing.s(1), listing.s(2)), listing.s()
)
immutable = chain(add.s(1, 2), nothing.si(9), shout.si("x"))
nothing_is_given_on = nothing.s(1) | tally.s(step=0)
odd_texts = listing.s(['q"\\', "ü\n\t", None, True, {"a b": [-1.5, {}]}], mark={"é": []}) | tally.s()
group_of_one_in_a_chain = chain(add.s(1, 1), group(mul.s(5)), tally.s())
chord_of_one = chord([add.s(2, 2)], listing.s())
group_alone = group(add.s(2, 3))
groups_in_groups = chain(
    group(add.s(1, 0), group(add.s(2, 0), group(add.s(3, 0), add.s(4, 0)), add.s(5, 0)), add.s(6, 0)), listing.s()
)
groups_in_a_group = group(add.s(1, 0), group(add.s(2, 0), group(add.s(3, 0), add.s(4, 0))))
chord_in_chord = chord([chord([add.s(1, 1), add.s(2, 2)], total.s()), chain(add.s(3, 3), mul.s(2))], listing.s())
group_as_body = chord([add.s(1, 1), add.s(2, 2)], group(listing.s(1), listing.s(2)))
many_in_a_header = chord([chain(add.s(1, 1), group(mul.s(2), mul.s(3))), add.s(7, 0)], listing.s())
pipe_of_a_chord = chord([add.s(1, 1), add.s(2, 2)], total.s()) | mul.s(3) | group(add.s(1), add.s(2)) | listing.s()
mapped = tally.map([1, 2, 3])
starmapped = add.starmap([(1, 2), (3, 4)])
chunked = add.chunks([(1, 2), (3, 4), (5, 6)], 2)
delayed = chain(add.s(1, 2), mul.s(2).set(countdown=1))
callbacks: Any = [tally.s(7), shout.si("then")]
linked = chain(add.s(1, 2).set(link=callbacks), mul.s(2))
retried = chain(add.s(6, 7), tally.s(), listing.s())
partial = chain(add.s(4), mul.s(8))
partial_group = group(add.s(4), mul.s(8)) | listing.s()
says_more = chain(add.s(1, 2).set(priority=3, headers={"trace": "1"}), mul.s(2).set(expires=60))


def for_each(xs: list[int], plus: int) -> Any:
    """A chord over what it is given."""
    return chord([add.s(x, plus) for x in xs])(total.s())


def swapped(x: int, y: int) -> Any:
    """What a task takes has the names of the function's own parameters, the other way round."""
    return chain(add.s(y * 2, x), mul.s(y)).apply_async()


def filled(orders: list[dict[str, Any]], mark: str = "m") -> Any:
    """A list that a loop fills; parts of dicts; a local value."""
    label = mark
    steps = [add.s(100, 1)]
    for order in orders:
        steps.append(add.s(order["price"], order["fee"]) | mul.s(2))
    work = group(steps) | listing.s(mark=label)
    return work.delay()


def ignores(x: int) -> Any:
    """A task with a parameter of the name of a variable, which it is not given."""
    return chain(usual.s(), listing.s(mark=x)).delay()


def parts(rows: list[list[int]], size: int) -> Any:
    """Chunks of a list of which nobody knows the length."""
    return add.chunks(rows, size).group().apply_async()


if os.environ.get("CANVASES_SAY"):
    sys.stdout.write("this is said at import\n")
    sys.stdout.flush()
