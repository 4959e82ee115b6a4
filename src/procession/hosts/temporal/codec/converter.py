"""The codec as the SDK wants it: a `PayloadCodec` that knows from its context whose payloads these are, and failures.

The context names a workflow wherever Procession sends or reads something: starts, signals, updates, queries, results,
memos, activities and their heartbeats, and also schedules. It names none for activities and Nexus operations that no
workflow started, and for an activity that is completed by its token alone: nothing is sealed or opened there, and
`NoTenant` says so. What the SDK does not show to a codec stays readable: search attributes, ids, the types of failures,
and what its markers say about local activities and patches (names, times).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    FailureConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError

from procession.hosts.temporal.codec.blobs import Blobs
from procession.hosts.temporal.codec.chain import Chain
from procession.hosts.temporal.codec.config import CodecConfig
from procession.hosts.temporal.codec.errors import CodecError, NoTenant
from procession.hosts.temporal.codec.keys import Keyring

_WRAPPED: Final = frozenset({"Failed decoding arguments", "Failed decoding heartbeat details"})
"""What the SDK says of an activity whose input does not open (temporalio/worker/_activity.py)."""


def data_converter(
    config: CodecConfig,
    *,
    keyring: Keyring | None = None,
    blobs: Blobs | None = None,
    payload_converter_class: type[PayloadConverter] = DefaultPayloadConverter,
) -> DataConverter:
    """The converter that clients, workers and replayers of one deployment share.

    `keyring` and `blobs` take the place of what `config` names. Messages and stack traces of failures are sealed like
    values. Raises `CodecError` for a configuration that lacks keys, `KeyUnavailable` for a file of keys that is none.
    """
    return DataConverter(
        payload_converter_class=payload_converter_class,
        payload_codec=SealingCodec(Chain(config, keyring, blobs)),
        failure_converter_class=SealedFailures,
    )


@final
class SealingCodec(PayloadCodec, WithSerializationContext):
    """Seals and opens with a `Chain`, for the workflow of its context."""

    __slots__ = ("_chain", "_workflow_id")

    def __init__(self, chain: Chain, workflow_id: str | None = None) -> None:
        self._chain = chain
        self._workflow_id = workflow_id

    def with_context(self, context: SerializationContext) -> SealingCodec:
        """The codec for the workflow that a context names, or one that refuses everything."""
        return SealingCodec(self._chain, _workflow_id(context))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads, sealed. Raises `CodecError` and its kinds, which fail a task and never a workflow."""
        return await self._chain.seal(self._named(), payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads, opened. Raises `CodecError` and its kinds, which fail a task and never a workflow."""
        return await self._chain.open(self._named(), payloads)

    def _named(self) -> str:
        if not self._workflow_id:
            raise NoTenant(
                "the SDK names no workflow here (a standalone activity, a Nexus operation, a completion by token): "
                "there is no tenant, hence no key"
            )
        return self._workflow_id


@final
class SealedFailures(FailureConverter):
    """Failures whose message and stack trace pass the codec; a codec's own failures stay readable.

    Whoever repairs the keys must be able to read what is wrong with them, and those texts hold no value.
    """

    __slots__ = ("_plain", "_sealed")

    def __init__(self) -> None:
        self._sealed = DefaultFailureConverterWithEncodedAttributes()
        self._plain = DefaultFailureConverter()

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """See `FailureConverter.to_failure`."""
        found = _codec_error(exception)
        if found is None:
            self._sealed.to_failure(exception, payload_converter, failure)
            return
        # Its cause is somebody else's, whose text may hold anything, and so may the lines of a stack.
        self._plain.to_failure(type(found)(*found.args), payload_converter, failure)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """See `FailureConverter.from_failure`."""
        return self._sealed.from_failure(failure, payload_converter)


def _codec_error(exception: BaseException) -> CodecError | None:
    """The codec's failure that an exception is, or that the SDK wraps for an activity.

    Of heartbeats it makes an error that is not to be tried again, and of arguments one that hides the reason.
    """
    if isinstance(exception, ApplicationError) and exception.message in _WRAPPED:
        exception = exception.__cause__ or exception
    return exception if isinstance(exception, CodecError) else None


def _workflow_id(context: SerializationContext) -> str | None:
    if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
        return context.workflow_id
    return None
