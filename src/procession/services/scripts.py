"""Doing the jobs that are scripts: what a script is given of its job, and what its end means to the process.

A script is tried again only where another try can end otherwise: what threw, or hit a limit, does it again.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final, cast, final

import msgspec

from procession.base import script_job as words
from procession.base import values
from procession.base.failure import BadValue
from procession.base.job import BpmnError, Job, JobFailed
from procession.base.keys import made_at_ms
from procession.base.values import Json
from procession.scripts.ports import DEFAULT_LIMITS, Call, Limits, Line, Runtime, ScriptFailed, ScriptThrew
from procession.services.scripting import Ready, ready, told_failure

_LOG: Final = logging.getLogger("procession.scripts")
_LEVELS: Final = {"debug": logging.DEBUG, "warn": logging.WARNING, "error": logging.ERROR}
_AGAIN: Final = frozenset({"died", "unavailable"})


@final
class Scripts:
    """The worker of scripts, with one runtime."""

    def __init__(self, runtime: Runtime, limits: Limits = DEFAULT_LIMITS) -> None:
        self.runtime = runtime
        self.limits = limits

    def work(self, job: Job) -> dict[str, Json]:
        """Runs the script of a job; its variables. Raises `BpmnError` where the script threw one, `JobFailed`."""
        headers = job.headers
        source, language = headers.get(words.SOURCE, ""), headers.get(words.FORMAT, "javascript")
        found: Ready | None = None
        try:
            found = ready(source, language, headers.get(words.MODULES, ""), job.element_id)
            output = self.runtime.evaluate(found.code, values.encode(job.variables), self.limits, _call(job))
        except ScriptThrew as threw:
            _tell(job, threw.said)
            raise BpmnError(threw.code, threw.message, cast("dict[str, object]", threw.variables)) from None
        except ScriptFailed as failure:
            _tell(job, failure.said)
            raise _failed(failure, found) from None
        _tell(job, output.said)
        return _variables(output.value, headers.get(words.TARGET, ""))


def _call(job: Job) -> Call:
    """What the script's clock and chance are: the same in every try, so that every try gives the same."""
    at = made_at_ms(job.key)
    context = {
        "tenant": job.tenant,
        "processId": job.process_id,
        "version": job.version,
        "instance": str(job.instance),
        "elementId": job.element_id,
        "job": str(job.key),
        "now": at,
    }
    seed = int.from_bytes(hashlib.sha256(job.idempotency_key.encode()).digest()[:8], "little")
    return Call(job.tenant, at, seed, msgspec.json.encode(context))


def _variables(value: bytes, target: str) -> dict[str, Json]:
    try:
        result = values.decode(value) if value else None
        found = {target: result} if target else result
        if found is None or isinstance(found, dict):
            return values.checked_all(found)
    except BadValue as bad:
        raise JobFailed(f"what the script gives cannot be kept: {bad}") from None
    kind = "a list" if isinstance(result, list) else values.encode(result).decode()[:80]
    raise JobFailed(f"the script gives {kind}, not an object of variables: return one, or name a result variable")


def _failed(failure: ScriptFailed, found: Ready | None) -> JobFailed:
    """The failure of the job, told in the customer's own files."""
    text = told_failure(failure, found)
    if failure.reason not in {"thrown", "syntax"}:
        text = f"the script was stopped: {text}"
    return JobFailed(text, None if failure.reason in _AGAIN else 0)


def _tell(job: Job, said: tuple[Line, ...]) -> None:
    """What a script said goes to the log of its job."""
    for line in said:
        level = _LEVELS.get(line.level, logging.INFO)
        if _LOG.isEnabledFor(level):
            text = values.told(line.text)
            where = {"tenant": job.tenant, "instance": job.instance, "element_id": job.element_id, "job": job.key}
            _LOG.log(level, "script %s of instance %s: %s", job.element_id, job.instance, text, extra=where)
