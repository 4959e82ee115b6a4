"""What goes wrong while payloads are sealed or opened. None of it ends an instance.

The SDK fails the task of a workflow for a plain exception, tries it again, and goes on when the cause is gone. It ends
the workflow for an `ApplicationError` that is not to be retried; so nothing here is one, and nothing here imports the
SDK. The texts name tenants, keys, places and remedies, never a value: they are shown in the server's history.
"""

from __future__ import annotations

from typing import Final

from procession.base.failure import ProcessionError


class CodecError(ProcessionError):
    """A payload could not be sealed or opened. Repair the cause that the text names; the workflow goes on."""


class KeyUnavailable(CodecError):
    """A key is not there: not in the file, retired too early, or whoever keeps the keys does not answer."""


class NotAuthentic(CodecError):
    """The bytes are not what was sealed: altered, cut, of another key or another workflow, or not sealed at all."""


class BlobUnavailable(CodecError):
    """A claim could not be stored or fetched: the store does not answer, or the blob is not there."""


class NoTenant(CodecError):
    """There is no workflow id that names a tenant, so no key: nothing is written without one."""


class PayloadTooLarge(CodecError):
    """A payload is larger than `payload_bytes_max`, or says that it would become so."""


NAMES: Final = frozenset(
    kind.__name__ for kind in (CodecError, KeyUnavailable, NotAuthentic, BlobUnavailable, NoTenant, PayloadTooLarge)
)
"""The types that such a failure has in a history."""


def is_codec_failure(error: BaseException | None) -> bool:
    """Whether a codec's failure is what `error` is or was caused by, here or on another worker.

    An activity whose arguments or result could not be sealed or opened fails as an attempt of that activity. Whoever
    counts attempts must not count this one: the job was not the cause.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, CodecError) or getattr(error, "type", None) in NAMES:
            return True
        seen.add(id(error))
        error = error.__cause__
    return False
