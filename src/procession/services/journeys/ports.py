"""What journeys need of the outside: somebody who sends a message to a person. Contracts only."""

from __future__ import annotations

from typing import Protocol, final

import msgspec

from procession.base.failure import ProcessionError


class NotSent(ProcessionError):
    """A message could not be handed over to who delivers it. The person may try again."""


class Over(ProcessionError):
    """A link, a session or a code that held once: `text` says which. `journey` is what a link that was used opened."""

    def __init__(self, text: str, said: str, journey: str = "") -> None:
        super().__init__(said)
        self.text = text
        self.journey = journey


@final
class Letter(msgspec.Struct, frozen=True, gc=False):
    """A message: by `email` or `sms`, to an address, in a language; `link` leads to the journey, `code` opens it."""

    by: str
    to: str
    language: str
    code: str
    link: str = ""
    brand: str = ""


class Post(Protocol):
    """Sends messages."""

    def ways(self) -> frozenset[str]:
        """Those that are set up: `email`, `sms`."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hands a message over. Raises `NotSent`."""
        ...


@final
class NoPost:
    """Nothing is set up."""

    def ways(self) -> frozenset[str]:
        """See `Post.ways`."""
        return frozenset()

    async def send(self, letter: Letter) -> None:
        """See `Post.send`."""
        raise NotSent(f"this server has no way to send by {letter.by}")
