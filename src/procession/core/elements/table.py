"""The element table: one row for each `Kind` that an operation activates.

Adding an element is a row here and a function in its family's file. An activation of an ad-hoc sub-process has no row:
what is in it begins with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from procession.core.context import Context
from procession.core.elements import ad_hoc, events, gateways, loops, multi_instance, scopes, tasks
from procession.core.state import ElementInstance
from procession.ir.kinds import Kind
from procession.ir.program import Node

Enter: TypeAlias = Callable[[Context, Node, ElementInstance], None]

ENTER: Final[dict[Kind, Enter]] = {
    Kind.PROCESS: scopes.scope_enter,
    Kind.START_EVENT: events.pass_enter,
    Kind.END_EVENT: events.throw_enter,
    Kind.INTERMEDIATE_THROW_EVENT: events.throw_enter,
    Kind.INTERMEDIATE_CATCH_EVENT: events.wait_enter,
    Kind.BOUNDARY_EVENT: events.pass_enter,
    Kind.TASK: tasks.pass_enter,
    Kind.JOB_TASK: tasks.job_enter,
    Kind.SCRIPT_TASK: tasks.script_enter,
    Kind.DECISION_TASK: tasks.decision_enter,
    Kind.USER_TASK: tasks.user_enter,
    Kind.RECEIVE_TASK: events.wait_enter,
    Kind.SUB_PROCESS: scopes.scope_enter,
    Kind.EVENT_SUB_PROCESS: scopes.handler_enter,
    Kind.CALL_ACTIVITY: scopes.call_enter,
    Kind.EXCLUSIVE_GATEWAY: gateways.gateway_enter,
    Kind.PARALLEL_GATEWAY: gateways.gateway_enter,
    Kind.INCLUSIVE_GATEWAY: gateways.gateway_enter,
    Kind.EVENT_BASED_GATEWAY: events.wait_enter,
    Kind.MULTI_INSTANCE: multi_instance.body_enter,
    Kind.COMPLEX_GATEWAY: gateways.gateway_enter,
    Kind.LOOP: loops.body_enter,
    Kind.TRANSACTION: scopes.scope_enter,
    Kind.AD_HOC_SUB_PROCESS: ad_hoc.ad_hoc_enter,
}
"""What an element does when it becomes active."""

COLLECT: Final[dict[Kind, Callable[[Context, int], None]]] = {
    Kind.MULTI_INSTANCE: multi_instance.collect,
    Kind.LOOP: loops.collect,
}
"""What follows when an activity inside a body is done."""

ASK: Final[dict[Kind, Enter]] = {
    Kind.CALL_ACTIVITY: scopes.ask_process,
    Kind.DECISION_TASK: tasks.ask_decision,
}
"""How an element asks the host for the definition that it calls."""

RESOLVED: Final[dict[Kind, Callable[[Context, ElementInstance], None]]] = {
    Kind.CALL_ACTIVITY: scopes.process_resolved,
    Kind.DECISION_TASK: tasks.decision_resolved,
}
"""What follows once the definition is known."""
