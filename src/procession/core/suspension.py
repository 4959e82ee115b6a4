"""Suspension: an instance stands still. The state keeps what it waits for; the host has none of it on offer.

What people, workers, clocks and messages bring is held back. What other instances report is taken in, because it would
be lost; and whoever operates the instance may still change it.
"""

from __future__ import annotations

from typing import Final

from procession.core import events as e
from procession.core import facts as f
from procession.core.commands import (
    AnyCommand,
    ClearTimer,
    CreateJob,
    ParkJob,
    ReleaseJob,
    SetTimer,
    Standstill,
    Subscribe,
    Unsubscribe,
)
from procession.core.context import Context, Rejected
from procession.core.operations import CHECK
from procession.core.state import Subscription, Timer

HELD_BACK: Final = (
    e.CompleteJob,
    e.ExhaustJob,
    e.ThrowJobError,
    e.FireTimer,
    e.OfferMessage,
    e.ReceiveSignal,
    e.CompleteTask,
    e.AssignTask,
    e.UpdateTask,
    e.TriggerActivity,
)
"""Events that a suspended instance refuses."""


def suspend(cx: Context, event: e.Suspend) -> None:
    """Takes everything off that the instance waits for."""
    state = cx.state
    if state.suspended:
        raise Rejected("conflict", f"instance {state.instance} is suspended already")
    cx.write(f.InstanceSuspended(event.reason))
    cx.send(Standstill(True))
    for job in state.jobs.values():
        if not job.held:
            cx.send(ParkJob(job.key))
    for timer in state.timers:
        cx.send(ClearTimer(timer))
    for subscription in state.subscriptions:
        cx.send(Unsubscribe(subscription))


def resume(cx: Context, event: e.Resume) -> None:
    """Puts everything back; timers whose time has passed fire at once."""
    state = cx.state
    if not state.suspended:
        raise Rejected("conflict", f"instance {state.instance} is not suspended")
    cx.write(f.InstanceResumed())
    cx.send(Standstill(False))
    for job in state.jobs.values():
        if not job.held:
            cx.send(ReleaseJob(job.key))
    for timer in state.timers.values():
        cx.send(set_timer(timer))
    for subscription in state.subscriptions.values():
        cx.send(subscribe(subscription))
    for condition in state.conditions.values():
        cx.agenda.append((CHECK, condition.element, condition.key))


def kept_back(commands: list[AnyCommand]) -> list[AnyCommand]:
    """The commands of a step that a suspended instance made: what it newly waits for is not put on offer."""
    found: list[AnyCommand] = []
    for command in commands:
        if isinstance(command, SetTimer | Subscribe | Unsubscribe):
            continue
        found.append(command)
        if isinstance(command, CreateJob):
            found.append(ParkJob(command.job))
    return found


def set_timer(timer: Timer) -> SetTimer:
    """The command that an open timer stands for."""
    return SetTimer(timer.key, timer.element, timer.node, timer.due)


def subscribe(s: Subscription) -> Subscribe:
    """The command that an open subscription stands for."""
    return Subscribe(s.key, s.element, s.node, s.name, s.correlation_key, s.signal)
