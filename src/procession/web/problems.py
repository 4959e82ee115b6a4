"""Errors as RFC 9457 problems. One row an error; what is not in the table is a fault of ours, and says nothing."""

from __future__ import annotations

import logging
from typing import Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError, QuotaExceeded, StoreError
from procession.services.access import Forbidden, Unauthorized

_LOG: Final = logging.getLogger("procession.web")

STATUS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (Refused, 422, "refused"),
    (BadValue, 400, "bad-value"),
    (NotFound, 404, "not-found"),
    (QuotaExceeded, 429, "quota-exceeded"),
    (Conflict, 409, "conflict"),
    (Unauthorized, 401, "unauthorized"),
    (Forbidden, 403, "forbidden"),
    (StoreError, 503, "store"),
    (ProcessionError, 400, "error"),
)
"""(error, HTTP status, the last part of the problem's type). The first that fits counts."""
TYPES: Final = "https://procession.dev/problems/"


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457. `diagnostics` are those of a refused deployment."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    diagnostics: list[Diagnostic] = []


def problem_of(error: Exception, path: str) -> Problem:
    """What is told of an error."""
    if isinstance(error, HTTPException):
        return Problem("about:blank", error.detail, error.status_code, "", path)
    for kind, status, name in STATUS:
        if isinstance(error, kind):
            diagnostics = list(error.diagnostics) if isinstance(error, Refused) else []
            return Problem(TYPES + name, name.replace("-", " "), status, str(error), path, diagnostics)
    return Problem("about:blank", "internal server error", 500, "", path)


def answer_problem(request: Request[object, object, State], error: Exception) -> Response[Problem]:
    """The exception handler of the application."""
    problem = problem_of(error, request.url.path)
    if problem.status == 500:
        _LOG.error("a fault while answering %s %s", request.method, request.url.path, exc_info=error)
    return Response(problem, status_code=problem.status, media_type="application/problem+json")
