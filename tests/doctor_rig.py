"""What tests of the doctor on real servers share: asking it, and doing what it says."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from typing import Any, Final

import msgspec

from procession.hosts.temporal.doctor.diagnosis import diagnose
from procession.hosts.temporal.doctor.facts import Facts
from procession.hosts.temporal.doctor.verdicts import Verdict, judge
from procession.testing.temporal import find_server
from temporal_host import TENANT, Host, eventually

SECOND: Final = 1_000


def facts_of(host: Host, instance: int) -> Facts:
    """What the doctor reads."""
    return host.loop.run(diagnose(host.client, host.store, TENANT, instance)).facts


def codes(facts: Facts) -> dict[str, Verdict]:
    """What the doctor says of them."""
    return {verdict.code: verdict for verdict in judge(facts)}


def told(host: Host, instance: int, code: str, *, holds: Callable[[Verdict], object] = bool) -> Verdict:
    """What the doctor says, once it says this."""
    found = eventually(
        lambda: judge(facts_of(host, instance)),
        lambda verdicts: any(each.code == code and holds(each) for each in verdicts),
        seconds=30,
    )
    return next(each for each in found if each.code == code)


def later(facts: Facts, seconds: float) -> dict[str, Verdict]:
    """What the doctor would say of the same facts after a while in which nothing happened."""
    return codes(msgspec.structs.replace(facts, at=facts.at + int(seconds * SECOND)))


def follow(remedy: str) -> None:
    """Carries out the command of Temporal's that a remedy names, as it stands there."""
    program = find_server("cli", build=False)
    assert program is not None
    command = remedy[remedy.index("temporal ") :].split(";", maxsplit=1)[0]
    ran = subprocess.run(
        [program, *shlex.split(command)[1:]], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"


def start(host: Host, *documents: tuple[str, bytes], **variables: Any) -> int:
    """An instance of the first document's process."""
    host.deploy(*documents)
    return host.start(documents[0][0].removesuffix(".bpmn"), variables)


def begun(host: Host, instance: int, *elements: str) -> None:
    """Waits until the book shows the instance at these elements."""
    eventually(lambda: host.tokens(instance), lambda tokens: tokens == set(elements))
