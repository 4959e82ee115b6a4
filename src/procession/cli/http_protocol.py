"""HTTP/1.1 as uvicorn reads it with httptools, and what that lacks: how long the head of a request may be, and that it
names a version."""

from __future__ import annotations

from typing import Any, Final, cast, final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 64 * 1024
"""Longest request line and headers together; more is answered with 400, and the connection closed."""


class _Refused(Exception):
    pass


@final
class BoundedProtocol(HttpToolsProtocol):
    """Closes what sends a head that is too long, also one that never ends, or one without a version."""

    _head = 0
    _reading_head = True

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        super().data_received(data)
        if self._reading_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > HEAD_BYTES_MAX:
                cast("Any", self).send_400_response("the head of the request is too long")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._reading_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        """The head is there; what is raised here is answered with 400."""
        self._reading_head = False
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > HEAD_BYTES_MAX:
            raise _Refused
        if cast("Any", self.parser).get_http_version() == "0.9":  # a request line without a version
            raise _Refused
        super().on_headers_complete()
