"""When a run ends for another one to go on, and with which build of the workers that one starts. Within a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from temporalio import workflow
from temporalio.workflow import ContinueAsNewVersioningBehavior

from procession.hosts.temporal.house import House
from procession.hosts.temporal.payloads import Settings

STARTS_WITH: Final[Mapping[bool, ContinueAsNewVersioningBehavior]] = {
    False: ContinueAsNewVersioningBehavior.UNSPECIFIED,
    True: ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
}
"""By `Settings.upgrade`: the build of the run before, or the one that the deployment gives to new workflows."""


def spent(settings: Settings, house: House, taken_in: int, now: int, *, in_flight: bool) -> str:
    """What of the budget is spent, "" for nothing. `taken_in` are the events of this run, `now` is in Unix ms."""
    info, budget = workflow.info(), settings.budget
    events = info.get_current_history_length()
    newer = info.is_target_worker_deployment_version_changed()
    # Some servers suggest it at every task where there is a newer build; what else they have in mind is in our budget.
    if info.is_continue_as_new_suggested() and not newer:
        return "suggested"
    if newer and settings.upgrade:
        return "upgrade"
    if taken_in >= budget.steps:
        return "steps"
    if taken_in and (events >= budget.events or info.get_current_history_size() >= budget.bytes):
        return "history"
    idle = events >= budget.idle_events and not in_flight and _sleeps(house, now, budget.idle)
    return "idle" if idle else ""


def _sleeps(house: House, now: int, idle: int) -> bool:
    """Whether nothing is due for so long."""
    timers = (timer.due for body in house.bodies.values() for timer in body.state.timers.values())
    return all(due - now > idle for due in timers)
