"""The doctor's table: for each symptom facts that show it, and what is said of them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import pytest

from procession.hosts.temporal.doctor.facts import Answer, Event, Facts, Incident, Nexus, Pause, Poller, Seen, Timer
from procession.hosts.temporal.doctor.symptoms import SEVERITIES, SYMPTOMS, Severity
from procession.hosts.temporal.doctor.verdicts import Verdict, judge, worst
from tidy.source_tree import ROOT
from unit.hosts.temporal_doctor.doctor_facts import (
    JOB,
    JOBS,
    MINUTE,
    NOW,
    QUEUE,
    SECOND,
    TASK_DONE,
    WELL,
    book,
    but,
    execution,
    failed,
    job,
    task,
    waiting,
    waits_for,
)

RAISED: Final = "WORKFLOW_WORKER_UNHANDLED_FAILURE"
OLD: Final = Poller(identity="9@gone", seen=NOW - 4 * MINUTE)
NOBODY: Final = [msgspec.structs.replace(QUEUE, pollers=[]), msgspec.structs.replace(JOBS, pollers=[])]
ONE_INCIDENT: Final = Incident(key="88", element="ship", code="job-no-retries", message="no stock", at=NOW - MINUTE)


def versioned(poller: str, **more: Any) -> Facts:
    """A workflow under worker versioning, and who polls."""
    polls = [Poller(identity="7@here", seen=NOW - SECOND, version=poller)]
    queue = msgspec.structs.replace(QUEUE, pollers=polls)
    return but(execution=execution(**more), queues=[queue], deployment="current b2")


ROWS: Final[list[tuple[str, Severity, Facts, str, str]]] = [
    # code, severity, facts, in the cause, in the remedy
    ("workflow-ended", "broken", but(execution=execution(status="TERMINATED", closed=NOW - MINUTE), tokens=None,
     events=[Event(id=30, at=NOW, type="WORKFLOW_EXECUTION_TERMINATED", text="by ada: tidy")], book=book()),
     "terminated at 2027-01-15 07:59:00 UTC (by ada: tidy)",
     "reset --address temporal:7233 --namespace orders --workflow-id acme/42 --type LastWorkflowTask --reason"),
    ("workflow-lost", "broken", but(execution=None, events=[], queues=[], tokens=None, book=book()),
     "no workflow acme/42", "procession restart 42 --at ELEMENT --db orders.db --tenant acme"),
    ("report-refused", "broken", but(book=book(refused=waiting(2, MINUTE, "step 4 was not reported"))),
     "2 reports of it, the first one 1 min ago: step 4 was not reported", "procession serve --no-api --db orders.db"),
    ("engine-failure", "broken", but(book=book(failure="AssertionError: x")), "AssertionError: x", "later version"),
    ("mirror-unreadable", "broken", but(book=book(unreadable="step 2 is missing"), tokens=None), "step 2 is missing",
     "procession doctor --db orders.db"),
    ("non-determinism", "stuck", failed("NON_DETERMINISTIC_ERROR", "[TMPRL1100] Nondeterminism error"),
     "attempt 4: [TMPRL1100]", "version back"),
    ("non-determinism", "stuck", but(task=task(attempt=6), execution=execution(reported=[
        "category=WorkflowTaskFailed", "cause=WorkflowTaskFailedCauseNonDeterministicError"])),
     "cause NON_DETERMINISTIC_ERROR", "version back"),
    ("deadlock", "stuck", failed(RAISED, "_DeadlockError: [TMPRL1101] Potential deadlock detected"), "two seconds",
     "procession show 42"),
    ("program-lost", "stuck", failed(RAISED, "Unreadable: orders.db: the program ab12 is missing"), "program ab12",
     "restore the store"),
    ("store-down", "stuck", failed(RAISED, "StoreError: orders.db: disk I/O error"), "disk I/O error",
     "procession doctor --db orders.db"),
    ("codec-key", "stuck", failed(RAISED, "KeyUnavailable: tenant acme has no key 'k1'"), "has no key 'k1'",
     "file of keys"),
    ("codec-key", "stuck", job(next=NOW + MINUTE, failure="does not open with key 'k1'", failure_type="NotAuthentic"),
     "job 'ship' cannot be sealed or opened", "file of keys"),
    ("blob-store", "stuck", failed("EXTERNAL_STORAGE_FAILURE", "no such bucket"), "no such bucket", "bring it back"),
    ("blob-store", "stuck", failed(RAISED, "BlobUnavailable: fetching acme/1: down"), "down", "bring it back"),
    ("payload-too-large", "stuck", failed("PAYLOADS_TOO_LARGE", "[TMPRL1103] size"), "2 MiB", "references"),
    ("payload-too-large", "stuck", failed("GRPC_MESSAGE_TOO_LARGE"), "cause GRPC_MESSAGE_TOO_LARGE", "CodecConfig"),
    ("payload-too-large", "stuck", failed("BAD_SCHEDULE_ACTIVITY_ATTRIBUTES", "Input exceeds size limit."),
     "exceeds size limit", "references"),
    ("payload-too-large", "stuck", job(next=NOW + MINUTE, failure="[TMPRL1103] Attempted to upload payloads with size"),
     "job 'ship'", "references"),
    ("payload-too-large", "stuck", but(book=book(outbox=waiting(1, MINUTE, "its start", 3_000_000))),
     "in the outbox (its start)", "references"),
    ("interpreter-raised", "stuck", failed(RAISED, "KeyError: 'x'"), "attempt 4: KeyError: 'x'",
     "temporal workflow show --address temporal:7233 --namespace orders --workflow-id acme/42"),
    ("pending-limit", "stuck", failed("PENDING_ACTIVITIES_LIMIT_EXCEEDED", "the limit is 2000"), "the limit is 2000",
     "limit.numPendingActivities.error"),
    ("task-failed", "stuck", failed("BAD_SEARCH_ATTRIBUTES", "no such attribute"), "no such attribute",
     "temporal workflow show"),
    ("task-fails-unseen", "stuck", but(task=task(attempt=5)), "failed 4 times", "workers' logs"),
    ("no-worker", "stuck", but(task=task(), queues=NOBODY, tokens=None), "its next step waits", "--task-queue flows"),
    ("no-worker", "stuck", but(queues=[msgspec.structs.replace(QUEUE, pollers=[OLD])]),
     "the last one was 9@gone, 4 min ago), so nothing that comes for it", "start a worker"),
    ("no-version-worker", "stuck", versioned("orders:b2", version="orders:b1", pinned=True),
     "pinned to version orders:b1, of which no worker polls (now in the deployment: current b2)", "auto_upgrade"),
    ("half-rollout", "stuck", versioned("orders:b1", version="orders:b1", target="orders:b2"),
     "moves to version orders:b2",
     "set-current-version --address temporal:7233 --namespace orders --deployment-name orders"),
    ("workers-silent", "stuck", but(task=task(15 * SECOND), tokens=None), "(7@here): they are gone", "start another"),
    ("query-unanswered", "stuck", but(answers=[Answer(name="procession.tokens", error="no worker answered in 3 s")],
     tokens=None), "no worker answered in 3 s", "--type procession.tokens"),
    ("workflow-paused", "stuck", but(execution=execution(status="PAUSED", paused=Pause(at=NOW - MINUTE, by="ada",
     reason="audit"))), "by ada 1 min ago (audit)", "temporal workflow unpause --address"),
    ("job-paused", "stuck", job(paused=Pause(at=NOW - MINUTE, by="ada")), "job 'ship' was paused by ada 1 min ago",
     "temporal activity unpause --address temporal:7233 --namespace orders --workflow-id acme/42 --activity-id 5.1"),
    ("no-job-worker", "stuck", but(job(), queues=NOBODY), "no worker polls task queue jobs", "jobs of type 'ship'"),
    ("incident", "stuck", but(book=book(incidents=[ONE_INCIDENT])), "'ship' since 1 min: job-no-retries: no stock",
     "procession resolve 88 --retries 3 --db orders.db --tenant acme"),
    ("suspended", "stuck", but(book=book(suspended=True)), "suspended", "procession resume 42 --db orders.db"),
    ("no-engine", "stuck", but(book=book(owner="", posted=waiting(2, 0), outbox=waiting(1, 0))), "where 3 messages",
     "start the application"),
    ("outbox-stuck", "stuck", but(book=book(outbox=waiting(2, MINUTE, "OfferMessage"))),
     "2 messages for the workflow were not delivered, the first one (OfferMessage) since 1 min", "engine's log"),
    ("held-report", "stuck", but(book=book(held=waiting(1, 2 * MINUTE, "r1"))), "held since 2 min", "run r1"),
    ("mirror-behind", "stuck", but(tokens={"ship": 2}), "it is at ship x2, and the store shows step 3 at approve",
     "temporal workflow signal --address temporal:7233 --namespace orders --workflow-id acme/42 --name "
     "procession.deliver --input '[]'"),
    ("end-not-told", "stuck", but(execution=execution(status="COMPLETED", closed=NOW - MINUTE), tokens=None),
     "completed at 2027-01-15 07:59:00 UTC", "temporal workflow reset"),
    ("runs-on", "stuck", but(book=book(state="completed", tokens={})), "the instance completed", "workflow terminate"),
    ("timer-late", "stuck", waits_for(kind="timer", element="nap", due=NOW - MINUTE), "was due at 2027-01-15 07:59:00",
     "date -u"),
    ("history-full", "stuck", but(execution=execution(events=45_000, bytes=9_000)), "45,000 events", "come to its end"),
    ("nexus-blocked", "stuck", but(nexus=[Nexus(endpoint="bank", operation="s.pay", state="BLOCKED",
     blocked="circuit breaker")]), "bank is blocked: circuit breaker", "nexus endpoint get"),
    ("unknown-workflow", "stuck", but(execution=None, book=None, events=[], queues=[], tokens=None),
     "has no workflow acme/42", "--db"),
    ("signal-storm", "retrying", failed("UNHANDLED_COMMAND"), "attempt 4", "nothing"),
    ("task-timeouts", "retrying", but(task=task(attempt=2), book=book(), events=[
        Event(id=12, at=NOW, type="WORKFLOW_TASK_TIMED_OUT", cause="START_TO_CLOSE"), TASK_DONE]),
     "did not finish it", "max_concurrent_workflow_tasks"),
    ("job-retrying", "retrying", job(attempt=2, next=NOW + MINUTE, failure="no answer"),
     "attempt 2 of 3 follows at 2027-01-15 08:01:00 UTC: no answer", "temporal activity reset --address"),
    ("job-worker-lost", "retrying", but(job(state="STARTED", started=NOW - MINUTE, worker="9@gone"), workers=[
        Seen(identity="9@gone", queue="jobs", at=NOW - 50 * SECOND, pause=SECOND)]),
     "given to another worker at 2027-01-15 08:04:00 UTC", "temporal activity fail --address"),
    ("job-worker-lost", "retrying", job(state="STARTED", started=NOW - MINUTE, heartbeat=NOW - 40 * SECOND,
     heartbeat_timeout=MINUTE, worker="9@gone"), "9@gone began job 'ship' 1 min ago", "--activity-id 5.1"),
    ("nexus-retrying", "retrying", but(nexus=[Nexus(endpoint="bank", operation="s.pay", state="BACKING_OFF", attempt=3,
     failure="refused")]), "attempt 3: refused", "nexus endpoint get"),
    ("overloaded", "waiting", but(task=task(40 * SECOND), queues=[msgspec.structs.replace(QUEUE, backlog=900,
     age=50_000, limited=True)]), "behind 900 others of task queue flows for 50 s; the queue's rate is limited",
     "start more"),
    ("job-unclaimed", "waiting", job(), "7@here poll it, and are gone or busy", "start more workers"),
    ("job-running", "waiting", job(state="STARTED", started=NOW - MINUTE, worker="7@here"),
     "7@here is at job 'ship' since 1 min", "log"),
    ("job-due", "waiting", job(scheduled=NOW - SECOND), "a moment ago", "procession doctor 42 --temporal"),
    ("task-due", "waiting", but(task=task()), "its task is scheduled since 3 s", "procession doctor 42"),
    ("report-under-way", "waiting", but(book=book(held=waiting(1, SECOND), posted=waiting(2, SECOND))), "3 reports",
     "procession doctor 42"),
    ("outbox-under-way", "waiting", but(book=book(outbox=waiting(1, SECOND, "its start"))), "(its start)",
     "procession doctor 42"),
    ("history-long", "waiting", but(execution=execution(events=4_000)), "4,000 events", "temporal workflow describe"),
    ("waits-for-user-task", "healthy", WELL, "user task 'approve' of ada",
     "procession complete 77 --db orders.db --tenant acme"),
    ("waits-for-message", "healthy", waits_for(kind="message", element="paid", name="paid", key="N1"),
     "message 'paid' with the correlation key 'N1'", "procession message 'paid' --key 'N1'"),
    ("waits-for-signal", "healthy", waits_for(kind="signal", element="stop", name="stop"), "signal 'stop'",
     "procession signal 'stop'"),
    ("waits-for-timer", "healthy", waits_for(kind="timer", element="nap", due=NOW + 90 * MINUTE),
     "until 2027-01-15 09:30:00 UTC, 1 h 30 min from now", "nothing"),
    ("waits-for-condition", "healthy", waits_for(kind="condition", element="c", name="total"), "condition of total",
     "procession set 42"),
    ("waits-for-call", "healthy", waits_for(kind="call", element="sub", key="43"), "called instance 43",
     "procession doctor 43 --temporal temporal:7233 --namespace orders --db orders.db"),
    ("waits-for-job", "healthy", waits_for(kind="job", element="ship", name="ship", key="90"), "job 90 of type 'ship'",
     "procession complete 90"),
    ("waits-at", "healthy", but(book=None), "it is at approve", "--db"),
    ("timer-runs", "healthy", but(book=None, timers=[Timer(id="1", due=NOW + MINUTE, summary="nap")]), "nap runs until",
     "nothing"),
    ("runs-here", "healthy", but(book=book(host=""), execution=None, queues=[], events=[], tokens=None),
     "runs this instance itself", "procession show 42"),
    ("ended", "healthy", but(execution=execution(status="COMPLETED", closed=NOW - MINUTE), tokens=None,
     book=book(state="completed", tokens={})), "it completed", "procession show 42"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "severity", "facts", "cause", "remedy"), ROWS, ids=[f"{n}-{row[0]}" for n, row in enumerate(ROWS)]
)
def test_a_symptom_is_named_with_its_cause_and_its_remedy(
    code: str, severity: Severity, facts: Facts, cause: str, remedy: str
) -> None:
    verdicts = judge(facts)
    found = {verdict.code: verdict for verdict in verdicts}
    assert code in found, verdicts
    assert found[code].severity == severity
    assert cause in found[code].cause
    assert remedy in found[code].remedy
    assert worst(verdicts) == severity, verdicts


def test_every_symptom_has_facts_that_show_it() -> None:
    assert {row.code for row in SYMPTOMS} == {row[0] for row in ROWS}


def test_an_instance_that_is_well_has_no_other_verdict() -> None:
    assert [verdict.code for verdict in judge(WELL)] == ["waits-for-user-task"]


def test_what_nothing_explains_is_said_to_be_unknown() -> None:
    (verdict,) = judge(but(book=book()))
    assert (verdict.code, verdict.severity) == ("unknown", "stuck")
    assert "{'approve': 1}" in verdict.cause
    assert "--json" in verdict.remedy


def test_the_worst_comes_first() -> None:
    facts = but(job(next=NOW + MINUTE, failure="x"), book=book(incidents=[ONE_INCIDENT], failure="bug"))
    severities = [verdict.severity for verdict in judge(facts)]
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert worst(judge(facts)) == "broken"


def test_a_fan_out_is_told_once() -> None:
    many = [msgspec.structs.replace(JOB, id=str(n)) for n in range(2_000)]
    verdicts = [each for each in judge(but(activities=many, queues=NOBODY)) if each.code == "no-job-worker"]
    assert len(verdicts) == 3
    assert verdicts[-1].cause.endswith("; and 1,997 more like this")


@pytest.mark.parametrize(
    ("facts", "silent"),
    [
        (but(task=task(), queues=NOBODY, answers=[Answer(name="q", error="x")], tokens=None), "query-unanswered"),
        (but(tokens={"ship": 1}, book=book(held=waiting(1, 2 * MINUTE), tokens={})), "mirror-behind"),
        (but(tokens={"ship": 1}, task=task()), "mirror-behind"),
        (but(tokens={"ship": 1}, events=[msgspec.structs.replace(TASK_DONE, at=NOW - SECOND)]), "mirror-behind"),
        (but(execution=None, book=book(outbox=waiting(1, SECOND, "its start")), queues=[]), "workflow-lost"),
        (failed(RAISED, "KeyUnavailable: x"), "interpreter-raised"),
        (but(job(), queues=NOBODY), "job-unclaimed"),
        (but(job(next=NOW + MINUTE, failure="x"), queues=NOBODY), "no-job-worker"),
        (but(task=task(), queues=NOBODY), "task-due"),
        (waits_for(kind="timer", element="nap", due=NOW - MINUTE), "waits-for-timer"),
        (but(activities=[JOB], book=WELL.book), "waits-for-job"),
    ],
)
def test_what_is_explained_otherwise_is_not_told(facts: Facts, silent: str) -> None:
    assert silent not in {verdict.code for verdict in judge(facts)}


def test_a_task_that_failed_and_was_done_since_does_not_fail() -> None:
    facts = failed("NON_DETERMINISTIC_ERROR", "x")
    over = but(facts, events=[msgspec.structs.replace(TASK_DONE, id=20), *facts.events], task=task())
    assert worst(judge(over)) == "waiting"


def test_verdicts_and_facts_are_documents() -> None:
    for _, _, facts, _, _ in ROWS:
        assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts
        verdicts = judge(facts)
        assert msgspec.json.decode(msgspec.json.encode(verdicts), type=list[Verdict]) == verdicts


def test_every_row_is_a_sentence_each_and_has_a_source() -> None:
    for row in SYMPTOMS:
        assert row.source
        for text in (row.cause, row.remedy):
            assert not text.endswith(".")
            assert not re.search(r"\s{2}|\n", text)
    assert len({row.code for row in SYMPTOMS}) == len(SYMPTOMS)


def test_the_page_for_who_is_on_call_has_every_symptom() -> None:
    page = (ROOT / "docs/how-to/on-call-temporal.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", page, re.MULTILINE))
    assert rows == {row.code: row.severity for row in SYMPTOMS} | {"unknown": "stuck"}
