"""A real SMTP server for tests: what it took, and what it answers."""

from __future__ import annotations

import asyncio
import email
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller


class Inbox:
    """The handler of the server. `answer` refuses a message, where it is not ""."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answer = ""
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # aiosmtpd calls it so
        if self.answer:
            return self.answer
        self.messages.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    @property
    def texts(self) -> list[str]:
        return [message.get_content() for message in self.messages]


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """An SMTP server on a free port, as long as the block lasts."""
    inbox = Inbox()
    controller = _OnFreePort(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        inbox.port = controller.port
        yield inbox
    finally:
        controller.stop(no_assert=True)


class _OnFreePort(Controller):
    """A controller whose port the system chooses; by itself it would ask port 0 whether it has begun."""

    def _trigger_server(self) -> None:
        self.port = cast("asyncio.Server", self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd does not say what it gives
