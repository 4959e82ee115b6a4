"""The codec in the SDK's data converter: contexts, failures, and errors that never end a workflow."""

from __future__ import annotations

from typing import Final

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    NexusSerializationContext,
    SerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

import codec_rig as rig
from procession.hosts.temporal.codec import (
    CodecConfig,
    KeyUnavailable,
    NoTenant,
    data_converter,
    errors,
    is_codec_failure,
)

WORKFLOW: Final = WorkflowSerializationContext(namespace="default", workflow_id="acme/1")


def activity(workflow_id: str | None) -> ActivitySerializationContext:
    """The context of an activity that a workflow started, or nobody."""
    return ActivitySerializationContext(
        namespace="default",
        activity_id="acme/1",
        activity_type="work",
        activity_task_queue="queue",
        workflow_id=workflow_id,
        workflow_type="order",
        is_local=False,
    )


def converter(context: SerializationContext | None = WORKFLOW) -> DataConverter:
    """A converter in a context, or in none."""
    made = data_converter(CodecConfig(), keyring=rig.ring())
    return made if context is None else made.with_context(context)


@pytest.mark.parametrize("reader", [WORKFLOW, activity("acme/1")], ids=["workflow", "activity"])
@pytest.mark.parametrize("writer", [WORKFLOW, activity("acme/1")], ids=["workflow", "activity"])
def test_a_workflow_and_its_activities_read_each_other(
    writer: SerializationContext, reader: SerializationContext
) -> None:
    sealed = rig.run(converter(writer).encode([{"amount": 12}, None]))
    assert rig.run(converter(reader).decode(sealed)) == [{"amount": 12}, None]


NOWHERE: Final = {
    "none": None,
    "standalone activity": activity(None),
    "standalone activity of a worker": activity(""),
    "Nexus": NexusSerializationContext(endpoint="e", service="s", operation="o"),
    "a workflow of somebody else": WorkflowSerializationContext(namespace="default", workflow_id="order-1"),
}


@pytest.mark.parametrize("where", NOWHERE)
def test_where_the_context_names_no_tenant_nothing_is_sealed_or_opened(where: str) -> None:
    [sealed] = rig.run(converter().encode(["secret"]))
    with pytest.raises(NoTenant):
        rig.run(converter(NOWHERE[where]).encode(["secret"]))
    with pytest.raises(errors.CodecError):
        rig.run(converter(NOWHERE[where]).decode([sealed]))


def test_a_failure_hides_its_text_and_its_stack() -> None:
    failure = Failure()
    try:
        raise ApplicationError("order of Ada", {"amount": 12}, type="Declined")
    except ApplicationError as error:
        rig.run(converter().encode_failure(error, failure))
    assert failure.message == "Encoded failure"
    assert not failure.stack_trace
    assert failure.application_failure_info.type == "Declined"
    assert b"Ada" not in failure.SerializeToString()
    assert b"amount" not in failure.SerializeToString()
    opened = rig.run(converter().decode_failure(failure))
    assert isinstance(opened, ApplicationError)
    assert (opened.message, list(opened.details)) == ("order of Ada", [{"amount": 12}])


def test_what_is_wrong_with_a_key_stays_readable_without_keys_and_its_cause_does_not() -> None:
    failure = Failure()
    try:
        try:
            raise ValueError("token=topsecret")
        except ValueError as cause:
            raise KeyUnavailable("tenant 'acme' has no key 'k1'") from cause
    except KeyUnavailable as error:
        made = data_converter(CodecConfig(), keyring=rig.ring(other=rig.keys())).with_context(WORKFLOW)
        rig.run(made.encode_failure(error, failure))
    assert failure.message == "tenant 'acme' has no key 'k1'"
    assert failure.application_failure_info.type == "KeyUnavailable"
    assert not failure.application_failure_info.non_retryable
    assert b"topsecret" not in failure.SerializeToString()
    assert is_codec_failure(rig.run(made.decode_failure(failure)))


@pytest.mark.parametrize(
    ("wrapper", "told"),
    [
        (ApplicationError("Failed decoding arguments"), "KeyUnavailable"),
        (ApplicationError("Failed decoding heartbeat details", non_retryable=True), "KeyUnavailable"),
        (ApplicationError("declined", type="Declined", non_retryable=True), "Declined"),
        (RuntimeError("Failed decoding arguments"), "RuntimeError"),
    ],
)
def test_what_the_sdk_wraps_for_an_activity_can_be_tried_again_and_says_why(wrapper: Exception, told: str) -> None:
    failure = Failure()
    wrapper.__cause__ = KeyUnavailable("no key")
    rig.run(converter().encode_failure(wrapper, failure))
    assert failure.application_failure_info.type == told
    assert failure.application_failure_info.non_retryable is (told == "Declined")
    assert failure.message == ("no key" if told == "KeyUnavailable" else "Encoded failure")


@pytest.mark.parametrize("kind", sorted(errors.NAMES))
def test_no_error_of_the_codec_is_one_that_ends_workflows(kind: str) -> None:
    assert not issubclass(getattr(errors, kind), ApplicationError)


def test_a_failure_of_the_codec_is_known_through_its_causes() -> None:
    def activity_error(cause: BaseException) -> ActivityError:
        error = ActivityError(
            "failed", scheduled_event_id=1, started_event_id=2, identity="", activity_type="", activity_id="",
            retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
        )  # fmt: skip
        error.__cause__ = cause
        return error

    arguments = ApplicationError("Failed decoding arguments")
    arguments.__cause__ = ApplicationError("no key", type="KeyUnavailable")
    assert is_codec_failure(activity_error(arguments))
    assert is_codec_failure(activity_error(KeyUnavailable("no key")))
    assert not is_codec_failure(activity_error(ApplicationError("declined", type="Declined")))
    assert not is_codec_failure(None)
