"""What clients are told of errors: a gRPC status and a text. An error is what `web.problems` says; here is its code."""

from __future__ import annotations

import logging
from typing import Final

import grpc

from procession.base.failure import ProcessionError
from procession.web.problems import problem_of

_LOG: Final = logging.getLogger("procession.web.zeebe")

CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""HTTP status of a problem -> code; any other is INTERNAL."""
TEXT_BYTES_MAX: Final = 2_000
"""Longest text of an error: it travels in trailers, which clients bound to 8 KiB, and a byte may become three there."""


class Status(ProcessionError):
    """An error that has a code of its own."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


def invalid(text: str) -> Status:
    """A request that means nothing."""
    return Status(grpc.StatusCode.INVALID_ARGUMENT, text)


def unserved(text: str) -> Status:
    """What Zeebe's gateway does and this one does not."""
    return Status(grpc.StatusCode.UNIMPLEMENTED, text)


def status_of(error: Exception, method: str) -> tuple[grpc.StatusCode, str]:
    """The code and the text of an error. One that is a fault of ours is logged, and says nothing."""
    if isinstance(error, Status):
        return error.code, cut(str(error))
    problem = problem_of(error, method)
    code = CODES.get(problem.status, grpc.StatusCode.INTERNAL)
    if code is grpc.StatusCode.INTERNAL:
        _LOG.error("a fault while answering %s", method, exc_info=error)
        return code, "internal error"
    return code, cut(problem.detail or problem.title)


def cut(text: str) -> str:
    """The text as far as a trailer carries it."""
    data = text.encode(errors="backslashreplace")
    if len(data) <= TEXT_BYTES_MAX:
        return data.decode()
    return data[:TEXT_BYTES_MAX].decode(errors="ignore") + " …"
