"""A peer on the same PostgreSQL: Camunda 7 with its REST interface, built by Maven into ~/.cache/procession/peer.

It gets what ours gets: as many connections that start instances, one worker in a process of its own with as many tasks
at a time, a database of its own.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.server import rig
from bench.server.http import Line
from bench.server.parts import LINES, percentiles
from bench.server.peer_worker import asked
from procession.testing.ports import free_port

Rows = list[tuple[str, str, str]]
SOURCES: Final = Path(__file__).parent / "peer"
BUILT: Final = Path.home() / ".cache" / "procession" / "peer"
WARM_UP: Final = 5_000
"""Instances before anything is measured: twice as many made none cheaper for the JVM."""
POLL_S: Final = 0.002
"""Between two looks at whether an instance is over: the peer has no answer that waits for its end."""
ACTIVE: Final = 64
"""Tasks that the worker has at a time, as the worker of ours."""

_TASK: Final = """<serviceTask id="t{n}" camunda:type="external" camunda:topic="{type}"/>
<sequenceFlow id="f{n}" sourceRef="{before}" targetRef="t{n}"/>"""
_SETTINGS: Final = {
    "camunda.bpm.database.schema-update": "true",
    "logging.level.root": "WARN",
    "server.tomcat.keep-alive-timeout": "-1",
    "server.tomcat.max-keep-alive-requests": "-1",
    "server.tomcat.threads.max": "64",
    "spring.datasource.hikari.maximum-pool-size": "40",
    "spring.datasource.username": "app",
    "spring.main.banner-mode": "off",
}
_JAVA: Final = ["java", "-Xms1g", "-Xmx2g", "-XX:+UseParallelGC"]


def model(process_id: str, tasks: int, topic: str) -> str:
    """What `rig.model` gives, for the peer."""
    namespace = 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    return rig.in_a_row(process_id, tasks, _TASK, topic, namespace=namespace, more=' camunda:historyTimeToLive="P30D"')


def built() -> Path:
    """The peer's jar, built anew where its sources are newer."""
    jar = BUILT / "run" / "peer.jar"
    newest = max(each.stat().st_mtime for each in SOURCES.iterdir())
    if jar.exists() and jar.stat().st_mtime > newest:
        return jar
    if shutil.which("mvn") is None or shutil.which("java") is None:
        raise SystemExit("--peer needs Java 17 and Maven: apt-get install maven")
    build = ["mvn", "-B", "-q", "-f", str(SOURCES / "pom.xml"), f"-Dpeer.folder={BUILT}", "clean", "package"]
    # Each request looks services up on the class path; from a jar of jars that was 7 % of the peer's time.
    unpack = ["java", "-Djarmode=tools", "-jar", str(BUILT / "peer.jar"), "extract", "--destination", str(jar.parent)]
    for command in (build, unpack):
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            raise SystemExit(f"the peer cannot be built: {' '.join(command)}")
    return jar


def one_peer(folder: Path, url: str, history: str, instances: int) -> Rows:
    """(what, asked, reached): as `parts.one_server`. The URL is JDBC's; `history` is the peer's level."""
    jar = built()
    version = re.search(r"rest</artifactId>\s*<version>([^<]+)", (SOURCES / "pom.xml").read_text())
    assert version is not None
    (folder / "peer-one.bpmn").write_text(model("one", 1, "noop"))
    (folder / "peer-forty.bpmn").write_text(model("forty", 40, "ten"))
    port = free_port()
    settings = {
        **_SETTINGS,
        "camunda.bpm.deployment-resource-pattern": f"file:{folder}/peer-*.bpmn",
        "camunda.bpm.history-level": history,
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "spring.datasource.url": url,
    }
    command = [*_JAVA, "-jar", str(jar), *(f"--{name}={value}" for name, value in settings.items())]
    running = [rig.Process(command, {}, folder / "peer.log")]
    try:
        rig.wait_ready(port, running[0], 120, path="/engine-rest/process-definition/key/forty")
        for topic, pause_ms in (("noop", 0), ("ten", 10)):
            worker = [sys.executable, "-m", "bench.server.peer_worker", str(port), topic, str(pause_ms), str(ACTIVE)]
            running.append(rig.Process(worker, {}, folder / f"peer-{topic}.log"))
        name = f"Camunda {version[1]}, history {history}"
        return list(rig.run(_one_peer(name, port, instances, [each.cpu_s for each in running])))
    finally:
        for each in reversed(running):
            each.end()


async def _one_peer(name: str, port: int, instances: int, cpu_of: list[Callable[[], float]]) -> Rows:
    await _worked(port, WARM_UP)
    await _waited(port, "one", 100)
    await _waited(port, "forty", 1)
    cpu, worker_cpu = cpu_of[0](), cpu_of[1]()
    begun = time.perf_counter()
    latencies = await _worked(port, instances)
    seconds = time.perf_counter() - begun
    rows = [
        (f"{name}: one-task instances/s over REST", "", f"{instances / seconds:.0f}"),
        ("  answer to a start, p50 / p95 / p99 ms", "", percentiles(latencies)),
        ("  server CPU ms/instance", "", f"{(cpu_of[0]() - cpu) / instances * 1000:.2f}"),
        ("  worker CPU ms/instance", "", f"{(cpu_of[1]() - worker_cpu) / instances * 1000:.2f}"),
    ]
    rows.append(("  start-and-poll idle, p50 / p95 / p99 ms", "", percentiles(await _waited(port, "one", 200))))
    forty = await _waited(port, "forty", 7)
    rows.append(("  40 tasks of 10 ms, s: median, worst of 7", "", f"{sorted(forty)[3]:.2f}, {max(forty):.2f}"))
    return rows


async def _worked(port: int, count: int) -> list[float]:
    """Starts instances over as many connections as ours, and waits until none is there; how long each start took."""
    left = count
    latencies: list[float] = []
    variables = {"order": {"value": 1, "type": "Integer"}, "customer": {"value": "ada", "type": "String"}}

    async def one() -> None:
        nonlocal left
        line = Line(port)
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            await asked(line, "process-definition/key/one/start", {"variables": variables})
            latencies.append(time.perf_counter() - begun)
        line.close()

    await asyncio.gather(*[one() for _ in range(LINES)])
    line = Line(port)
    while True:
        if not (await asked(line, "process-instance/count"))["count"]:
            line.close()
            return latencies
        await asyncio.sleep(0.02)


async def _waited(port: int, process: str, count: int) -> list[float]:
    """Starts instances one after the other, and looks at each until its history says that it has ended."""
    line = Line(port)
    found: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        key = (await asked(line, f"process-definition/key/{process}/start", {}))["id"]
        while True:
            if (await asked(line, f"history/process-instance/{key}"))["state"] == "COMPLETED":
                break
            await asyncio.sleep(POLL_S)
        found.append(time.perf_counter() - begun)
    line.close()
    return found
