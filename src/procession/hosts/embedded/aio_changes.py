"""AsyncChanges: the names of `Changes` as coroutines; see `hosts.embedded.aio`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

from procession.core.instructions import Activate
from procession.core.plans import MigrationAction, MigrationPlan
from procession.hosts.embedded.aio_calls import off
from procession.hosts.embedded.aio_instance import AsyncInstance
from procession.hosts.embedded.changes import Changes
from procession.hosts.embedded.door import DEFAULT_TENANT
from procession.hosts.embedded.handover import CARRY
from procession.runtime import batches as b
from procession.services.batches import BatchErrorView, BatchView
from procession.services.moving import Fate, Moves
from procession.services.views import LIMIT


@final
class AsyncChanges:
    """See `Changes`. What a method does is said there."""

    __slots__ = ("_changes",)

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def modify(
        self,
        instance: int,
        *,
        activate: Sequence[str | Activate] = (),
        terminate: Sequence[str | int] = (),
        move: Mapping[str, str] | None = None,
        put: Sequence[str] = (),
        take: Sequence[str] = (),
        variables: Mapping[str, object] | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        """See `Changes.modify`."""
        await off(
            self._changes.modify,
            instance,
            activate=activate,
            terminate=terminate,
            move=move,
            put=put,
            take=take,
            variables=variables,
            tenant=tenant,
        )

    async def move(self, instance: int, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.move`."""
        return await off(self._changes.move, instance, to, jobs=jobs, tenant=tenant)

    async def move_fates(
        self, instance: int, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT
    ) -> list[Fate]:
        """See `Changes.move_fates`."""
        return await off(self._changes.move_fates, instance, to, jobs=jobs, tenant=tenant)

    async def migration_plan(
        self,
        process_id: str,
        from_version: int,
        to_version: int | None = None,
        *,
        to_process: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> MigrationPlan:
        """See `Changes.migration_plan`."""
        return await off(
            self._changes.migration_plan, process_id, from_version, to_version, to_process=to_process, tenant=tenant
        )

    async def migration_actions(
        self, instance: int, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT
    ) -> list[MigrationAction]:
        """See `Changes.migration_actions`."""
        return await off(self._changes.migration_actions, instance, plan, tenant=tenant)

    async def migrate(self, instance: int, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.migrate`."""
        return await off(self._changes.migrate, instance, plan, tenant=tenant)

    async def suspend(self, instance: int, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Changes.suspend`."""
        await off(self._changes.suspend, instance, reason, tenant=tenant)

    async def resume(self, instance: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Changes.resume`."""
        await off(self._changes.resume, instance, tenant=tenant)

    async def restart(
        self,
        instance: int,
        at: Sequence[str | Activate],
        variables: Mapping[str, object] | None = None,
        *,
        in_place: bool = False,
        version: int | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> AsyncInstance:
        """See `Changes.restart`."""
        return AsyncInstance(
            await off(self._changes.restart, instance, at, variables, in_place=in_place, version=version, tenant=tenant)
        )

    async def suspend_process(
        self, process_id: str, version: int | None = None, *, tenant: str = DEFAULT_TENANT
    ) -> int:
        """See `Changes.suspend_process`."""
        return await off(self._changes.suspend_process, process_id, version, tenant=tenant)

    async def resume_process(self, process_id: str, version: int | None = None, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.resume_process`."""
        return await off(self._changes.resume_process, process_id, version, tenant=tenant)

    async def cancel_each(self, which: b.Filter, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.cancel_each`."""
        return await off(self._changes.cancel_each, which, reason, tenant=tenant)

    async def resolve_each(self, which: b.Filter, retries: int = 1, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.resolve_each`."""
        return await off(self._changes.resolve_each, which, retries, tenant=tenant)

    async def retry_each(self, which: b.Filter, retries: int = 1, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.retry_each`."""
        return await off(self._changes.retry_each, which, retries, tenant=tenant)

    async def migrate_each(self, which: b.Filter, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.migrate_each`."""
        return await off(self._changes.migrate_each, which, plan, tenant=tenant)

    async def move_each(self, which: b.Filter, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.move_each`."""
        return await off(self._changes.move_each, which, to, jobs=jobs, tenant=tenant)

    async def move_each_fates(
        self, which: b.Filter, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT
    ) -> Moves:
        """See `Changes.move_each_fates`."""
        return await off(self._changes.move_each_fates, which, to, jobs=jobs, tenant=tenant)

    async def suspend_each(self, which: b.Filter, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.suspend_each`."""
        return await off(self._changes.suspend_each, which, tenant=tenant)

    async def resume_each(self, which: b.Filter, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.resume_each`."""
        return await off(self._changes.resume_each, which, tenant=tenant)

    async def modify_each(
        self,
        which: b.Filter,
        *,
        activate: Sequence[str | Activate] = (),
        terminate: Sequence[str | int] = (),
        move: Mapping[str, str] | None = None,
        put: Sequence[str] = (),
        take: Sequence[str] = (),
        variables: Mapping[str, object] | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> int:
        """See `Changes.modify_each`."""
        return await off(
            self._changes.modify_each,
            which,
            activate=activate,
            terminate=terminate,
            move=move,
            put=put,
            take=take,
            variables=variables,
            tenant=tenant,
        )

    async def batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> BatchView:
        """See `Changes.batch`."""
        return await off(self._changes.batch, key, tenant=tenant)

    async def batches(self, *, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT) -> list[BatchView]:
        """See `Changes.batches`."""
        return await off(self._changes.batches, after=after, limit=limit, tenant=tenant)

    async def batch_errors(
        self, key: int, *, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT
    ) -> list[BatchErrorView]:
        """See `Changes.batch_errors`."""
        return await off(self._changes.batch_errors, key, after=after, limit=limit, tenant=tenant)

    async def pause_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Changes.pause_batch`."""
        await off(self._changes.pause_batch, key, tenant=tenant)

    async def continue_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Changes.continue_batch`."""
        await off(self._changes.continue_batch, key, tenant=tenant)

    async def revert_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> int:
        """See `Changes.revert_batch`."""
        return await off(self._changes.revert_batch, key, tenant=tenant)

    async def stop_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """See `Changes.stop_batch`."""
        await off(self._changes.stop_batch, key, tenant=tenant)
