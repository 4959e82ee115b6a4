"""Requests about instances that move between hosts (docs/design/0019). Data only; imported by way of `requests`."""

from __future__ import annotations

from typing import final

from procession.runtime.elsewhere import Left
from procession.runtime.request import Request


@final
class HandOver(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Let an instance, with all that it called, go on on another host; answered with how many those are.

    `jobs`: `carry`, they are done there under the same keys; `wait`, nothing moves while one is under way; `reissue`,
    all that are open are cancelled and issued anew first.
    """

    instance: int
    host: str
    jobs: str = "carry"


@final
class TakeBack(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Let an instance go on here that another host has let go; answered with how many those are. `seqs` and `seen` are
    what that host said (`elsewhere.Left`); `jobs` as in `HandOver`."""

    instance: int
    seqs: dict[int, int] = {}
    seen: int = 0
    jobs: str = "carry"


@final
class MoveOn(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Go on with a move of a batch, the row `number` of the outbox (`elsewhere.Moving`); answered with whether that
    is taken note of. If not, what the other host did is not known here yet: ask again in a moment.

    `left` is what it said when it let the instance go, `busy` why it does not, `gone` that it has none of it.
    """

    number: int
    left: Left | None = None
    busy: str = ""
    gone: bool = False


@final
class RevertBatch(Request, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Stop a batch of moves, and move back what it moved; answered with the key of the batch that does that."""

    batch: int
