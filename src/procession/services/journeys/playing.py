"""Playing a journey: writing drafts, submitting a page's task, and waiting for what is next in the same request."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated, ProcessionError
from procession.base.values import Json, Variables
from procession.core import events as e
from procession.forms import Fault, Setting, View, judge, submit
from procession.forms.scope import copied, put_at
from procession.runtime import requests as q
from procession.scripts.ports import Call, Code, Output, ScriptFailed
from procession.services.backend import Backend, Who
from procession.services.journeys import files
from procession.services.journeys.drafts import Draft, Told, Write, checked_path, written
from procession.services.journeys.kept import DRAFT, FILES, body_of
from procession.services.journeys.players import Player
from procession.services.journeys.screens import Filling, Spot, draft_of, filling_of, spot_of, task_of
from procession.services.journeys.scripted import NOTHING, At, Runner, Said, asked
from procession.services.reading import Reader

TRIES: Final = 20
NEXT_S: Final = 1.5
"""How long who submits waits for what is next, before an honest waiting page."""
_SHARE: Final = 0.1
_PAUSE_S_MAX: Final = 0.1


@final
class Outcome(msgspec.Struct, frozen=True):
    """What became of a submit: faults, with the view that they are at, or nothing but that it is done; `repeated` when
    it was done before."""

    faults: tuple[Fault, ...] = ()
    view: View | None = None
    repeated: bool = False


@final
class Play:
    """Of one server process. `clock` gives Unix ms; `zone` is that of local times in forms."""

    __slots__ = ("_backend", "_clock", "_scripts", "_zone")

    def __init__(
        self, backend: Backend, clock: Callable[[], int], zone: str = "UTC", scripts: Runner | None = None
    ) -> None:
        """`scripts` runs those of forms; without it none goes on that has one."""
        self._backend = backend
        self._clock = clock
        self._zone = zone
        self._scripts = scripts or _NOBODY

    def setting(self, language: str) -> Setting:
        """What forms are shown in now. Files are those that the server has: none where there is no task."""
        return Setting(language=language or "en", now_ms=self._clock(), zone=self._zone, files={})

    def filling(self, reader: Reader, player: Player, task: int) -> Filling:
        """The form of a task that the session may play. Raises `NotFound`."""
        found = task_of(reader, player.tenant, player.session, task)
        setting, session = self.setting(player.session.language), player.session
        return filling_of(reader, player.tenant, found, setting, owner=player.who.subject, variant=session.variant)

    async def judged(
        self, filling: Filling, page: str, sets: Mapping[str, Json], seed: str
    ) -> tuple[View, list[Fault], Mapping[str, Json]]:
        """The view with answers that are not in the draft in front of it, what is wrong at one page, and the answers:
        what the form's script gives is among them. It is asked where nothing else is wrong."""
        seen, faults = judged(filling, page, sets)
        if faults or filling.script is None:
            return seen, faults, sets
        said = await self.said(filling, seen.data, page, seed)
        if said.values:
            sets = {**sets, **said.values}
            seen, faults = judged(filling, page, sets)
        here = {item.path for item in at.walk()} if (at := seen.page(page)) is not None else set[str]()
        return seen, faults + [fault for fault in said.faults if not fault.path or fault.path in here], sets

    async def said(self, filling: Filling, answers: Mapping[str, Json], page: str, seed: str) -> Said:
        """What the script of a form says; nothing where it has none."""
        script, setting = filling.script, filling.setting
        if script is None:
            return NOTHING
        at = At(page, setting.language, setting.now_ms, seed)
        return await asyncio.to_thread(asked, self._scripts, script, answers, at)

    async def write(self, player: Player, task: int, write: Write, *, page: str | None = None) -> tuple[Filling, Told]:
        """Writes answers into the draft of a task; `page` is where it is left. Raises `NotFound`, `BadValue`."""
        filling = await self._backend.read(player.tenant, lambda reader: self.filling(reader, player, task))
        return await self.write_into(player, task, filling, write, page=page)

    async def write_into(
        self, player: Player, task: int, filling: Filling, write: Write, *, page: str | None = None
    ) -> tuple[Filling, Told]:
        """`write`, of a form that was read just now."""

        def open_still(reader: Reader) -> object:
            # What was submitted meanwhile takes its draft with it: nobody begins another one.
            return task_of(reader, player.tenant, player.session, task)

        of = (player.tenant, str(task), player.session.expires)
        draft, told = await self.write_draft(of, filling, write, player.who, page=page, still=open_still)
        return msgspec.structs.replace(filling, draft=draft), told

    async def write_draft(
        self,
        of: tuple[str, str, int],
        filling: Filling,
        write: Write,
        who: Who,
        *,
        page: str | None = None,
        still: Callable[[Reader], object] | None = None,
    ) -> tuple[Draft, Told]:
        """Writes a draft by its tenant and id, which goes at a time; `filling` is what was read of it just now. `still`
        is asked before it is tried again. Raises what that raises, and `Conflict` when others write always."""
        tenant, id, expires = of

        def anew(reader: Reader) -> tuple[Draft, int]:
            if still is not None:
                still(reader)
            return draft_of(reader, tenant, id)

        draft, record = filling.draft, filling.record
        for _ in range(TRIES):
            before = draft if record else Draft(expires)
            after, told = written(before, write, filling.form.fields)
            if page is not None:
                after = msgspec.structs.replace(after, page=page)
            if after == before:
                return after, told
            try:
                await self._backend.ask(q.PutRecord(tenant, DRAFT, id, body_of(after), record), who)
            except Outdated:
                draft, record = await self._backend.read(tenant, anew)
                continue
            return after, told
        raise Conflict("this page is written from many places at the same time: send it again")

    async def submit(
        self, player: Player, task: int, sets: Mapping[str, Json], filling: Filling | None = None
    ) -> Outcome:
        """Judges a task's draft whole, with `sets` that no draft keeps in front of it, and completes the task. Done
        once: asked again by the same session it is done already. `filling` is what was read or written of it just now.
        Raises `NotFound` for a task that is not theirs."""
        place = hashlib.sha256(f"submit\0{player.id}\0{task}".encode()).hexdigest()
        # What was submitted first counts, whatever comes again under the same session.
        asks = msgspec.structs.replace(player.who, key=place, digest=str(task).encode())
        tenant = player.tenant
        try:
            if filling is None:
                filling = await self._backend.read(tenant, lambda reader: self.filling(reader, player, task))
        except NotFound:
            if not await self._submitted(tenant, task, asks):
                raise
            return Outcome(repeated=True)
        answers = over(filling.draft.sent(), sets)
        setting = msgspec.structs.replace(filling.setting, scanned=True)
        done = submit(filling.form.compiled, answers, filling.held, setting)
        if done.accepted:
            said = await self.said(filling, done.data, "", str(task))
            if said.values:
                done = submit(filling.form.compiled, over(answers, said.values), filling.held, setting)
            done = msgspec.structs.replace(done, faults=(*done.faults, *said.faults))
        if not done.accepted:
            return Outcome(done.faults, done.view)
        if setting.files:
            # Before: a file that stays for nothing is less than one that is lost.
            await files.keep(self._backend, tenant, (player.who.subject, str(task)), done.data, player.who)
        await self._backend.ask(q.TaskEvent(tenant, task, e.CompleteTask(task, done.data)), asks)
        await self.drop_draft(tenant, str(task), player.who)
        return Outcome()

    async def drop_draft(self, tenant: str, id: str, who: Who) -> None:
        """Deletes a draft that is not needed any more, and which files came for it."""
        for told in await self._backend.ask_all([q.DeleteRecord(tenant, kind, id) for kind in (DRAFT, FILES)], who):
            if isinstance(told, ProcessionError) and not isinstance(told, NotFound):
                raise told

    async def _submitted(self, tenant: str, task: int, asks: Who) -> bool:
        """Whether this very submit was carried out. One that was not finds no task that is open, or one that is open
        and not theirs, which must not be touched."""
        found = await self._backend.read(tenant, lambda reader: reader.search.task(tenant, task))
        if found is not None:
            return False
        try:
            # It is answered as the first time; any other finds nothing.
            await self._backend.ask(q.TaskEvent(tenant, task, e.CompleteTask(task, {})), asks)
        except (NotFound, Conflict):
            return False
        return True

    async def following(self, player: Player, seconds: float = NEXT_S) -> Spot:
        """Where the journey is, as soon as there is something to show, within so many seconds."""
        tenant, session = player.tenant, player.session
        begun = time.monotonic()
        seen = await self._backend.moved(tenant, 0, 0)
        while True:
            spot = await self._backend.read(tenant, lambda reader: spot_of(reader, tenant, session))
            passed = time.monotonic() - begun
            left = seconds - passed
            if spot.state != "working" or left <= 0:
                return spot
            seen = await self._backend.moved(tenant, seen, left)
            await asyncio.sleep(max(0.0, min(passed * _SHARE, _PAUSE_S_MAX, left)))


@final
class _Nobody:
    """Runs no scripts."""

    def evaluate(self, code: Code, input: bytes, call: Call) -> Output:
        raise ScriptFailed("unavailable", "this process runs no scripts of forms")


_NOBODY: Final = _Nobody()


def judged(filling: Filling, page: str, sets: Mapping[str, Json]) -> tuple[View, list[Fault]]:
    """The view with answers that are not in the draft in front of it, and what is wrong at one page."""
    seen = filling.view(over(filling.draft.sent(), sets))
    return seen, judge(seen, filling.setting, page)


def over(answers: Variables, sets: Mapping[str, Json]) -> Variables:
    """Answers with others in front of them: what is no field of the form is left out when they are judged."""
    for path, value in sets.items():
        put_at(answers, checked_path(path), copied(value))
    return answers
