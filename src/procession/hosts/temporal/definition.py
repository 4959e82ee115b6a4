"""The class that the SDK sees: one dynamic workflow for all processes. It only hands on to its `Machine`."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.workflow import Machine
from procession.runtime.elsewhere import Delivery, Left, Reply, Screen


@workflow.defn(dynamic=True)
class ProcessWorkflow:
    """An instance of a process, and those that it called."""

    def __init__(self) -> None:
        self.machine = Machine()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, object]:
        """See `Machine.run`."""
        given = workflow.payload_converter().from_payload(args[0].payload, p.Input)
        return await self.machine.run(given)

    @workflow.signal(name=p.DELIVER)
    def deliver(self, deliveries: list[Delivery]) -> None:
        """See `Machine.deliver`."""
        self.machine.deliver(deliveries)

    @workflow.update(name=p.ASK)
    async def ask(self, delivery: Delivery) -> Reply:
        """See `Machine.ask_event`."""
        return await self.machine.ask_event(delivery)

    @ask.validator
    def check(self, delivery: Delivery) -> None:
        """See `Machine.check`."""
        self.machine.check(delivery)

    @workflow.update(name=p.SCREEN)
    async def screen(self) -> Screen:
        """See `Machine.screen`."""
        return await self.machine.screen()

    @workflow.update(name=p.LEAVE)
    async def leave(self, wait: bool) -> Left:
        """See `Machine.leave`."""
        return await self.machine.leave(wait)

    @workflow.update(name=p.QUIT)
    async def quit(self) -> Left:
        """See `Machine.leave`."""
        return await self.machine.leave(False)

    @quit.validator
    def idle(self) -> None:
        """See `Machine.idle`."""
        self.machine.idle()

    @workflow.update(name=p.TOOK)
    async def took(self) -> None:
        """Answered by the first task: from then on the instances are this workflow's."""

    @workflow.signal(name=p.TRAMPOLINE)
    def trampoline(self) -> None:
        """See `Machine.renew`."""
        self.machine.renew()

    @workflow.query(name=p.TOKENS)
    def tokens(self) -> dict[str, dict[str, int]]:
        """See `Machine.tokens`."""
        return self.machine.tokens()
