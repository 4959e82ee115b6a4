"""What is shown, made of where a journey is: `Shown` of every kind, with its addresses, texts and languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

import msgspec

from procession.base.failure import BadValue, NotFound
from procession.forms import Fault, View
from procession.forms.languages import BUILT_IN, direction
from procession.runtime.tenants import DEFAULT_TENANT
from procession.services.journeys.drafts import Told
from procession.services.journeys.kept import Brand as KeptBrand
from procession.services.journeys.players import Player
from procession.services.journeys.playing import Play
from procession.services.journeys.rules import Rules
from procession.services.journeys.screens import (
    Filling,
    Spot,
    brand_of,
    filling_of,
    rules_at,
    spot_of,
    task_of,
    told,
)
from procession.services.reading import Reader
from procession.web.player import pages
from procession.web.player.addresses import Addresses
from procession.web.player.guards import addresses_of
from procession.web.player.shown import Brand, Conflict, Kind, Language, Shown

LANGUAGE_MAX: Final = 35
_NAMES: Final = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "he": "עברית", "ar": "العربية"}


@final
class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What all pages of somebody have in common. `here` is the page's own address, for the links of languages;
    `origins` are those whose pages may frame it."""

    language: str
    rules: Rules = Rules()
    brand: Brand = Brand()
    csrf: str = ""
    here: str = ""
    tenant: str = DEFAULT_TENANT
    origins: tuple[str, ...] = ()

    def shown(self, kind: Kind, urls: Mapping[str, str], *, text: str = "", title: str = "") -> Shown:
        """A page that says something. One of a form is more than this."""
        sheet = pages.theme_name(self.brand)
        if sheet:
            urls = {**urls, "theme": Addresses(self.tenant).theme(self.rules.brand, sheet)}
        return Shown(
            kind=kind,
            language=self.language,
            direction=direction(self.language),
            title=title,
            brand=self.brand,
            csrf=self.csrf,
            languages=languages(self.rules, self.here),
            urls=urls,
            text=text or kind,
        )


@final
class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A journey at one moment: where it is, and the form of the task, or why it cannot be shown."""

    frame: Frame
    spot: Spot
    filling: Filling | None = None
    trouble: str = ""


def frame_of(reader: Reader, player: Player, csrf: str, here: str = "") -> Frame:
    """The frame of a session's pages."""
    rules = rules_at(reader, player.tenant, player.session)
    language = chosen(rules, player.session.language)
    return Frame(
        language=language,
        rules=rules,
        brand=brand(reader, player.tenant, rules),
        csrf=csrf,
        here=here,
        tenant=player.tenant,
    )


def brand(reader: Reader, tenant: str, rules: Rules) -> Brand:
    """The brand of a journey."""
    return brand_shown(brand_of(reader, tenant, rules.brand))


def brand_shown(kept: KeptBrand) -> Brand:
    """A brand as pages have it."""
    return Brand(name=kept.name, logo=kept.logo, variables=dict(kept.variables), fonts=kept.fonts)


def scene_of(reader: Reader, play: Play, player: Player, frame: Frame, task: int = 0) -> Scene:
    """Where the journey is, or at one of its open tasks. Raises `NotFound` for a task that is not theirs."""
    tenant, session = player.tenant, player.session
    spot = Spot("task", task_of(reader, tenant, session, task)) if task else spot_of(reader, tenant, session)
    if spot.task is None:
        return Scene(frame=frame, spot=spot)
    try:
        setting, owner = play.setting(frame.language), player.who.subject
        filling = filling_of(reader, tenant, spot.task, setting, owner=owner, variant=session.variant)
    except (NotFound, BadValue):
        return Scene(frame=frame, spot=spot, trouble="no_form")
    return Scene(frame=frame, spot=spot, filling=filling)


