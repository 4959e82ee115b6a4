"""What a server's answer means as an exception: the engine's own errors where they fit. One row a problem."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import BadValue, Busy, Conflict, NotFound, ProcessionError, StoreError


class Unauthorized(ProcessionError):
    """The server does not know who asks: no credentials, or none that hold."""


class Forbidden(ProcessionError):
    """The caller may not do this."""


class Unreachable(ProcessionError):
    """The server did not answer, however often it was asked."""


class ServerError(ProcessionError):
    """The server answered what has no name here: a fault of its own, or of something in between."""


@final
class Problem(msgspec.Struct, frozen=True):
    """RFC 9457, as far as it is told."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    diagnostics: list[dict[str, object]] = []


TYPES: Final[dict[str, type[ProcessionError]]] = {
    "bad-value": BadValue,
    "not-found": NotFound,
    "conflict": Conflict,
    "busy": Busy,
    "too-many-requests": Busy,
    "unavailable": StoreError,
    "precondition": Conflict,
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
}
"""The last part of a problem's type -> the exception."""
STATUS: Final[dict[int, type[ProcessionError]]] = {
    400: BadValue,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    422: BadValue,
    429: Busy,
    503: StoreError,
}
"""HTTP status -> the exception, where the type says nothing."""


def error_of(status: int, body: bytes) -> ProcessionError:
    """The exception that an answer with this status and body stands for."""
    try:
        problem = msgspec.json.decode(body, type=known(Problem))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        problem = Problem(detail=body[:200].decode("utf-8", "replace"))
    return error_of_problem(problem, status)


def error_of_problem(problem: Problem, status: int) -> ProcessionError:
    """The exception that a problem stands for."""
    name = problem.type.rpartition("/")[2]
    if name == "refused" and problem.diagnostics:
        try:
            return Refused(msgspec.convert(problem.diagnostics, known(list[Diagnostic])))
        except msgspec.ValidationError:
            pass  # of a newer server: its text says enough
    kind = TYPES.get(name) or STATUS.get(status, ServerError)
    text = problem.detail or problem.title or "no reason is given"
    return kind(text if kind is not ServerError else f"the server answered {status}: {text}")


def said(error: Exception) -> str:
    """What an exception of the network says; some have no text."""
    return str(error) or type(error).__name__
