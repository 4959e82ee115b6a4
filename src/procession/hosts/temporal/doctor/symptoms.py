"""The table of symptoms: a row each, with its cause and its remedy in a sentence. Data, and the signs to look for.

What must not live here: looking for them (`signs_of_*.py`), and what follows from several (`verdicts.py`).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.hosts.temporal.doctor import signs_of_books as books
from procession.hosts.temporal.doctor import signs_of_jobs as jobs
from procession.hosts.temporal.doctor import signs_of_tasks as tasks
from procession.hosts.temporal.doctor.signs import Sign

Severity: TypeAlias = Literal["broken", "stuck", "retrying", "waiting", "healthy"]

SEVERITIES: Final[tuple[Severity, ...]] = ("broken", "stuck", "retrying", "waiting", "healthy")
"""From the worst. broken: it cannot go on as it is; stuck: nothing changes until somebody acts; retrying: it fails, and
is tried again by itself; waiting: it is under way; healthy: it waits for what its process says, or has ended."""


@final
class Symptom(msgspec.Struct, frozen=True, gc=False):
    """A row. `cause` and `remedy` are formatted with the sign's words and those that `verdicts` has for all.

    `unless`: codes that explain it; when one of them holds, it is not told.
    """

    code: str
    severity: Severity
    found: Sign
    cause: str
    remedy: str
    source: str
    unless: tuple[str, ...] = ()


_TABLE: Final = "notes on Temporal, why is it stuck"
_CAUSES: Final = "temporal/api/enums/v1/failed_cause.proto"
_DESCRIBE: Final = "DescribeWorkflowExecution"
_QUEUE: Final = "DescribeTaskQueue, report_stats"
_BOOK: Final = "docs/design/0011, the store"
_RESET: Final = "temporal workflow reset {where} --type LastWorkflowTask --reason repaired"
_FAILING: Final = (
    "deadlock", "program-lost", "store-down", "codec-key", "blob-store", "payload-too-large", "interpreter-raised",
    "non-determinism", "pending-limit", "task-timeouts", "task-failed", "task-fails-unseen", "signal-storm",
)  # fmt: skip
_UNSERVED: Final = ("no-worker", "no-version-worker", "half-rollout", "workers-silent", "workflow-paused")

SYMPTOMS: Final[tuple[Symptom, ...]] = (
    # --- it cannot go on as it is
    Symptom(
        "workflow-ended", "broken", tasks.ended_badly,
        "the workflow {status} at {at}{text}, while the instance was active",
        f"let its last task be done again, in a new run: {_RESET}",
        _DESCRIBE,
    ),
    Symptom(
        "workflow-lost", "broken", books.workflow_lost,
        "the store says that the instance runs on Temporal, and namespace {namespace} has no workflow {workflow}: it "
        "is another namespace or cluster, or the workflow was deleted",
        "name the right --temporal and --namespace; if it was deleted, begin again where it was: procession restart "
        "{instance} --at ELEMENT{db}",
        _BOOK,
    ),
    Symptom(
        "report-refused", "broken", books.report_refused,
        "the engine could not take in {count} reports of it, the first one {since} ago: {text}",
        "a fault of Procession, please report it; they are tried again when the engine is started anew: "
        "procession serve --no-api{db}",
        f"{_BOOK}: inbox, state 2",
    ),
    Symptom(
        "engine-failure", "broken", books.engine_failure,
        "a fault of the engine left the instance where it was: {text}",
        "it is tried again when the engine is started anew, for instance by a later version: "
        "procession serve --no-api{db}",
        "docs/how-to/incidents.md, faults of the engine",
    ),
    Symptom(
        "mirror-unreadable", "broken", books.unreadable,
        "what the store has of the instance cannot be read: {text}",
        "look at the file, and restore a backup if it is damaged: procession doctor{db}",
        _BOOK,
    ),
    # --- nothing changes until somebody acts: the workflow's task
    Symptom(
        "non-determinism", "stuck", tasks.for_causes(frozenset({"NON_DETERMINISTIC_ERROR"})),
        "its history does not replay on the code of the worker, attempt {attempt}: {text}",
        "give its workers the version back that wrote the history; or, if the new one is right, let it do the last "
        f"task again: {_RESET}",
        f"{_TABLE}, cause 24 of {_CAUSES}",
    ),
    Symptom(
        "deadlock", "stuck", tasks.deadlock,
        "a step takes more than two seconds of a worker's time, attempt {attempt}: {text}",
        "give the worker more of a processor or fewer tasks at once; if the step itself is large, look at what it "
        "carries: procession show {instance}{db}",
        f"{_TABLE}, cause 14 of {_CAUSES}, TMPRL1101",
    ),
    Symptom(
        "program-lost", "stuck", tasks.program_lost,
        "the store of the worker lacks the program {program} that the instance runs, attempt {attempt}",
        "restore the store from a backup that has it, or give the worker the right store: procession list "
        "definitions{db}; the next attempt goes on",
        "services/catalog.py, cause 14",
    ),
    Symptom(
        "store-down", "stuck", tasks.store_down,
        "the worker cannot use its store, attempt {attempt}: {text}",
        "look at the file: procession doctor{db}; the next attempt goes on when it can be read",
        "base/failure.py, StoreError; cause 14",
    ),
    Symptom(
        "codec-key", "stuck", tasks.keys_wrong,
        "{what} cannot be sealed or opened: {text}",
        "give the workers the key that the text names, in their file of keys, which they read anew by themselves; it "
        "goes on with the next attempt",
        "docs/how-to/encrypt-payloads.md",
    ),
    Symptom(
        "blob-store", "stuck", tasks.blobs_down,
        "the store of large payloads does not give or take what {what} needs: {text}",
        "bring it back, with what was in it; it goes on with the next attempt",
        f"{_TABLE}, cause 38 of {_CAUSES}; docs/how-to/encrypt-payloads.md",
    ),
    Symptom(
        "payload-too-large", "stuck", tasks.too_large,
        "{what} carries more than the server takes (2 MiB a payload, 4 MiB a task): {text}",
        "keep large values outside and give the process references, or let workers claim them with "
        "CodecConfig(blob_url=...); what holds them: procession show {instance}{db}",
        f"{_TABLE}, causes 36, 37, 40 of {_CAUSES}; docs/reference/limits.md",
    ),
    Symptom(
        "interpreter-raised", "stuck", tasks.raised,
        "the code of the worker raised, attempt {attempt}: {text}",
        "the trace is in the worker's log and in: temporal workflow show {where}; repair or roll back the worker, and "
        "the next attempt goes on",
        f"{_TABLE}, cause 14 of {_CAUSES}",
    ),
    Symptom(
        "pending-limit", "stuck", tasks.for_causes(tasks.LIMITS),
        "it has more jobs open at once than the server allows (2,000), attempt {attempt}: {text}",
        "let the loop go over fewer items at once (a sequential loop of chunks), or raise "
        "limit.numPendingActivities.error in the server's dynamic config, then the next attempt goes on",
        f"{_TABLE}, causes 26-29 and 33 of {_CAUSES}",
    ),
    Symptom(
        "task-failed", "stuck", tasks.failed_otherwise,
        "its task fails, attempt {attempt}: {text}",
        "the whole failure is in: temporal workflow show {where}",
        f"{_CAUSES}",
    ),
    Symptom(
        "task-fails-unseen", "stuck", tasks.fails_unseen,
        "its task failed {tries} times, and only the first failure of a row is ever written down",
        "the reason is in the workers' logs and in their metric temporal_workflow_task_execution_failed; who they are: "
        "temporal workflow describe {where}",
        f"{_TABLE}: failures after the first are transient",
    ),
    # --- workers
    Symptom(
        "no-worker", "stuck", tasks.no_worker,
        "no worker polls task queue {queue} for workflows ({gone}), so {what}",
        "start a worker of this queue, on this store; who polls it: temporal task-queue describe {at} --task-queue "
        "{queue}",
        f"{_TABLE}; {_QUEUE}",
    ),
    Symptom(
        "no-version-worker", "stuck", tasks.no_version_worker,
        "it is pinned to version {version}, of which no worker polls (now in the deployment: {routing})",
        "start workers of that version, or move it: temporal workflow update-options {where} "
        "--versioning-override-behavior auto_upgrade",
        "DescribeWorkerDeployment; worker versioning, pinned",
        ("no-worker",),
    ),
    Symptom(
        "half-rollout", "stuck", tasks.half_rollout,
        "it moves to version {version}, of which no worker polls: a rollout that stopped half-way ({routing})",
        "start workers of that version, or go back: temporal worker deployment set-current-version {at} "
        "--deployment-name {deployment} --build-id OLD",
        f"{_TABLE}: version_transition",
    ),
    Symptom(
        "workers-silent", "stuck", tasks.silent_workers,
        "its task waits since {since}, and those who polled task queue {queue} have not polled since ({workers}): they "
        "are gone, or all their slots are taken",
        "look at these processes, or start another worker of task queue {queue}",
        _QUEUE,
    ),
    Symptom(
        "query-unanswered", "stuck", tasks.unanswered,
        "the workflow does not answer the query {query}: {text}",
        "a query needs a worker that can replay: temporal workflow query {where} --type {query}",
        f"{_TABLE}: query fails",
        (*_FAILING, *_UNSERVED, "task-due"),
    ),
    Symptom(
        "workflow-paused", "stuck", tasks.paused,
        "the workflow was paused by {by} {since} ago{reason}",
        "temporal workflow unpause {where}",
        f"{_TABLE}: extended_info.pause_info, from 1.30 on",
    ),
    # --- jobs
    Symptom(
        "job-paused", "stuck", jobs.paused,
        "job {job!r} was paused by {by} {since} ago{reason}",
        "temporal activity unpause {where} --activity-id {id}",
        f"{_TABLE}: pending activity, pause_info",
    ),
    Symptom(
        "no-job-worker", "stuck", jobs.no_worker,
        "no worker polls task queue {queue} for activities ({gone}), so job {job!r} waits since {since}",
        "start a worker for jobs of type {job!r} on task queue {queue}",
        f"{_TABLE}; {_QUEUE}",
    ),
    # --- the book
    Symptom(
        "incident", "stuck", books.incidents,
        "an incident at {element!r} since {since}: {code}: {text}",
        "put the cause right, then: procession resolve {key} --retries 3{db}",
        "docs/how-to/incidents.md",
    ),
    Symptom(
        "suspended", "stuck", books.suspended,
        "the instance was suspended",
        "procession resume {instance}{db}",
        "docs/how-to/change-instances.md",
    ),
    Symptom(
        "no-engine", "stuck", books.no_engine,
        "no engine runs on the store, where {count} messages between it and the workflow wait",
        "start the application that runs the engine, with its placement on Temporal",
        f"{_BOOK}: the shard's lease",
    ),
    Symptom(
        "outbox-stuck", "stuck", books.outbox_stuck,
        "{count} messages for the workflow were not delivered, the first one ({text}) since {since}",
        "see the engine's log for \"the outbox waits\": it reaches another cluster than {address}, or none",
        f"{_BOOK}: outbox",
    ),
    Symptom(
        "held-report", "stuck", books.held_lost,
        "{count} reports are held since {since} by a worker that does not confirm them: it died between a step and its "
        "commit",
        "start a worker on this store: it settles what others left, by the history of run {run}",
        f"{_BOOK}: inbox_held",
    ),
    Symptom(
        "mirror-behind", "stuck", books.mirror_behind,
        "the workflow is further than the store: it is at {there}, and the store shows step {step} at {here}; the "
        "worker that did it died before it told",
        "let it tell again: temporal workflow signal {where} --name procession.deliver --input '[]'",
        f"{_BOOK}: reports",
        ("held-report",),
    ),
    Symptom(
        "end-not-told", "stuck", books.end_not_told,
        "the workflow completed at {at}, and the store does not know: the worker that did it died before it told",
        f"let its last task be done again, in a new run: {_RESET}",
        f"{_BOOK}: reports",
        ("held-report",),
    ),
    Symptom(
        "runs-on", "stuck", books.runs_on,
        "the store says that the instance {state}, and its workflow goes on at {there}",
        "if the store is right: temporal workflow terminate {where} --reason ended",
        _BOOK,
    ),
    Symptom(
        "timer-late", "stuck", books.timer_late,
        "the timer at {element!r} was due at {due} and did not fire",
        "the server's timer queue is late, or its clock or this one is wrong: compare `date -u` on both",
        "timers of a workflow follow the server's clock",
        ("no-worker", "workflow-paused"),
    ),
    Symptom(
        "history-full", "stuck", tasks.history_full,
        "its history has {events} events and {size}; at 51,200 or 50 MB the server ends the workflow",
        "let what is open come to its end now; find what repeats: temporal workflow show {where}",
        "limit.historyCount.error, limit.historySize.error",
    ),
    Symptom(
        "nexus-blocked", "stuck", tasks.nexus_blocked,
        "operation {operation} of Nexus endpoint {endpoint} is blocked: {reason}",
        "look at the endpoint and its workers: temporal operator nexus endpoint get {at} --name {endpoint}",
        f"{_TABLE}: circuit breaker",
    ),
    Symptom(
        "unknown-workflow", "stuck", tasks.no_workflow,
        "namespace {namespace} at {address} has no workflow {workflow}, and no store was asked",
        "name the store with --db, and the tenant with --tenant, or the right --namespace",
        _DESCRIBE,
    ),
    # --- it fails, and is tried again
    Symptom(
        "signal-storm", "retrying", tasks.for_causes(tasks.STORM),
        "events came while its task was done, and it is done again with them, attempt {attempt}",
        "nothing: each attempt takes in all that came; if it lasts, send less at once to instance {instance}",
        f"{_TABLE}, causes 1 and 31 of {_CAUSES}",
    ),
    Symptom(
        "task-timeouts", "retrying", tasks.for_causes(tasks.TIMED_OUT),
        "a worker took its task and did not finish it in the task's timeout, attempt {attempt}: it died, or the replay "
        "takes too long",
        "look whether workers end by lack of memory; lower max_concurrent_workflow_tasks; how long the history is: "
        "temporal workflow describe {where}",
        f"{_TABLE}: WORKFLOW_TASK_TIMED_OUT, START_TO_CLOSE",
    ),
    Symptom(
        "job-retrying", "retrying", jobs.retrying,
        "job {job!r} failed, attempt {attempt} follows at {next}: {text}",
        "repair what it calls; at once instead of then: temporal activity reset {where} --activity-id {id}; after its "
        "last attempt it becomes an incident",
        f"{_TABLE}: pending activity with next_attempt_schedule_time",
    ),
    Symptom(
        "job-worker-lost", "retrying", jobs.worker_lost,
        "{worker} began job {job!r} {since} ago and is gone; it is given to another worker at {until}",
        "nothing, if there is time until then; else make an incident of it, to be resolved: temporal activity fail "
        "{where} --activity-id {id} --reason 'worker lost'",
        f"{_TABLE}: started, heartbeat stale; ListWorkers, from 1.30 on",
    ),
    Symptom(
        "nexus-retrying", "retrying", tasks.nexus_retrying,
        "operation {operation} of Nexus endpoint {endpoint} failed, attempt {attempt}: {text}",
        "repair what it calls: temporal operator nexus endpoint get {at} --name {endpoint}",
        _DESCRIBE,
    ),
    # --- it is under way
    Symptom(
        "overloaded", "waiting", tasks.overloaded,
        "its task waits behind {backlog} others of task queue {queue} for {age}{limit}",
        "start more workers of task queue {queue}: temporal task-queue describe {at} --task-queue {queue}",
        f"{_TABLE}; {_QUEUE}",
    ),
    Symptom(
        "job-unclaimed", "waiting", jobs.unclaimed,
        "job {job!r} waits since {since} for a worker of task queue {queue}; {workers} poll it, and are gone or busy",
        "start more workers for jobs of type {job!r} on task queue {queue}",
        f"{_TABLE}; {_QUEUE}",
    ),
    Symptom(
        "job-running", "waiting", jobs.running,
        "{worker} is at job {job!r} since {since}, attempt {attempt}; nobody else gets it before {until}",
        "nothing, if the worker lives: look at its log",
        f"{_TABLE}: pending activity, started",
    ),
    Symptom(
        "job-due", "waiting", jobs.due,
        "job {job!r} was scheduled a moment ago",
        "ask again: procession doctor {instance} --temporal {address}",
        _DESCRIBE,
    ),
    Symptom(
        "task-due", "waiting", tasks.task_due,
        "its task is {state} since {since}",
        "ask again: procession doctor {instance} --temporal {address}",
        _DESCRIBE,
        ("workers-silent", "no-version-worker", "workflow-paused"),
    ),
    Symptom(
        "report-under-way", "waiting", books.report_under_way,
        "{count} reports of it are on their way into the store",
        "ask again: procession doctor {instance} --temporal {address}",
        f"{_BOOK}: reports",
        ("held-report", "mirror-behind", "end-not-told"),
    ),
    Symptom(
        "outbox-under-way", "waiting", books.outbox_under_way,
        "{count} messages for the workflow are about to be sent ({text})",
        "ask again: procession doctor {instance} --temporal {address}",
        f"{_BOOK}: outbox",
    ),
    Symptom(
        "history-long", "waiting", tasks.history_long,
        "its history has {events} events and {size}, and no new run was begun: {open} jobs are open, and it waits for "
        "them",
        "let them end; what is open: temporal workflow describe {where}",
        f"{_TABLE}: history_length, no continue-as-new",
    ),
    # --- as its process says
    Symptom(
        "waits-for-user-task", "healthy", books.waits("user-task"),
        "it waits for user task {element!r}{of}",
        "procession complete {key}{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-message", "healthy", books.waits("message"),
        "it waits at {element!r} for message {name!r}{with}",
        "procession message {name!r} --key {key!r}{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-signal", "healthy", books.waits("signal"),
        "it waits at {element!r} for signal {name!r}",
        "procession signal {name!r}{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-timer", "healthy", books.waits("timer"),
        "it waits at {element!r} until {due}, {left} from now",
        "nothing: the server fires it",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-condition", "healthy", books.waits("condition"),
        "it waits at {element!r} for a condition{of} to become true",
        "procession set {instance} --var NAME=VALUE{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-call", "healthy", books.waits("call"),
        "it waits at {element!r} for the called instance {key}",
        "procession doctor {key} --temporal {address} --namespace {namespace}{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-for-job", "healthy", books.waits("job"),
        "it waits at {element!r} for job {key} of type {name!r}, which is done outside, or pauses between attempts",
        "procession complete {key}{db}",
        f"{_TABLE}: healthy",
    ),
    Symptom(
        "waits-at", "healthy", books.tokens_there,
        "it is at {there}; what it waits for there is in its store",
        "name the store with --db to see it",
        "query procession.tokens",
    ),
    Symptom(
        "timer-runs", "healthy", books.timers_there,
        "{name} runs until {due}, {left} from now",
        "nothing: the server fires it",
        "history: TIMER_STARTED",
    ),
    Symptom(
        "runs-here", "healthy", books.runs_here,
        "the engine runs this instance itself, not Temporal; it is {state}",
        "procession show {instance}{db}",
        _BOOK,
    ),
    Symptom(
        "ended", "healthy", tasks.ended,
        "it {state}; its workflow closed at {at}",
        "procession show {instance}{db}",
        _DESCRIBE,
    ),
)  # fmt: skip
"""One row a symptom, in the order in which it is told among those of its severity."""

UNKNOWN: Final = Symptom(
    "unknown",
    "stuck",
    lambda facts: iter(()),
    "no symptom that is known: the workflow is {status}, its tokens are {tokens}, nothing of it is pending",
    "all facts: procession doctor {instance} --temporal {address} --namespace {namespace}{db} --json; the history: "
    "temporal workflow show {where}",
    "none",
)
