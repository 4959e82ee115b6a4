"""An engine in a process of its own, for tests that kill, stop or rival it: one JSON request a line, one answer a line.

Run as `python fault_child.py DATABASE EFFECTS`; its workers append what they did to the file EFFECTS, one line an
effect, before their job is completed. What must not live here: any check.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fault_models import CHAIN, NOTICE, ONE, ORDER
from procession import Engine, Job, ProcessionError
from procession.hosts.embedded import Instance, ownership, pump, shard

WORKER_FAULT = os.environ.get("FAULT_IN_WORKER", "")
"""`before:3` or `after:3`: killed at the third call of a worker, before or after its effect."""

LEASE_MS = int(os.environ.get("LEASE_MS", "0"))
"""A shorter lease than the ten seconds of life, for tests of what happens when one runs out."""

_calls = 0


def main() -> None:
    """Serves requests until the input ends."""
    database, effects = os.environ.get("STORE", sys.argv[1]), sys.argv[2]
    if LEASE_MS:
        for module in (ownership, pump, shard):
            vars(module)["LEASE_MS"] = LEASE_MS
    out = sys.stdout
    try:
        engine = Engine(database, call_timeout=float(os.environ.get("CALL_TIMEOUT", "20")))
    except ProcessionError as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}), file=out, flush=True)
        return
    for type_name in ("first", "second", "third", "charge", "ship", "work"):
        _register(engine, type_name, Path(effects))
    print(json.dumps({"ok": os.getpid()}), file=out, flush=True)
    for line in sys.stdin:
        try:
            answer = {"ok": _do(engine, json.loads(line))}
        except ProcessionError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), file=out, flush=True)
    engine.close()


def _do(engine: Engine, request: dict[str, Any]) -> Any:
    name, args, named = request["do"], request.get("args", []), request.get("named", {})
    if name == "deploy":
        engine.deploy(CHAIN, ORDER, ONE, **named)
        return None
    if name == "deploy_notice":
        engine.deploy(NOTICE)
        return None
    if name == "owner":
        return engine.owner
    if name == "approve_all":
        tasks = engine.tasks()
        for task in tasks:
            engine.complete_task(task.key)
        return len(tasks)
    if name == "lease":
        return [{"key": job.key, "token": job.token} for job in engine.activate_jobs(*args, **named)]
    return _plain(getattr(engine, name)(*args, **named))


def _plain(value: Any) -> Any:
    if isinstance(value, Instance):
        return value.key
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | str | dict | None) else repr(value)


def _register(engine: Engine, type_name: str, effects: Path) -> None:
    @engine.worker(type_name, backoff=(0.01,))
    def work(job: Job) -> dict[str, int]:
        global _calls  # noqa: PLW0603 - one process, one count
        _calls += 1
        _fault("before")
        line = {"place": [job.instance, job.element_id, job.variables.get("item")], "key": job.idempotency_key}
        handle = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, json.dumps(line).encode() + b"\n")
        os.close(handle)
        _fault("after")
        return {job.element_id: job.attempt}


def _fault(when: str) -> None:
    if f"{when}:{_calls}" == WORKER_FAULT:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
