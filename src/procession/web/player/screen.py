"""A screen: what is shown, and what a browser needs to go on with it by itself."""

from __future__ import annotations

from typing import final

import msgspec

from procession.base.values import Json, encode
from procession.forms.programs import Programs, programs
from procession.services.journeys.screens import Filling
from procession.web.player.showing import Scene
from procession.web.player.shown import Shown


@final
class Screen(msgspec.Struct, frozen=True):
    """What is shown, the programs of its form (docs/design/0017), and the version of its draft."""

    shown: Shown
    programs: Programs | None
    version: int


def screen_of(shown: Shown, scene: Scene | None = None) -> Screen:
    """The screen of what is shown of a scene. A page of another form than the scene's has no programs: the browser asks
    for it."""
    return screen_of_form(shown, scene.filling if scene is not None else None)


def screen_of_form(shown: Shown, filling: Filling | None) -> Screen:
    """The screen of a page of a form that is being filled in."""
    made = programs(filling.form.compiled) if filling is not None and shown.view is not None else None
    return Screen(shown, made, shown.version)


def screen_json(screen: Screen) -> bytes:
    """The JSON of a screen, numbers with all their digits."""
    plain: Json = msgspec.to_builtins(screen)
    return encode(plain)