@final
class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a page that is shown again: the view of what was sent, faults, clashes; whether it is saved."""

    seen: View | None = None
    faults: Sequence[Fault] = ()
    told: Told | None = None
    checked: bool = False
    saved: bool = False


NO_TURN: Final = Turn()


def page_shown(scene: Scene, addresses: Addresses, page: str | None = None, turn: Turn = NO_TURN) -> Shown:
    """A page of the form of the task. One that is not there, or not seen now, is the page where it was left."""
    filling, task = scene.filling, scene.spot.task
    assert filling is not None, "there is a form"
    assert task is not None, "there is a task"
    urls = {
        "check": addresses.check(task.key),
        "later": addresses.of("later"),
        "api": addresses.api(),
        "events": addresses.api("events"),
    }
    made = form_shown(scene.frame, filling, lambda id: addresses.page(task.key, id), page, turn)
    if turn.checked:
        urls["action"] = addresses.page(task.key, made.page, checked=True)
    return msgspec.structs.replace(made, task=str(task.key), urls={**made.urls, **urls})


def form_shown(
    frame: Frame, filling: Filling, address: Callable[[str], str], page: str | None = None, turn: Turn = NO_TURN
) -> Shown:  # fmt: skip
    """A page of a form; `address` gives that of a page by its id."""
    whole = turn.seen if turn.seen is not None else filling.view()
    id = page_at(whole, page if page is not None else filling.draft.page)
    at, before, after = whole.page(id), whole.beside(id, -1), whole.beside(id, 1)
    urls = {"action": address(id), "self": address(id)}
    if before is not None:
        urls["back"] = address(before.id)
    texts: Mapping[str, str] = at.texts if at is not None else {}
    base = frame.shown("page", urls, title=texts.get("label") or texts.get("title") or whole.title)
    clashes = turn.told.conflicts if turn.told is not None else ()
    return msgspec.structs.replace(
        base,
        text="",
        page=id,
        view=told(whole),
        faults=list(turn.faults),
        conflicts=[Conflict(each.path, each.theirs, each.mine) for each in clashes],
        number=at.number if at is not None else 0,
        of=whole.of,
        first=before is None,
        last=after is None,
        version=filling.draft.version,
        saved=turn.saved,
    )


def check_shown(scene: Scene, addresses: Addresses, turn: Turn = NO_TURN) -> Shown:
    """All answers to be checked: each has a link that leads to its page, and back here."""
    shown = page_shown(scene, addresses, None, turn)
    assert shown.view is not None, "there is a form"
    task = int(shown.task)
    answers = [
        msgspec.structs.replace(each, url=addresses.page(task, each.page, checked=True))
        for each in pages.answers(shown.view)
    ]
    last = next((page.id for page in reversed(shown.view.pages) if page.visible), "")
    urls = {**shown.urls, "action": addresses.check(task), "self": addresses.check(task)}
    urls["back"] = addresses.page(task, last)
    return msgspec.structs.replace(
        shown, kind="check", page="", title=shown.view.title, answers=answers, urls=urls, first=False, last=True
    )


def state_shown(scene: Scene, addresses: Addresses) -> Shown:
    """What is shown where there is no form to be filled in."""
    state = scene.spot.state
    ended = state in {"completed", "terminated"}
    urls = {
        "self": addresses.of("end" if ended else "wait"),
        "api": addresses.api(),
        "events": addresses.api("events"),
    }
    if scene.trouble:
        return scene.frame.shown("problem", urls, text=scene.trouble)
    if state == "completed":
        return scene.frame.shown("end", urls)
    if state == "terminated":
        return scene.frame.shown("end", urls, text="stopped")
    return scene.frame.shown("wait", urls, text="wait" if state == "working" else "nothing")


def screen_shown(scene: Scene, player: Player, page: str | None = None) -> Shown:
    """Whatever is to be shown."""
    addresses = addresses_of(player)
    if scene.filling is not None:
        return page_shown(scene, addresses, page)
    shown = state_shown(scene, addresses)
    if shown.kind == "end" and "public" in scene.frame.rules.start:
        restart = Addresses(player.tenant).start(player.session.process_id)
        return msgspec.structs.replace(shown, urls={**shown.urls, "restart": restart})
    return shown


def address_of(shown: Shown) -> str:
    """The address of what is shown: where a POST sends the browser on to."""
    return shown.urls["self"]


def page_at(view: View, wanted: str) -> str:
    """The page that is wanted, if it is seen; else the first one that is."""
    found = view.page(wanted)
    if found is not None and found.visible:
        return wanted
    return next((page.id for page in view.pages if page.visible), "")


def languages(rules: Rules, here: str) -> list[Language]:
    """The languages that a page can be had in."""
    mark = "&" if "?" in here else "?"
    return [Language(code, _NAMES.get(code, code), f"{here}{mark}lang={code}") for code in rules.languages]


def chosen(rules: Rules, wanted: str) -> str:
    """The language of pages: the wanted one if the journey has it, else its first, else English."""
    if not rules.languages:
        return wanted if wanted.split("-", maxsplit=1)[0] in BUILT_IN and len(wanted) <= LANGUAGE_MAX else "en"
    for each in rules.languages:
        if wanted and each.lower() == wanted.lower():
            return each
    short = wanted.split("-", maxsplit=1)[0].lower()
    return next((each for each in rules.languages if short and each.lower().split("-")[0] == short), rules.languages[0])


def accepted(header: str, rules: Rules) -> str:
    """The language that a browser asks for (`Accept-Language`), of those that there are."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), name.strip()))
        except ValueError:
            continue
    known = {each.split("-")[0].lower() for each in rules.languages} or set(BUILT_IN)
    for _, name in sorted(wanted, key=lambda each: each[0]):
        if name.split("-")[0].lower() in known:
            return chosen(rules, name)
    return chosen(rules, "")
