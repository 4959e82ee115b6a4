"""Scripts in scenarios: they run as in an engine, but in this process, where they need none of its walls."""

from __future__ import annotations

from functools import lru_cache

from procession.base.job import BpmnError, Job, JobFailed
from procession.base.script_job import HEAVY, JAVASCRIPT
from procession.base.signature import thrown
from procession.core.jobs import command_of
from procession.core.variables import visible
from procession.runtime import requests as q
from procession.scripts.ports import Limits
from procession.services.scripts import Scripts
from procession.testing.driver import Case

TYPES = frozenset({JAVASCRIPT, HEAVY})


@lru_cache(maxsize=1)
def _scripts() -> Scripts:
    from procession.scripts.trusted import Trusted

    return Scripts(Trusted(), Limits(seconds=5.0))


def answer(case: Case, key: int, tenant: str) -> q.AnyRequest:
    """What the script of a job gives, as the request that its worker would make."""
    try:
        return q.FinishJob(tenant, key, _scripts().work(_job(case, key, tenant)))
    except BpmnError as error:
        code, message, variables = thrown(error)
        return q.ThrowJob(tenant, key, code, message, variables)
    except JobFailed as failure:
        return q.FailJob(tenant, key, str(failure), retries=failure.retries, backoff=0)


def _job(case: Case, key: int, tenant: str) -> Job:
    state = case.state
    command = command_of(case.linked.nodes, state, state.jobs[key])
    element = state.elements[command.element]
    job = Job(key, command.type, tenant, visible(element))
    job.instance, job.element = state.instance, command.element
    job.element_id, job.process_id = case.element_id(command.element), case.process
    job.version, job.headers = state.version, command.headers
    job.retries, job.idempotency_key = command.retries, command.idempotency_key
    return job
