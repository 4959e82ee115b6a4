"""What the funnel of journeys is told by pages and the headless API: names that authors gave, nobody's values."""

from __future__ import annotations

from typing import Final

import msgspec

from procession.forms import Fault, View
from procession.services.journeys.funnel import Visitor, Where, where
from procession.services.journeys.players import Player
from procession.services.journeys.screens import Filling
from procession.web.player.begin import Beginning
from procession.web.player.shown import Shown
from procession.web.site import Site

START: Final = 0
"""What stands for the task where a form is that of a start."""


def visitor_of(player: Player) -> Visitor:
    """A session, as the funnel tells it from others."""
    return Visitor(player.tenant, player.id, player.session.created)


def place_of_page(player: Player, filling: Filling, page: str) -> Where:
    """A page of a task's form. The page is one that the form has: what a client sent must not come here."""
    return msgspec.structs.replace(where(player.session), form=filling.form.compiled.form.id, page=page)


def starter(start: Beginning) -> Visitor:
    """Who is about to start a journey in public: the visit, by the hash under which its answers are kept."""
    return Visitor(start.tenant, start.draft)


def place_of_start(start: Beginning, filling: Filling, page: str) -> Where:
    """A page of the form of a start, before there is a journey."""
    return Where(process_id=start.process_id, version=start.version, form=filling.form.compiled.form.id, page=page)


def count_shown(site: Site, player: Player, shown: Shown) -> None:
    """Something was given to be looked at: a page, or the end."""
    funnel, view = site.playing.funnel, shown.view
    if shown.kind == "page" and view is not None and shown.task:
        at = msgspec.structs.replace(where(player.session), form=view.id, page=shown.page)
        funnel.shown(visitor_of(player), at, int(shown.task))
    elif shown.kind == "end":
        funnel.over(player.tenant, player.session, "stopped" if shown.text == "stopped" else "ended")


def count_start_shown(site: Site, start: Beginning, shown: Shown) -> None:
    """A page of the form of a start was given to be looked at."""
    if start.filling is not None and start.draft:
        site.playing.funnel.shown(starter(start), place_of_start(start, start.filling, shown.page), START)


def count_start_step(
    site: Site, start: Beginning, page: str, action: str, refused: tuple[View, list[Fault]] | None = None
) -> None:
    """A step at a page of the form of a start, by the `action` of what was posted."""
    if start.filling is None:
        return
    funnel, who, at = site.playing.funnel, starter(start), place_of_start(start, start.filling, page)
    if refused is not None:
        funnel.refused(who, at, *refused)
    elif action == "submit":
        funnel.submitted(who, at, START)
    elif action == "save":
        funnel.count(start.tenant, at, "saved")
    else:
        funnel.left(who, at, START, forward=action != "back")
