"""What a model says beyond the standard: expressions' texts, `zeebe` and `procession` extensions, unknown
ones.

Texts are kept as written: a value of a `zeebe` attribute is FEEL after a leading `=`, else literal; the
compiler decides. No parsing and no checks here.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.diagnostics import Span

NOWHERE: Final = Span()


@final
class Expression(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An expression of a standard element. `language` is its own one or ''.

    `formal` is true for tFormalExpression.
    """

    text: str
    language: str = ""
    formal: bool = False
    type_ref: str = ""
    span: Span = NOWHERE


@final
class TaskDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:taskDefinition`: the job type, and the retries or '' for the default."""

    type: str
    retries: str = ""
    span: Span = NOWHERE


@final
class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:header` of task headers: literal text for the worker."""

    key: str
    value: str
    span: Span = NOWHERE


@final
class Mapping(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:input` or `zeebe:output`: source expression and target variable path."""

    source: str
    target: str
    span: Span = NOWHERE


@final
class LoopCollection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:loopCharacteristics`: the collections of a multi-instance; '' where absent."""

    input_collection: str = ""
    input_element: str = ""
    output_collection: str = ""
    output_element: str = ""
    span: Span = NOWHERE


@final
class CalledElement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:calledElement`. `binding_type` is latest, deployment or versionTag as written, '' when absent.

    `propagate_all_child_variables` is None when the attribute is absent: its default depends on the mappings.
    """

    process_id: str
    binding_type: str = ""
    version_tag: str = ""
    propagate_all_child_variables: bool | None = None
    propagate_all_parent_variables: bool = True
    business_id: str = ""
    span: Span = NOWHERE


@final
class CalledDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:calledDecision`: the decision of a business rule task."""

    decision_id: str
    result_variable: str = ""
    binding_type: str = ""
    version_tag: str = ""
    span: Span = NOWHERE


@final
class ScriptExpression(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:script`: a FEEL script inside the model."""

    expression: str
    result_variable: str = ""
    span: Span = NOWHERE


@final
class Subscription(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:subscription` of a message."""

    correlation_key: str
    span: Span = NOWHERE


@final
class PublishMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:publishMessage` of a message throw event or send task; '' where absent."""

    correlation_key: str = ""
    message_id: str = ""
    time_to_live: str = ""
    span: Span = NOWHERE


@final
class Assignment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:assignmentDefinition` of a user task."""

    assignee: str = ""
    candidate_groups: str = ""
    candidate_users: str = ""
    span: Span = NOWHERE


@final
class Schedule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:taskSchedule`: dates of a user task."""

    due_date: str = ""
    follow_up_date: str = ""
    span: Span = NOWHERE


@final
class Form(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:formDefinition` of a user task or a start event."""

    form_id: str = ""
    form_key: str = ""
    external_reference: str = ""
    binding_type: str = ""
    version_tag: str = ""
    span: Span = NOWHERE


@final
class UserTaskForm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:userTaskForm`: a form kept inside a process; `body` is its JSON text."""

    id: str
    body: str
    span: Span = NOWHERE


@final
class Listener(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:executionListener` or `zeebe:taskListener`: a job at a moment of the element's life."""

    event_type: str
    type: str
    retries: str = ""
    headers: tuple[Header, ...] = ()
    span: Span = NOWHERE


@final
class Property(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:property`: a name and text that tools attach."""

    name: str
    value: str
    span: Span = NOWHERE


@final
class AdHoc(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:adHoc` of an ad-hoc sub-process."""

    active_elements_collection: str = ""
    output_collection: str = ""
    output_element: str = ""
    span: Span = NOWHERE


@final
class ConditionalFilter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:conditionalFilter`: which changes make a condition be evaluated; comma-separated lists as
    written.
    """

    variable_names: str = ""
    variable_events: str = ""
    span: Span = NOWHERE


@final
class LinkedResource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`zeebe:linkedResource` of a task."""

    resource_id: str
    resource_type: str = ""
    link_name: str = ""
    binding_type: str = ""
    version_tag: str = ""
    span: Span = NOWHERE


@final
class Retry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`procession:retry`: `cycle` such as `R3/PT10S`, or a `backoff` such as `PT1S, PT10S, PT1M`; '' where
    absent.
    """

    cycle: str = ""
    backoff: str = ""
    span: Span = NOWHERE


@final
class ScriptMapping(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`procession:script`: a script that runs `before` or `after` its element, or before or after all instances of a
    multi-instance activity where it stands in the loop's extensions. `target` takes its whole result; without one, the
    entries of the result are variables.
    """

    when: str = ""
    target: str = ""
    format: str = ""
    engine: str = ""
    body: str = ""
    span: Span = NOWHERE


@final
class ForeignAttribute(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An attribute of a namespace that this build does not interpret (`camunda:topic`)."""

    namespace: str
    name: str
    value: str


@final
class ForeignElement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An extension element that this build does not interpret, whole, so that reports and importers can read
    it.
    """

    namespace: str
    name: str
    attributes: tuple[ForeignAttribute, ...] = ()
    text: str = ""
    children: tuple[ForeignElement, ...] = ()
    span: Span = NOWHERE


@final
class Extension(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All extensions of one element. `foreign` and `foreign_attributes` hold what this build does not
    interpret.
    """

    task_definition: TaskDefinition | None = None
    headers: tuple[Header, ...] = ()
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    loop: LoopCollection | None = None
    called_element: CalledElement | None = None
    called_decision: CalledDecision | None = None
    script: ScriptExpression | None = None
    subscription: Subscription | None = None
    publish_message: PublishMessage | None = None
    user_task: bool = False
    assignment: Assignment | None = None
    schedule: Schedule | None = None
    priority: str = ""
    job_priority: str = ""
    form: Form | None = None
    user_task_forms: tuple[UserTaskForm, ...] = ()
    execution_listeners: tuple[Listener, ...] = ()
    task_listeners: tuple[Listener, ...] = ()
    properties: tuple[Property, ...] = ()
    version_tag: str = ""
    ad_hoc: AdHoc | None = None
    conditional_filter: ConditionalFilter | None = None
    linked_resources: tuple[LinkedResource, ...] = ()
    template: str = ""
    retry: Retry | None = None
    scripts: tuple[ScriptMapping, ...] = ()
    foreign: tuple[ForeignElement, ...] = ()
    foreign_attributes: tuple[ForeignAttribute, ...] = ()


NO_EXTENSION: Final = Extension()
