"""What stands in the metadata of a sealed payload, and reading it: nothing here trusts it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

from temporalio.api.common.v1 import Payload

from procession.hosts.temporal.codec.errors import NotAuthentic

_Result = TypeVar("_Result")

ENCODING: Final = "encoding"
"""Where all parts of Temporal look for how a payload is encoded."""
WORKFLOW: Final = "procession-workflow"
"""The workflow that a payload belongs to, as `binding` says it. The seal covers it."""
KEY: Final = "procession-key"
"""The id of the key that sealed it. The seal covers it."""

ZSTD: Final = b"binary/procession-zstd"
SEALED: Final = b"binary/procession-sealed"
CLAIM: Final = b"binary/procession-claim"

_OFFLOAD_BYTES: Final = 256 * 1024
"""From this size on, work on bytes goes to a thread, so that heartbeats and other workflows do not wait for it."""
_SCHEDULED: Final = re.compile(r"-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


def binding(workflow_id: str) -> str:
    """What a payload of this workflow is bound to: the id, without the time that a schedule appends to it.

    A schedule is written before the ids of its runs are known, and each run is given the result of the one before.
    """
    return _SCHEDULED.sub("", workflow_id)


def encoding(payload: Payload) -> bytes:
    """How a payload is encoded, or b"" where it does not say."""
    return payload.metadata.get(ENCODING, b"")


def text_of(payload: Payload, name: str) -> str:
    """A text in the metadata. Raises `NotAuthentic` where there is none."""
    try:
        return payload.metadata[name].decode() if name in payload.metadata else _absent(name)
    except UnicodeDecodeError:
        return _absent(name)


def parsed(data: bytes) -> Payload:
    """The payload in `data`. Raises `NotAuthentic` where there is none."""
    try:
        return Payload.FromString(data)
    except Exception:
        # Protobuf's implementations differ in what they raise.
        raise NotAuthentic("the bytes inside a payload are no payload") from None


async def beside(work: Callable[[bytes], _Result], data: bytes) -> _Result:
    """`work(data)`, in a thread if there is much of it."""
    if len(data) < _OFFLOAD_BYTES:
        return work(data)
    return await asyncio.to_thread(work, data)


def _absent(name: str) -> str:
    raise NotAuthentic(f"a sealed payload does not say its {name}")
