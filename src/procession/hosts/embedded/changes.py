"""Changes: the public door to instances under way (docs/design/0010). An engine has one, as `engine.changes`.

Every call returns after what it did is durable, and raises a `ProcessionError` otherwise; what is refused is refused
as a whole, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue, Conflict
from procession.base.values import checked_all
from procession.core import events as e
from procession.core.instructions import Activate, Instruction, Move, PutToken, SetLocal, TakeToken, Terminate
from procession.core.plans import MigrationAction, MigrationPlan
from procession.hosts.embedded.door import DEFAULT_TENANT
from procession.hosts.embedded.handover import CARRY, POLICIES, no_policy
from procession.hosts.embedded.instance import Door, Instance
from procession.runtime import batches as b
from procession.runtime import requests as q
from procession.services.batches import BatchErrorView, BatchView
from procession.services.migrations import actions_of, plan_between
from procession.services.moving import Fate, Moves, fates, moves
from procession.services.views import LIMIT

_Checked = TypeVar("_Checked", MigrationPlan, b.Filter)


@final
class Changes:
    """What can be done to instances beside letting them run. Instances and batches are named by key."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Door) -> None:
        self._engine = engine

    # --- one instance

    def modify(
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
        """Changes an instance by hand: all of it or, with `Conflict` or `NotFound`, nothing.

        `activate` are ids, or `Activate` with an ancestor or variables of its own; `terminate` ids (all that are
        active) or keys of element instances; `move` source id -> target id; `put` and `take` sequence flows that get a
        token, or lose one that waits at a join; `variables` are set in the process.
        """
        found = self._instructions(activate, terminate, move, put=put, take=take, variables=variables)
        self._engine.call(q.Deliver(tenant, instance, e.Modify(found)))

    def migration_plan(
        self,
        process_id: str,
        from_version: int,
        to_version: int | None = None,
        *,
        to_process: str = "",
        tenant: str = DEFAULT_TENANT,
    ) -> MigrationPlan:
        """The plan from one version to another (default: the latest) that maps what both have. Elements that may have
        got another id are its `proposals`. Raises `NotFound`."""
        return plan_between(
            self._engine.reader().views,
            tenant,
            process_id,
            from_version,
            to_process=to_process,
            to_version=to_version or 0,
        )

    def migration_actions(
        self, instance: int, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT
    ) -> list[MigrationAction]:
        """What `migrate` would do now, element instance by element instance. Raises `Conflict` as it would."""
        return actions_of(self._engine.reader().views, tenant, instance, checked(plan))

    def migrate(self, instance: int, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT) -> int:
        """Lets an instance go over to the version of the plan, and gives that. Raises `Conflict` with every token that
        the plan would strand; then nothing happens."""
        return cast("int", self._engine.call(q.MigrateInstance(tenant, instance, checked(plan))))

    def suspend(self, instance: int, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> None:
        """Lets an instance stand still: no job of it is given out, no timer fires, messages wait in the buffer."""
        self._engine.call(q.Deliver(tenant, instance, e.Suspend(reason)))

    def resume(self, instance: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """Lets a suspended instance go on; what became due meanwhile happens at once."""
        self._engine.call(q.Deliver(tenant, instance, e.Resume()))

    def restart(
        self,
        instance: int,
        at: Sequence[str | Activate],
        variables: Mapping[str, object] | None = None,
        *,
        in_place: bool = False,
        version: int | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> Instance:
        """Begins at these elements, with the variables of the process's own scope and `variables` over them.

        By default in a new instance, of the same version or of `version`; the old one may have ended. `in_place` ends
        all that is active in an instance and lets it begin anew, under new idempotency keys.
        """
        begin = tuple(_activation(self._engine, each) for each in at)
        values = checked_all(variables)
        if in_place:
            if version is not None:
                raise Conflict("a restart in place runs the same version: migrate the instance first")
            self._engine.call(q.Deliver(tenant, instance, e.Restart(begin, values)))
            return Instance(self._engine, tenant, instance)
        key = self._engine.call(q.RestartInstance(tenant, instance, begin, values, version or 0))
        return Instance(self._engine, tenant, cast("int", key))

    def move(self, instance: int, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> int:
        """Lets an instance, and all that it called, go on on another host: its name, or `here`. How many that moved.

        `jobs` says what becomes of those under way: `carry`, they are done again over there, under the same idempotency
        keys; `wait`, it raises `Busy` while there are any; `reissue`, all that are open are cancelled and issued anew,
        under new keys. Should anything end it half-way, call it again. Raises `Conflict` for what cannot move,
        `NotFound` for what has ended.
        """
        if jobs not in POLICIES:
            raise BadValue(no_policy(jobs))
        return self._engine.hosting.move(tenant, instance, to, jobs)

    def move_fates(self, instance: int, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> list[Fate]:
        """What `move` would make of each thing that an instance, and all that it called, waits for. Raises
        `NotFound`."""
        if jobs not in POLICIES:
            raise BadValue(no_policy(jobs))
        return fates(self._engine.reader().store, tenant, instance, to, jobs)

    # --- processes

    def suspend_process(self, process_id: str, version: int | None = None, *, tenant: str = DEFAULT_TENANT) -> int:
        """Refuses new starts of a version, or of all that are deployed; gives how many versions that changed. Instances
        under way go on; a call of it becomes an incident."""
        return cast("int", self._engine.call(q.SuspendDefinition(tenant, process_id, version or 0)))

    def resume_process(self, process_id: str, version: int | None = None, *, tenant: str = DEFAULT_TENANT) -> int:
        """Allows starts again; gives how many versions that changed."""
        return cast("int", self._engine.call(q.SuspendDefinition(tenant, process_id, version or 0, False)))

    # --- many instances

    def cancel_each(self, which: b.Filter, reason: str = "", *, tenant: str = DEFAULT_TENANT) -> int:
        """Cancels every instance that a filter means; gives the key of the batch, which the engine goes on with."""
        return self._start(tenant, which, b.CancelEach(reason))

    def resolve_each(self, which: b.Filter, retries: int = 1, *, tenant: str = DEFAULT_TENANT) -> int:
        """Resolves the open incidents of these instances: those of the filter's code and element, if it has them."""
        return self._start(tenant, which, b.ResolveEach(retries))

    def retry_each(self, which: b.Filter, retries: int = 1, *, tenant: str = DEFAULT_TENANT) -> int:
        """Gives jobs that are out of retries so many anew; other incidents stay open."""
        return self._start(tenant, which, b.RetryEach(retries))

    def migrate_each(self, which: b.Filter, plan: MigrationPlan, *, tenant: str = DEFAULT_TENANT) -> int:
        """Migrates these instances by one plan; those that run the target already are left alone."""
        return self._start(tenant, which, b.MigrateEach(checked(plan)))

    def move_each(self, which: b.Filter, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> int:
        """Lets each of these instances, with all that it called, go on on another host: its name, or `here`; `jobs` as
        in `move`. Those that are there are left alone, and those that were called move with their callers. One that is
        busy is tried again for five minutes. Raises `Conflict` where no such host is beside this engine."""
        return self._start(tenant, which, b.MoveEach(to, jobs))

    def move_each_fates(self, which: b.Filter, to: str, *, jobs: str = CARRY, tenant: str = DEFAULT_TENANT) -> Moves:
        """What `move_each` would do now: how many would move, what becomes of what they wait for, element by element,
        and what would be refused. It loads every instance that the filter means."""
        if jobs not in POLICIES:
            raise BadValue(no_policy(jobs))
        return moves(self._engine.reader().store, tenant, checked(which), to, jobs)

    def suspend_each(self, which: b.Filter, *, tenant: str = DEFAULT_TENANT) -> int:
        """Suspends these instances."""
        return self._start(tenant, which, b.SuspendEach())

    def resume_each(self, which: b.Filter, *, tenant: str = DEFAULT_TENANT) -> int:
        """Resumes those of these instances that are suspended."""
        return self._start(tenant, which, b.ResumeEach())

    def modify_each(
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
        """Modifies each of these instances, as `modify` does one."""
        found = self._instructions(activate, terminate, move, put=put, take=take, variables=variables)
        return self._start(tenant, which, b.ModifyEach(found))

    def batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> BatchView:
        """How far a batch is; raises `NotFound`."""
        return self._engine.reader().batches.one(tenant, key)

    def batches(self, *, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT) -> list[BatchView]:
        """Batches, by key."""
        return self._engine.reader().batches.listed(tenant, after, limit)

    def batch_errors(
        self, key: int, *, after: int = 0, limit: int = LIMIT, tenant: str = DEFAULT_TENANT
    ) -> list[BatchErrorView]:
        """The instances that a batch could not treat, those behind the key `after`; raises `NotFound`."""
        return self._engine.reader().batches.errors(tenant, key, after, limit)

    def pause_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """Stops a running batch after its current portion. Raises `Conflict` where it does not run."""
        self._engine.call(q.SteerBatch(tenant, key, 1))

    def continue_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """Goes on with a paused batch."""
        self._engine.call(q.SteerBatch(tenant, key, 0))

    def stop_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> None:
        """Ends a batch for good; what it did stays."""
        self._engine.call(q.SteerBatch(tenant, key, 3))

    def revert_batch(self, key: int, *, tenant: str = DEFAULT_TENANT) -> int:
        """Stops a batch of moves, and moves back what it moved and is still active; gives the key of the batch that
        does that, the same one however often it is asked for. Raises `Conflict` for a batch of something else."""
        return cast("int", self._engine.call(q.RevertBatch(tenant, key)))

    def _start(self, tenant: str, which: b.Filter, action: b.AnyAction) -> int:
        return cast("int", self._engine.call(q.StartBatch(tenant, checked(which), action)))

    def _instructions(
        self,
        activate: Sequence[str | Activate],
        terminate: Sequence[str | int],
        move: Mapping[str, str] | None,
        *,
        put: Sequence[str],
        take: Sequence[str],
        variables: Mapping[str, object] | None,
    ) -> tuple[Instruction, ...]:
        found: list[Instruction] = [_activation(self._engine, each) for each in activate]
        found += [Terminate(each) if isinstance(each, str) else Terminate(key=each) for each in terminate]
        found += [Move(source, target) for source, target in (move or {}).items()]
        found += [PutToken(flow) for flow in put]
        found += [TakeToken(flow) for flow in take]
        if variables:
            found.append(SetLocal(checked_all(variables)))
        return tuple(found)


def checked(given: _Checked) -> _Checked:
    """A plan or filter whose fields are of their types, which making one does not check. Raises `BadValue`."""
    if not isinstance(cast("object", given), MigrationPlan | b.Filter):
        raise BadValue(f"a plan or filter is wanted, not {type(given).__name__}")
    try:
        return msgspec.json.decode(msgspec.json.encode(given), type=known(type(given)))
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise BadValue(f"{type(given).__name__}: {error}") from None


def _activation(engine: Door, each: str | Activate) -> Activate:
    if isinstance(each, str):
        return Activate(each)
    if not isinstance(cast("object", each), Activate):
        raise BadValue(f"an element to begin is an id or an Activate, not {each!r:.80}")
    return msgspec.structs.replace(each, variables=checked_all(each.variables))
