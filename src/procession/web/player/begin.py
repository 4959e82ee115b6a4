"""Starting a journey in public: the form of the start, filled in before there is an instance, and what opens one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import final

import msgspec

from procession.base.failure import Conflict, NotFound
from procession.base.values import Json, Variables
from procession.forms import Fault, Setting, View, submit
from procession.forms.formats import is_email, is_phone
from procession.forms.languages import message
from procession.services.backend import Who
from procession.services.journeys.doors import Opened
from procession.services.journeys.drafts import Draft
from procession.services.journeys.playing import over
from procession.services.journeys.rules import Rules, rules_of
from procession.services.journeys.screens import Filling, draft_of, form_of, form_script
from procession.services.reading import Reader
from procession.web.player.showing import Frame, accepted, brand, chosen
from procession.web.site import Site


@final
class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """A public start as one visitor sees it. `draft` is the id of what they answered. No `filling`: no form."""

    tenant: str
    process_id: str
    draft: str
    frame: Frame
    filling: Filling | None
    version: int = 0


@final
class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A journey that began, or why it did not."""

    opened: Opened | None = None
    faults: tuple[Fault, ...] = ()
    view: View | None = None


def draft_id(visit: str, process_id: str) -> str:
    """The id of the draft of a visitor's start: nobody finds it without the token of the visit."""
    return "start-" + hashlib.sha256(f"start\0{visit}\0{process_id}".encode()).hexdigest()


async def beginning(site: Site, of: tuple[str, str], visit: str, csrf: str, wanted: tuple[str, str, str]) -> Beginning:
    """A public start of a (tenant, process) for a visit. `wanted` are a language, those that a browser
    asks for (`Accept-Language`), and the page's own address. Raises `NotFound` where nobody may start it in public."""
    tenant, process_id = of
    language, header, here = wanted
    play, draft = site.playing.play, draft_id(visit, process_id) if visit else ""

    def asked(reader: Reader) -> Beginning:
        row = reader.deployed.version(tenant, process_id, 0)
        rules = rules_of(reader, tenant, row)
        if "public" not in rules.start:
            raise NotFound("nothing that everybody may start is here")
        frame = Frame(
            language=chosen(rules, language) if language else accepted(header, rules),
            rules=rules,
            brand=brand(reader, tenant, rules),
            csrf=csrf,
            here=here,
            tenant=tenant,
        )
        setting = play.setting(frame.language)
        return Beginning(
            tenant=tenant,
            process_id=process_id,
            draft=draft,
            frame=frame,
            filling=_filling(reader, tenant, process_id, draft, setting),
            version=row.version,
        )

    return await site.backend.read(tenant, asked)


def _filling(reader: Reader, tenant: str, process_id: str, draft: str, setting: Setting) -> Filling | None:
    try:
        found = reader.forms.of_start(tenant, reader.deployed.version(tenant, process_id, 0))
    except NotFound:
        return None
    if not found.data:
        return None
    kept, record = draft_of(reader, tenant, draft) if draft else (Draft(0), 0)
    form = form_of(found.data)
    script = form_script(reader, tenant, form, found.row)
    return Filling(form=form, held={}, draft=kept, setting=setting, record=record, script=script)


def _unreachable(rules: Rules, data: Mapping[str, Json], language: str) -> Fault | None:
    """What is wrong with the address that a code is to go to, where who starts has to give one."""
    given = data.get(rules.contact) if rules.identify else None
    text = given.strip() if isinstance(given, str) else ""
    if not rules.identify or (is_email(text) if rules.identify == "email" else is_phone(text)):
        return None
    rule = ("email" if rules.identify == "email" else "phone") if text else "required"
    return Fault(rules.contact, rule, message(rule, language, {}))


async def begin(site: Site, start: Beginning, sets: Mapping[str, Json], again: str, who: Who) -> Begun:
    """Starts the journey with what was answered, once for the same `again`. Its rules say which party it is."""
    data: Variables = {}
    if start.filling is not None:
        done = submit(start.filling.form.compiled, over(start.filling.draft.sent(), sets), {}, start.filling.setting)
        if not done.accepted:
            return Begun(faults=done.faults, view=done.view)
        said = await site.playing.play.said(start.filling, done.data, "", again)
        if said.faults:
            return Begun(faults=said.faults, view=done.view)
        if fault := _unreachable(start.frame.rules, done.data, start.frame.language):
            return Begun(faults=(fault,), view=done.view)
        data = done.data
    doors, rules = site.playing.doors, start.frame.rules
    if _unreachable(rules, data, start.frame.language):
        raise Conflict(f"this journey begins by a form that asks for {rules.contact!r:.80}, and its start has none")
    started = await doors.start(start.tenant, start.process_id, data, who, again)
    opened = await doors.session_of_start(start.tenant, started, who, rules, language=start.frame.language)
    if start.filling is not None and start.draft:
        await site.playing.play.drop_draft(start.tenant, start.draft, who)
    return Begun(opened=opened)
