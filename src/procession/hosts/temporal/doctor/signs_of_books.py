"""Signs of the book: what the engine's store says, alone or against the workflow; what a process waits for. Pure."""

from __future__ import annotations

from procession.hosts.temporal.doctor.facts import Facts, Wait, Waiting, WaitKind
from procession.hosts.temporal.doctor.signs import (
    HELD_MS,
    OUTBOX_MS,
    PATIENCE_MS,
    Found,
    Sign,
    ago,
    moment,
    runs,
    span,
)


def behind(facts: Facts) -> bool:
    """Whether the workflow is somewhere else than the book says, or has completed and the book does not know."""
    book, execution = facts.book, facts.execution
    if book is None or execution is None or book.state != "active" or not book.host:
        return False
    if execution.status == "COMPLETED":
        return True
    return facts.tokens is not None and facts.tokens != book.tokens


def incidents(facts: Facts) -> Found:
    """The business stopped it."""
    for each in facts.book.incidents if facts.book is not None else []:
        yield {
            "key": each.key, "element": each.element, "code": each.code, "text": each.message,
            "since": ago(facts, each.at),
        }  # fmt: skip


def suspended(facts: Facts) -> Found:
    """Somebody suspended the instance."""
    if facts.book is not None and facts.book.suspended:
        yield {}


def engine_failure(facts: Facts) -> Found:
    """A fault of the engine itself."""
    if facts.book is not None and facts.book.failure:
        yield {"text": facts.book.failure}


def report_refused(facts: Facts) -> Found:
    """What the workflow did could not be taken in."""
    if facts.book is not None and facts.book.refused.count:
        refused = facts.book.refused
        yield {"count": refused.count, "since": ago(facts, refused.since), "text": refused.text}


def unreadable(facts: Facts) -> Found:
    """What was mirrored cannot be read."""
    if facts.book is not None and facts.book.unreadable:
        yield {"text": facts.book.unreadable}


def no_engine(facts: Facts) -> Found:
    """Rows wait in the store, and no engine runs there."""
    book = facts.book
    if book is not None and not book.owner and (book.outbox.count or book.posted.count):
        yield {"count": book.outbox.count + book.posted.count}


def outbox_stuck(facts: Facts) -> Found:
    """An engine runs, and what it should send stays."""
    outbox = _outbox(facts)
    if outbox.count and facts.at - outbox.since > OUTBOX_MS:
        yield {"count": outbox.count, "text": outbox.text, "since": ago(facts, outbox.since)}


def outbox_under_way(facts: Facts) -> Found:
    """The engine is about to send it."""
    outbox = _outbox(facts)
    if outbox.count and facts.at - outbox.since <= OUTBOX_MS:
        yield {"count": outbox.count, "text": outbox.text}


def _outbox(facts: Facts) -> Waiting:
    """What an engine that runs has not sent."""
    return facts.book.outbox if facts.book is not None and facts.book.owner else Waiting()


def held_lost(facts: Facts) -> Found:
    """A report is held whose worker does not come back to it."""
    book = facts.book
    if book is not None and book.held.count and facts.at - book.held.since > HELD_MS:
        yield {"count": book.held.count, "since": ago(facts, book.held.since), "run": book.held.text}


def report_under_way(facts: Facts) -> Found:
    """Reports are on their way into the book."""
    book = facts.book
    if book is None:
        return
    young = book.held.count if facts.at - book.held.since <= HELD_MS else 0
    posted = book.posted.count if book.owner else 0
    if young or posted or (behind(facts) and not _quiet(facts)):
        yield {"count": max(1, young + posted)}


def mirror_behind(facts: Facts) -> Found:
    """The workflow is further than the book, nothing is on its way, and nobody told."""
    book = facts.book
    if book is None or not behind(facts) or not runs(facts) or not _quiet(facts):
        return
    yield {"step": book.step, "there": _positions(facts.tokens or {}), "here": _positions(book.tokens)}


def end_not_told(facts: Facts) -> Found:
    """The workflow has completed, and the book does not know."""
    execution = facts.execution
    if execution is not None and execution.status == "COMPLETED" and behind(facts) and _quiet(facts):
        yield {"at": moment(execution.closed)}


def _quiet(facts: Facts) -> bool:
    """Whether nothing is under way that would bring the book forward."""
    book, execution = facts.book, facts.execution
    if facts.task is not None or book is None or execution is None:
        return False
    if book.held.count or (book.posted.count and book.owner):
        return False
    last = next((each.at for each in facts.events if each.type == "WORKFLOW_TASK_COMPLETED"), 0)
    return facts.at - max(last, execution.closed) > PATIENCE_MS


def runs_on(facts: Facts) -> Found:
    """The book says that it ended, and its own workflow goes on."""
    book = facts.book
    if book is None or book.state == "active" or book.home != facts.place.instance or not runs(facts):
        return
    if facts.task is None and not facts.activities and facts.tokens:
        yield {"state": book.state, "there": _positions(facts.tokens)}


def workflow_lost(facts: Facts) -> Found:
    """The book says that it runs there, and the cluster knows no such workflow."""
    book = facts.book
    if facts.execution is not None or book is None or not book.host or book.state != "active":
        return
    if not book.outbox.count:
        yield {"step": book.step}


def runs_here(facts: Facts) -> Found:
    """It never was on a cluster."""
    if facts.book is not None and not facts.book.host:
        yield {"state": facts.book.state}


# --- what a process waits for


def waits(kind: WaitKind) -> Sign:
    """The sign that an instance waits for something of a kind."""

    def found(facts: Facts) -> Found:
        for each in _waits(facts, kind):
            late = each.due and facts.at - each.due > PATIENCE_MS
            if not late:
                yield _words(facts, each)

    return found


def timer_late(facts: Facts) -> Found:
    """A timer was due and did not fire."""
    for each in _waits(facts, "timer"):
        if each.due and facts.at - each.due > PATIENCE_MS and facts.task is None:
            yield _words(facts, each)


def timers_there(facts: Facts) -> Found:
    """Timers, when there is no book to ask."""
    for each in facts.timers if facts.book is None else []:
        yield {"name": each.summary or f"timer {each.id}", "due": moment(each.due), "left": span(each.due - facts.at)}


def tokens_there(facts: Facts) -> Found:
    """Positions, when there is no book to ask."""
    if facts.book is None and facts.tokens and not facts.activities and facts.task is None:
        yield {"there": _positions(facts.tokens)}


def _waits(facts: Facts, kind: WaitKind) -> list[Wait]:
    book = facts.book
    if book is None or book.state != "active" or book.suspended or behind(facts):
        return []
    found = [each for each in book.waits if each.kind == kind]
    if kind == "job":
        # Those that are activities have signs of their own.
        under_way = {each.type for each in facts.activities}
        return [each for each in found if each.name not in under_way and runs(facts) and facts.task is None]
    return found


def _words(facts: Facts, wait: Wait) -> dict[str, object]:
    return {
        "element": wait.element,
        "name": wait.name,
        "key": wait.key,
        "of": f" of {wait.name}" if wait.name else "",
        "with": f" with the correlation key {wait.key!r}" if wait.key else "",
        "due": moment(wait.due) if wait.due else "",
        "left": span(wait.due - facts.at),
    }


def _positions(tokens: dict[str, int]) -> str:
    return ", ".join(f"{element} x{n}" if n > 1 else element for element, n in sorted(tokens.items())) or "nowhere"
