"""Errors as RFC 9457 problems. One row an error; what is not in a table is a fault of ours, and says nothing.

docs/reference/problems.md is made from the tables here (`make reference`).
"""

from __future__ import annotations

import logging
from math import ceil
from typing import Any, Final, final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException

from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import (
    BadValue,
    Busy,
    Conflict,
    NotFound,
    Outdated,
    ProcessionError,
    QuotaExceeded,
    StoreError,
)
from procession.services.access import Forbidden, TooMany, Unauthorized, Unavailable
from procession.services.deployed import NoResult
from procession.services.journeys.ports import NotSent, Over
from procession.services.papers.orders import TooMuch
from procession.web.documents import Infected, NotScanned, TooLarge
from procession.web.envelope import request_id
from procession.web.file_types import WrongType
from procession.web.uploads import Held, WrongOffset

_LOG: Final = logging.getLogger("procession.web")


@final
class BadBody(ProcessionError):
    """A body that cannot be read, or that is not what the operation takes. `field` is the place in it, "" for all."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@final
class MediaType(ProcessionError):
    """A body of a type that the operation does not take."""


@final
class Slow(ProcessionError):
    """A body that does not come."""


STATUS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (Refused, 422, "refused", "A deployment holds errors: `diagnostics` lists them all."),
    (NoResult, 422, "no-result", "What was asked has no result."),
    (BadBody, 400, "bad-request", "The body, a parameter or a header is not what the operation takes: see `errors`."),
    (BadValue, 400, "bad-value", "A value of the right form that cannot be taken: the text names it and the limit."),
    (MediaType, 415, "media-type", "The body is of a media type that the operation does not take."),
    (Slow, 408, "too-slow", "The body did not come in time."),
    (WrongType, 415, "media-type", "The body is of a media type that the operation does not take."),
    (TooLarge, 413, "too-large", "The body is larger than the operation takes."),
    (WrongOffset, 409, "wrong-offset", "The piece does not begin where the upload ends: ask where it goes on."),
    (Held, 423, "held", "Another connection is at it: ask again after `Retry-After` seconds."),
    (
        NotScanned,
        423,
        "not-scanned",
        "The document was not found clean yet: ask again after `Retry-After` seconds.",
    ),
    (Infected, 409, "infected", "A virus was found in the document, and its bytes are deleted."),
    (TooMuch, 422, "too-much", "A paper takes more time or memory than one may."),
    (NotFound, 404, "not-found", "It does not exist, exists no longer, or is not for this caller to see."),
    (Busy, 429, "busy", "Too much waits or is leased already: ask again after `Retry-After` seconds."),
    (QuotaExceeded, 429, "quota-exceeded", "The tenant has, or asks for, more than its quota: the text names it."),
    (Conflict, 409, "conflict", "It is in a state that does not allow this, or an idempotency key was used before."),
    (Unauthorized, 401, "unauthorized", "Nobody is known by these credentials."),
    (Over, 410, "over", "A link, a session or a code that held once, and holds no longer."),
    (NotSent, 503, "not-sent", "A message could not be handed over to who delivers it: try again."),
    (Forbidden, 403, "forbidden", "The caller may not do this."),
    (TooMany, 429, "too-many-requests", "The tenant's limit is reached: ask again after `Retry-After` seconds."),
    (Unavailable, 503, "unavailable", "What is needed to answer cannot be reached now: ask again."),
    (StoreError, 503, "unavailable", "The server cannot use its store now: ask again."),
    (ProcessionError, 400, "error", "Another error that the text tells."),
)
"""(error, HTTP status, code, what it says). The first that fits counts."""
OF_STATUS: Final[dict[int, tuple[str, str]]] = {
    400: ("bad-request", "The body, a parameter or a header is not what the operation takes: see `errors`."),
    401: ("unauthorized", "Nobody is known by these credentials."),
    403: ("forbidden", "The caller may not do this."),
    404: ("no-route", "Nothing stands at this path."),
    405: ("method-not-allowed", "The path does not take this method."),
    412: ("precondition", "The resource has another version than `If-Match` names."),
    413: ("too-large", "The body is larger than the operation takes."),
    415: ("media-type", "The body is of a media type that the operation does not take."),
    429: ("too-many-requests", "The tenant's limit is reached: ask again after `Retry-After` seconds."),
    500: ("internal", "A fault of the server. It is logged under the request's id."),
    503: ("unavailable", "The server cannot do this now: ask again."),
}
"""What HTTP itself refuses: status to code, and what it says."""
TYPES: Final = "https://procession.dev/problems/"
PROBLEM_JSON: Final = "application/problem+json"
"""The media type of a problem."""
RETRY_S: Final = 1
"""When to ask a server again that cannot use its store."""


@final
class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field of a request."""

    message: str
    field: str = ""
    source: str = ""
    """`body`, `query`, `path`, `header` or `cookie`."""


@final
class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457. `code` is stable; `diagnostics` are those of a refused deployment."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    instance: str = ""
    request_id: str = ""
    errors: list[FieldError] = []
    diagnostics: list[Diagnostic] = []


def problem_of(error: Exception, path: str, asked: str = "") -> Problem:
    """What is told of an error that happened at a path, to the request with this id."""
    if isinstance(error, HTTPException):
        return _of_http(error, path, asked)
    for kind, status, code, title in STATUS:
        if isinstance(error, kind):
            # What a store says of itself names files and hosts.
            told = "" if status >= 500 and not isinstance(error, NotSent) else str(error)
            found = _problem(code, title, status, told, (path, asked))
            if isinstance(error, Refused):
                found.diagnostics = list(error.diagnostics)
            if isinstance(error, BadBody):
                found.errors = [FieldError(str(error), error.field, "body")]
            return found
    code, title = OF_STATUS[500]
    return _problem(code, title, 500, "", (path, asked))


def _of_http(error: HTTPException, path: str, asked: str) -> Problem:
    status = error.status_code
    code, title = OF_STATUS.get(status, (f"http-{status}", "The request is refused."))
    if isinstance(error, ValidationException):
        # Its own text repeats the query, whatever stands in it.
        found = _problem(code, title, status, "the request does not fit the operation", (path, asked))
        found.errors = [_field_error(each) for each in error.extra] if isinstance(error.extra, list) else []
        return found
    return _problem(code, title, status, error.detail if status < 500 else "", (path, asked))


def _problem(code: str, title: str, status: int, detail: str, where: tuple[str, str]) -> Problem:
    return Problem(TYPES + code, title, status, code, detail, *where)


def _field_error(said: Any) -> FieldError:
    message, key, source = (str(said.get(name, "")) for name in ("message", "key", "source"))
    if (message, key) == ("'data'", "data"):
        message, key = "the body is missing", ""
    return FieldError(message, key, source.rpartition(".")[2].lower())


def answer_problem(request: Request[Any, Any, State], error: Exception) -> Response[Problem]:
    """The exception handler of the application."""
    asked = request_id(request.scope)
    if isinstance(error, Outdated) and request.headers.get("if-match", "*").strip() != "*":
        # The version is the caller's own condition. Without one, somebody else was faster: a conflict like any other.
        error = HTTPException(status_code=412, detail=str(error))
    problem = problem_of(error, request.scope["path"], asked)
    if problem.status >= 500:
        _LOG.error("%s while answering %s, request %s", problem.code, request.method, asked, exc_info=error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(error.seconds)
    elif isinstance(error, QuotaExceeded):
        # Without a time, waiting alone changes nothing.
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
    elif problem.status in {423, 429, 503}:
        headers["Retry-After"] = str(RETRY_S)
    elif problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="procession"'
    headers.pop("content-type", None)
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)
