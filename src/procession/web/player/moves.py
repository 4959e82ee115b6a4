"""What somebody does at a page, the same for posted forms and for the headless API: save, next, back, check, submit."""

from __future__ import annotations

import contextlib
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import NotFound
from procession.forms import Fault, View, judge
from procession.services.journeys.drafts import Write
from procession.services.journeys.players import Player
from procession.services.journeys.playing import judged
from procession.services.journeys.screens import Filling
from procession.services.reading import Reader
from procession.web.player.counting import place_of_page, visitor_of
from procession.web.player.guards import addresses_of
from procession.web.player.showing import Scene, Turn, frame_of, page_at, page_shown, scene_of, screen_shown
from procession.web.player.shown import Shown
from procession.web.site import Site

Action: TypeAlias = Literal["save", "next", "back", "check", "submit"]
ACTIONS: Final[frozenset[str]] = frozenset({"next", "back", "check", "submit"})
"""Everything else that a form may post saves the page, and shows it again."""


@final
class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked at a page of a task."""

    task: int
    page: str
    action: Action
    write: Write
    csrf: str = ""
    checked: bool = False


@final
class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown then, and of which scene. `refused`: there are faults, and it stays; `stays`: it is the same page,
    with clashes on it."""

    shown: Shown
    scene: Scene
    refused: bool = False
    stays: bool = False
    to_check: bool = False


async def seen(site: Site, player: Player, csrf: str, *, task: int = 0, here: str = "") -> Scene:
    """Where the journey is now, or at one of its tasks."""
    play, origins = site.playing.play, tuple(site.playing.bounds.frame_ancestors)

    def asked(reader: Reader) -> Scene:
        frame = msgspec.structs.replace(frame_of(reader, player, csrf, here), origins=origins)
        return scene_of(reader, play, player, frame, task)

    return await site.backend.read(player.tenant, asked)


async def move(site: Site, player: Player, asked: Move) -> Moved:
    """Does it. Whatever is wrong with answers, they are in the draft. Raises `NotFound`, `BadValue`."""
    play = site.playing.play
    if asked.action == "submit":
        return await _submit(site, player, asked)
    scene = await seen(site, player, asked.csrf, task=asked.task)
    filling = scene.filling
    if filling is None:
        return Moved(shown=screen_shown(scene, player), scene=scene)
    sets = asked.write.sets
    if asked.action in {"next", "check"}:
        whole, faults, sets = await play.judged(filling, asked.page, sets, str(asked.task))
    else:
        whole, faults = judged(filling, asked.page, sets)
    refused = asked.action in {"next", "check"} and bool(faults)
    step = {"next": 1, "back": -1}.get(asked.action, 0)
    beside = whole.beside(page_at(whole, asked.page), step) if step and not refused else None
    to_check = asked.action == "check" or (asked.action == "next" and (asked.checked or beside is None))
    page = beside.id if beside is not None and not to_check else asked.page
    # One write for what was answered and for where it is left.
    write = msgspec.structs.replace(asked.write, sets=sets)
    filling, told = await play.write_into(player, asked.task, filling, write, page=page)
    scene = msgspec.structs.replace(scene, filling=filling)
    if told.conflicts:
        return Moved(
            shown=_again(scene, player, asked, Turn(told=told, checked=asked.checked)), scene=scene, stays=True
        )
    _count(site, player, asked, (filling, page_at(whole, asked.page)), refused=(whole, faults) if refused else None)
    if refused:
        return Moved(shown=_again(scene, player, asked, Turn(seen=whole, faults=faults)), scene=scene, refused=True)
    shown = page_shown(scene, addresses_of(player), page, Turn(saved=asked.action == "save"))
    return Moved(shown=shown, scene=scene, to_check=to_check)


async def _submit(site: Site, player: Player, asked: Move) -> Moved:
    play, filling = site.playing.play, None
    # What was submitted before is not open any more: then there is nothing to write, and `submit` knows.
    with contextlib.suppress(NotFound):
        filling, told = await play.write(player, asked.task, asked.write)
        if told.conflicts:
            scene = await seen(site, player, asked.csrf, task=asked.task)
            return Moved(
                shown=_again(scene, player, asked, Turn(told=told, checked=asked.checked)), scene=scene, stays=True
            )
    done = await play.submit(player, asked.task, asked.write.sets, filling)
    if done.view is None:
        if filling is not None and not done.repeated:
            site.playing.funnel.submitted(visitor_of(player), place_of_page(player, filling, ""), asked.task)
        await play.following(player)
        scene = await seen(site, player, asked.csrf)
        return Moved(shown=screen_shown(scene, player), scene=scene)
    scene = await seen(site, player, asked.csrf, task=asked.task)
    # The first page at which something is wrong; what is wrong between pages is shown at the last one.
    visible = [page.id for page in done.view.pages if page.visible]
    files = scene.filling.setting.files if scene.filling is not None else None
    setting = msgspec.structs.replace(play.setting(scene.frame.language), files=files, scanned=True)
    wrong = done.faults[0].path if done.faults else ""
    named = next((page.id for page in done.view.pages if wrong in {item.path for item in page.walk() if wrong}), "")
    at = next((page for page in visible if judge(done.view, setting, page)), named or (visible[-1] if visible else ""))
    turn = Turn(seen=done.view, faults=judge(done.view, setting, at) or list(done.faults))
    if filling is not None:
        site.playing.funnel.refused(visitor_of(player), place_of_page(player, filling, at), done.view, turn.faults)
    return Moved(shown=page_shown(scene, addresses_of(player), at, turn), scene=scene, refused=True)


def _count(
    site: Site, player: Player, asked: Move, of: tuple[Filling, str], *, refused: tuple[View, list[Fault]] | None
) -> None:
    """Counts a step: `of` is the form, and the page of it at which the step was taken."""
    funnel, who, at = site.playing.funnel, visitor_of(player), place_of_page(player, *of)
    if refused is not None:
        funnel.refused(who, at, *refused)
    elif asked.action == "save":
        funnel.count(player.tenant, at, "saved")
    else:
        funnel.left(who, at, asked.task, forward=asked.action != "back")


def _again(scene: Scene, player: Player, asked: Move, turn: Turn) -> Shown:
    return page_shown(scene, addresses_of(player), asked.page, turn)
