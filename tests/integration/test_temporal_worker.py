"""`procession worker temporal` on a real server: it starts, it ends in order, its processes die and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from procession import Engine, Instance, Temporal
from procession.base.script_job import HEAVY, JAVASCRIPT
from procession.testing.temporal import DevServer
from store_audit import audit
from temporal_worker_rig import MODELS, Running, free_port, page, until


def deployed(running: Running) -> Engine:
    """An engine beside the office, with the models."""
    engine = Engine(running.database, call_timeout=60)
    engine.deploy(*MODELS)
    return engine


def all_completed(instances: list[Instance]) -> bool:
    return all(each.state == "completed" for each in instances)


def test_a_fresh_worker_completes_its_first_instance(temporal_server: DevServer, tmp_path: Path) -> None:
    """The issue wants 3 s; what a shared machine takes is shown, not held."""
    with Engine(tmp_path / "engine.db") as before:
        before.deploy(*MODELS)
    with Running(temporal_server, tmp_path, "--processes", "1", "--activities", "1") as running:
        running.until("complete")
        ready_s = time.monotonic() - running.began
        with Engine(running.database, call_timeout=60) as engine:
            assert not engine.owner
            instance = engine.start("chain")
            assert engine.wait_until(lambda: instance.state == "completed", 60)
            assert instance.variables == {"first": True, "second": True}
        done_s = time.monotonic() - running.began
        spent_s = sum(_cpu_s(running.pid_of(name)) for name in ("workflows-1", "activities-1"))
        spent_s += _cpu_s(running.process.pid)
        sys.stdout.write(
            f"\nready {ready_s * 1000:.0f} ms, first instance {done_s * 1000:.0f} ms, {spent_s:.2f} s of CPU\n"
        )
        assert running.end() == 0
    assert "said by a function" in running.log


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_jobs_under_way_are_finished_when_it_is_told_to_end(temporal_server: DevServer, tmp_path: Path) -> None:
    with Running(temporal_server, tmp_path, "--processes", "1", "--activities", "1", SLOW_S="2") as running:
        running.until("complete")
        with deployed(running) as engine:
            instances = [engine.start("long") for _ in range(3)]
            until(lambda: len(running.effects("begun")) == 3, "all jobs are under way")
        assert running.effects() == []
        assert running.end() == 0
        assert running.events[-1]["codes"] == {"workflows-1": 0, "activities-1": 0}
        assert len(running.effects("begun")) == len(running.effects()) == 3
        # A worker without functions: what was answered counts, and nothing is done again.
        host = Temporal(temporal_server.address, namespace=temporal_server.namespace)
        with Engine(running.database, host=host) as engine:
            engine.serve(threads=1)
            found = [engine.instance(each.key) for each in instances]
            until(lambda: all_completed(found), "all instances are completed")


def test_processes_that_are_killed_lose_nothing(temporal_server: DevServer, tmp_path: Path) -> None:
    options = ("--processes", "2", "--activities", "2", "--job-heartbeat", "2")
    with Running(temporal_server, tmp_path, *options, SLOW_S="0.3") as running:
        running.until("complete")
        with deployed(running) as engine:
            instances = [engine.start(("chain", "long")[n % 2]) for n in range(20)]
            until(lambda: len(running.effects("begun")) >= 2, "some jobs are under way")
            for name in ("activities-1", "workflows-1"):
                os.kill(running.pid_of(name), signal.SIGKILL)
            assert {running.until("ended")["process"], running.until("ended")["process"]} == {
                "activities-1",
                "workflows-1",
            }
            until(lambda: all_completed(instances), "all instances are completed")
            for instance in instances:
                assert instance.variables in ({"first": True, "second": True}, {"slow": True})
        running.until("complete")
        assert running.end() == 0
    states = audit(running.database)
    assert sorted(states) == sorted(each.key for each in instances)
    keys = Counter((instance, element) for instance, element, _ in set(running.effects()))
    assert set(keys.values()) == {1}, "a job had another idempotency key when it was done again"


def test_it_shows_whether_its_own_processes_poll_and_what_they_did(temporal_server: DevServer, tmp_path: Path) -> None:
    port = free_port(4)
    options = ("--processes", "1", "--activities", "1", "--health", str(port), "--metrics", str(port + 1))
    with Running(temporal_server, tmp_path, *options, "--metrics-by-tenant") as running:
        until(lambda: page(port, "/livez")[0] == 200, "it lives before it is ready")
        running.until("complete")
        until(lambda: page(port, "/readyz")[0] == 200, "it is ready")
        seen = json.loads(page(port, "/readyz")[1])
        jobs = {f"procession-jobs-{type}" for type in ("first", "second", "slow", JAVASCRIPT, HEAVY)}
        assert set(seen["queues"]) == {"procession", *jobs}
        assert page(port, "/nothing")[0] == 404
        with deployed(running) as engine:
            instance = engine.start("chain")
            assert engine.wait_until(lambda: instance.state == "completed", 60)
        office, workflows, activities = (page(port + n, "/metrics")[1] for n in range(1, 4))
        assert "procession_outbox_rows" in office
        assert 'procession_steps{service_name="temporal-core-sdk",tenant="<default>"} 3' in workflows
        assert "procession_task_seconds_bucket" in workflows
        assert "temporal_workflow_completed" in workflows
        assert "temporal_sticky_cache_size" in workflows
        assert activities.count('procession_jobs{outcome="completed"') == 2
        assert "temporal_activity_execution_latency" in activities
        # After all work: a task that is handed to a process while it stands still waits for its timeout.
        os.kill(running.pid_of("activities-1"), signal.SIGSTOP)
        until(lambda: page(port, "/readyz")[0] == 503, "a process that is stopped is noticed")
        assert not json.loads(page(port, "/readyz")[1])["processes"]["activities-1"]
        assert page(port, "/livez")[0] == 200
        os.kill(running.pid_of("activities-1"), signal.SIGCONT)
        until(lambda: page(port, "/readyz")[0] == 200, "it is ready again")
        assert running.end(signal.SIGINT) == 0


def test_it_says_what_stops_it(temporal_server: DevServer, tmp_path: Path) -> None:
    with Running(temporal_server, tmp_path, "--workers", "nowhere_to_be_found") as running:
        assert running.process.wait(60) == 1
        assert "nowhere_to_be_found" in running.log.splitlines()[-1]
    words = ["worker", "temporal", "--db", str(tmp_path / "x.db"), "--address", "127.0.0.1:1"]
    done = subprocess.run(
        [sys.executable, "-m", "procession.cli.main", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "cannot be reached" in done.stderr) == (1, True), done.stderr


def test_its_processes_end_with_it(temporal_server: DevServer, tmp_path: Path) -> None:
    with Running(temporal_server, tmp_path, "--processes", "1", "--activities", "1") as running:
        running.until("complete")
        pids = [running.pid_of(name) for name in ("workflows-1", "activities-1")]
        running.process.kill()
        running.process.wait(20)
        until(lambda: not any(_alive(pid) for pid in pids), "they notice that it is gone")


def _alive(pid: int) -> bool:
    try:
        # One that ended, and whose new parent did not look yet, has ended.
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
