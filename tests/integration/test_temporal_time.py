"""Skipped time on server 1.32.1, as `procession.testing.temporal.servers` tells it: when, how far, and when not."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from procession.testing.temporal import DevServer
from temporal_workflows import DAY, QUEUE, Gate, Parent, Racing, Renewing, Retrying, Timers, Waiting, eventually, worker

SECOND: Final = timedelta(seconds=1)
BY_HAND: Final = TimeSkippingConfig(enabled=False)


def test_a_timer_of_a_day_fires_at_once(temporal_server: DevServer) -> None:
    async def scene() -> tuple[datetime, datetime, float]:
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client):
            began = time.monotonic()
            handle = await client.start_workflow(Timers.run, [86_400], id="w", task_queue=QUEUE)
            (woke,) = await handle.result()
            started = (await handle.describe()).start_time
            return started, woke, time.monotonic() - began

    started, woke, spent = asyncio.run(scene())
    assert DAY <= woke - started < DAY + 5 * SECOND
    assert spent < 5


def test_time_is_moved_by_hand_and_what_is_due_fires_in_order(temporal_server: DevServer) -> None:
    async def scene() -> None:
        skipper = TimeSkipper(await temporal_server.connect(), config=BY_HAND)
        async with worker(skipper.client):
            handle = await skipper.client.start_workflow(
                Timers.run, [1000, 2000, 3000, 86_400], id="w", task_queue=QUEUE
            )
            start = (await handle.describe()).start_time

            async def after(seconds: int) -> list[int]:
                before = await skipper.get_current_time(handle)
                assert await skipper.fast_forward(handle, seconds)
                # Nothing holds the clock: it runs on from the target in real time.
                moved = await skipper.get_current_time(handle) - before
                assert seconds <= moved.total_seconds() < seconds + 5
                return [int((woke - start).total_seconds()) // 100 * 100 for woke in await handle.query(Timers.woken)]

            assert await after(900) == []
            assert await after(200) == [1000]
            assert await after(100) == [1000]
            # Two timers within one step, the second of which is only set when the first has fired.
            assert await after(5000) == [1000, 3000, 6000]

    asyncio.run(scene())


def test_a_step_that_the_workflow_does_not_live_to_see_returns_false(temporal_server: DevServer) -> None:
    async def scene() -> None:
        skipper = TimeSkipper(await temporal_server.connect(), config=BY_HAND)
        async with worker(skipper.client):
            handle = await skipper.client.start_workflow(Timers.run, [1000], id="w", task_queue=QUEUE)
            assert not await skipper.fast_forward(handle, DAY)
            assert len(await handle.result()) == 1

    asyncio.run(scene())


def test_a_signal_after_a_step_sees_the_moved_clock(temporal_server: DevServer) -> None:
    async def scene() -> timedelta:
        skipper = TimeSkipper(await temporal_server.connect(), config=BY_HAND)
        async with worker(skipper.client):
            handle = await skipper.client.start_workflow(Waiting.run, id="w", task_queue=QUEUE)
            assert await skipper.fast_forward(handle, 3 * DAY)
            await handle.signal(Waiting.note, "end")
            ((_, at),) = await handle.result()
            return at - (await handle.describe()).start_time

    assert 3 * DAY <= asyncio.run(scene()) < 3 * DAY + 5 * SECOND


def test_time_does_not_skip_past_an_activity_in_flight(temporal_server: DevServer) -> None:
    async def scene() -> list[str]:
        gate = Gate()
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client, gate.hold):
            handle = await client.start_workflow(Racing.run, id="w", task_queue=QUEUE)
            await gate.entered.wait()
            assert await _clock(handle) - (await handle.describe()).start_time < timedelta(minutes=1)
            gate.opened.set()
            return await handle.result()

    assert asyncio.run(scene()) == ["activity", "timer"]


def test_a_step_waits_for_the_activity_in_flight(temporal_server: DevServer) -> None:
    async def scene() -> None:
        gate = Gate()
        skipper = TimeSkipper(await temporal_server.connect(), config=BY_HAND)
        async with worker(skipper.client, gate.hold):
            handle = await skipper.client.start_workflow(Racing.run, id="w", task_queue=QUEUE)
            await gate.entered.wait()
            step = asyncio.create_task(skipper.fast_forward(handle, timedelta(hours=1)))

            async def switched_on() -> bool:
                info = await skipper.get_time_skipping_info(handle)
                return bool(info and info.effective_config.enabled)

            await eventually(switched_on)
            assert not step.done()
            gate.opened.set()
            assert await step

    asyncio.run(scene())


def test_the_wait_before_a_next_attempt_is_skipped(temporal_server: DevServer) -> None:
    async def scene() -> tuple[int, timedelta]:
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client):
            handle = await client.start_workflow(Retrying.run, id="w", task_queue=QUEUE)
            attempt, at = await handle.result()
            return attempt, at - (await handle.describe()).start_time

    attempt, lasted = asyncio.run(scene())
    assert attempt == 3
    assert timedelta(hours=2) <= lasted < timedelta(hours=2, seconds=5)


def test_who_waits_for_a_signal_stays_unless_its_run_may_time_out(temporal_server: DevServer) -> None:
    async def scene() -> None:
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client):
            patient = await client.start_workflow(Waiting.run, id="patient", task_queue=QUEUE)
            limited = await client.start_workflow(Waiting.run, id="limited", task_queue=QUEUE, run_timeout=30 * DAY)

            async def timed_out() -> bool:
                return (await limited.describe()).status == WorkflowExecutionStatus.TIMED_OUT

            await eventually(timed_out)
            description = await patient.describe()
            assert description.status == WorkflowExecutionStatus.RUNNING
            assert await _clock(patient) - description.start_time < timedelta(minutes=1)

    asyncio.run(scene())


def test_a_child_skips_on_a_clock_of_its_own_that_runs_ahead(temporal_server: DevServer) -> None:
    async def scene() -> tuple[datetime, datetime]:
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client):
            return await client.execute_workflow(Parent.run, id="w", task_queue=QUEUE)

    child, parent = asyncio.run(scene())
    assert timedelta(hours=1, minutes=59) < child - parent < timedelta(hours=2)


def test_a_step_goes_on_through_runs_that_continue_as_new(temporal_server: DevServer) -> None:
    async def scene() -> None:
        skipper = TimeSkipper(await temporal_server.connect(), config=BY_HAND)
        async with worker(skipper.client):
            first = await skipper.client.start_workflow(Renewing.run, args=[4, []], id="w", task_queue=QUEUE)
            start = (await first.describe()).start_time
            handle = skipper.client.get_workflow_handle("w")
            assert await skipper.fast_forward(handle, timedelta(hours=2, minutes=30))
            assert not await skipper.fast_forward(handle, DAY)
            woke = await first.result()
            assert [int((at - start).total_seconds()) // 60 for at in woke] == [60, 120, 180, 240]

    asyncio.run(scene())


def test_skipping_ends_without_a_word_after_its_number_of_skips(temporal_server: DevServer) -> None:
    async def scene() -> None:
        config = TimeSkippingConfig(max_session_skip_count=3)
        skipper = TimeSkipper(await temporal_server.connect(), config=config)
        async with worker(skipper.client):
            handle = await skipper.client.start_workflow(Timers.run, [60] * 5, id="w", task_queue=QUEUE)

            async def woken_thrice() -> bool:
                return len(await handle.query(Timers.woken)) == 3

            await eventually(woken_thrice)
            info = await skipper.get_time_skipping_info(handle)
            assert info
            assert not info.effective_config.enabled
            # More than a minute: the third task may still be about to set the fourth timer.
            assert await skipper.fast_forward(handle, 90)
            assert len(await handle.query(Timers.woken)) == 4

    asyncio.run(scene())


def test_our_server_skips_more_often_than_others_before_it_ends(temporal_server: DevServer) -> None:
    async def scene() -> int:
        skipper = TimeSkipper(await temporal_server.connect())
        async with worker(skipper.client):
            handle = await skipper.client.start_workflow(Timers.run, [3600] * 220, id="w", task_queue=QUEUE)
            return len(await handle.result())

    assert asyncio.run(scene()) == 220


def test_each_skip_is_an_event_and_the_history_shows_the_moved_clock(temporal_server: DevServer) -> None:
    async def scene() -> tuple[int, timedelta]:
        client = TimeSkipper(await temporal_server.connect()).client
        async with worker(client):
            handle = await client.start_workflow(Timers.run, [60, 60], id="w", task_queue=QUEUE)
            await handle.result()
            events = (await handle.fetch_history()).events
            skipped = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
            lasted = events[-1].event_time.ToDatetime() - events[0].event_time.ToDatetime()
            return sum(event.event_type == skipped for event in events), lasted

    skips, lasted = asyncio.run(scene())
    assert skips == 2
    assert timedelta(minutes=2) <= lasted < timedelta(minutes=2, seconds=5)


async def _clock(handle: WorkflowHandle[Any, Any]) -> datetime:
    extended = (await handle.describe()).raw_description.workflow_extended_info
    return extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
