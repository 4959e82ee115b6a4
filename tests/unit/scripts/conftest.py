"""One pool of cages for the tests of a process, and a short way to run a script in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from procession.scripts.code import composed
from procession.scripts.pool import Options, Pool
from procession.scripts.ports import DEFAULT_LIMITS, NO_CALL, Call, Limits, Output
from procession.scripts.trusted import Trusted

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    made = Pool(Options(cages=4, per_group=2))
    yield made
    made.close()


@pytest.fixture(scope="session")
def trusted() -> Iterator[Trusted]:
    made = Trusted()
    yield made
    made.close()


@pytest.fixture(params=["pool", "trusted"])
def runtime(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture
def run(runtime: Any) -> Run:
    """Runs the body of a function on a value; gives what it gives."""

    def ran(body: str, value: object = None, limits: Limits = DEFAULT_LIMITS, call: Call = NO_CALL, **how: Any) -> Any:
        output: Output = runtime.evaluate(composed(body, **how), msgspec.json.encode(value), limits, call)
        return msgspec.json.decode(output.value) if output.value else None

    return ran
