"""Files that come for a field of a page: what the field takes, whose they are, and what becomes of those before."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import AsyncIterator
from typing import Final, final

import msgspec

from procession.base.failure import BadValue, Conflict, NotFound
from procession.base.values import Json, encode
from procession.forms import Fault, View
from procession.forms.components import COMPONENTS
from procession.forms.extensions import size_of
from procession.forms.formats import accepted
from procession.forms.languages import message
from procession.forms.verdict import files_max
from procession.forms.view import Item, Page
from procession.services.documents import KIND, Document
from procession.services.journeys.files import FIELD_MAX, TASK_MAX, files_of_task, noted
from procession.services.journeys.players import Player
from procession.services.reading import Reader
from procession.web.documents import Arriving, TooLarge, upload_of
from procession.web.file_types import WrongType, checked_type
from procession.web.player.pages.values import field_name
from procession.web.site import Site
from procession.web.uploads import Progress, Uploads

UNKNOWN: Final = "application/octet-stream"
NAME_MAX: Final = 255
_KNOWN: Final = mimetypes.MimeTypes(filenames=())
"""Types by the endings of names; not what the machine has installed."""


@final
class Named(msgspec.Struct, frozen=True):
    """A file as it is announced: its name, its media type, and its size in bytes, -1 for not said."""

    name: str
    type: str
    size: int = -1


def field_at(view: View, path: str) -> Item:
    """The field for files at a path. Raises `NotFound` for one that is none, is not seen, or may not be changed."""
    for page in view.pages:
        for item in page.walk() if page.visible else ():
            if item.path == path and is_open(item):
                return item
    raise NotFound("no field of this page that files may be sent to is at this path")


def is_open(item: Item) -> bool:
    """Whether files may be sent to a component."""
    return COMPONENTS[item.type].value == "files" and item.visible and not (item.readonly or item.disabled)


def plain_name(text: str) -> str:
    """The name of a file without folders, and without signs that show it as another one."""
    name = "".join(each for each in text.replace("\\", "/").rpartition("/")[2] if each.isprintable()).strip()
    stem, dot, ending = name.rpartition(".")
    if len(name) > NAME_MAX:
        name = (stem[: NAME_MAX - len(ending) - 1] + dot + ending)[:NAME_MAX] if dot else name[:NAME_MAX]
    return name if name not in {"", ".", ".."} else "file"


@final
class Filing:
    """What a session sends to the fields of one of its tasks."""

    def __init__(self, site: Site, player: Player, task: int) -> None:
        self._site = site
        self._player = player
        self._task = str(task)
        self._uploads = Uploads(site.archive)

    async def begin(self, item: Item, file: Named, sha256: str = "") -> Progress:
        """Makes room for a file that comes piece by piece."""
        what = self._arriving(item, file, sha256)
        await self._note(item, what.id)
        return await self._uploads.begin(what, self._player.who)

    async def save(self, item: Item, file: Named, content: AsyncIterator[bytes]) -> Json:
        """Takes a file that comes whole; gives the value of the field."""
        what = self._arriving(item, file, "")
        await self._note(item, what.id)
        record = await self._site.archive.save(what, content, self._player.who)
        document = record.read(Document)
        return {"id": record.id, "name": document.name, "size": document.size, "type": document.content_type}

    async def progress(self, id: str) -> Progress:
        """How far a file is."""
        return await self._uploads.progress(self._player.tenant, await self._mine(id), self._player.who.subject)

    async def append(self, id: str, at: int, content: AsyncIterator[bytes]) -> Progress:
        """Takes a piece."""
        upload = await self._mine(id)
        return await self._uploads.append(self._player.tenant, upload, self._player.who.subject, at, content)

    async def give_up(self, id: str) -> None:
        """Takes a file away, all of it or what came. One that is an answer is taken from the answer first."""
        await self._mine(id)

        def change(paths: dict[str, str]) -> list[str]:
            paths.pop(id, None)
            return []

        await noted(self._site.backend, self._place, change, self._player.who)
        await self._drop(id)

    @property
    def _place(self) -> tuple[str, str, int]:
        return self._player.tenant, self._task, self._player.session.expires

    def _arriving(self, item: Item, file: Named, sha256: str) -> Arriving:
        name, kind = plain_name(file.name), file.type.lower()
        if kind in {"", UNKNOWN}:
            # Browsers do not know all types that there are.
            kind = _KNOWN.guess_type(name)[0] or UNKNOWN
        accept = item.limits.get("accept")
        if isinstance(accept, str) and not accepted(accept, name, kind):
            raise WrongType(f"this field takes {accept[:200]}")
        id = f"doc_{secrets.token_hex(16)}"
        most = size_of(item.extensions.get("maxSize")) or 0
        expires = self._player.session.expires
        return Arriving(
            self._player.tenant, id, name, checked_type(kind, "utf-8"), file.size, expires, sha256, bytes_max=most
        )

    async def _note(self, item: Item, id: str) -> None:
        """Writes down that a file comes. Of those that came for the field and are no answer the oldest go, where there
        are more than the field takes: who changes their mind again and again fills no disk."""
        tenant, task, most = self._player.tenant, self._task, min(files_max(item), FIELD_MAX)
        answers = await self._site.backend.read(tenant, lambda reader: _answers(reader, self._site, self._player, task))

        def change(paths: dict[str, str]) -> list[str]:
            loose = [each for each, path in paths.items() if path == item.path and each not in answers]
            gone = loose[: max(0, len(loose) + 1 - most)]
            for each in gone:
                del paths[each]
            if len(paths) >= TASK_MAX:
                raise BadValue(f"at most {TASK_MAX} files are sent to one page")
            paths[id] = item.path
            return gone

        for each in await noted(self._site.backend, self._place, change, self._player.who):
            await self._drop(each)

    async def _mine(self, id: str) -> str:
        """The upload of a document that came for this task. Raises `NotFound`."""
        tenant, task = self._player.tenant, int(self._task)

        def asked(reader: Reader) -> bool:
            self._site.playing.play.filling(reader, self._player, task)
            return id in files_of_task(reader, tenant, self._task).paths

        if not await self._site.backend.read(tenant, asked):
            raise NotFound(f"no file {id!r:.80} of this page, or it is over")
        return upload_of(id)

    async def _drop(self, id: str) -> None:
        tenant, who = self._player.tenant, self._player.who
        record = await self._site.backend.read(tenant, lambda reader: reader.records.find(tenant, KIND, id))
        document = record.read(Document) if record is not None else None
        try:
            if document is not None and document.by == who.subject:
                await self._site.archive.delete(tenant, id, document, who)
            elif document is None:
                await self._uploads.end(tenant, upload_of(id), who.subject)
        except (NotFound, Conflict):
            return  # it never began, or is gone already


@final
class Receiving:
    """Files of a page that is posted whole. What a field does not take becomes a fault of it, and the page stays."""

    def __init__(self, site: Site, player: Player, task: int, page: Page | None) -> None:
        self._site = site
        self._filing = Filing(site, player, task)
        self._items = {field_name(each.path): each for each in page.walk() if is_open(each)} if page else {}
        self._language = player.session.language
        self.came: dict[str, list[str]] = {}
        """What `form_values` is told of the files, by the names of their fields."""
        self.faults: list[Fault] = []

    async def take(self, name: str, file: Named, content: AsyncIterator[bytes]) -> None:
        """Takes a file; one of no field of the page is left where it is."""
        item = self._items.get(name)
        if item is None:
            return
        came = self.came.setdefault(name, [])
        if len(came) >= files_max(item):
            self._refuse(item, "maxFiles", {"n": files_max(item)})
            return
        try:
            value = await self._filing.save(item, file, content)
        except WrongType:
            accept = item.limits.get("accept") or ", ".join(sorted(self._site.archive.rules.types))
            self._refuse(item, "accept", {"accept": accept, "name": plain_name(file.name)})
        except TooLarge:
            most = min(size_of(item.extensions.get("maxSize")) or self._most, self._most)
            self._refuse(item, "maxSize", {"n": most, "name": plain_name(file.name)})
        else:
            came.append(encode(value).decode())

    @property
    def _most(self) -> int:
        return self._site.archive.rules.bytes_max

    def _refuse(self, item: Item, rule: str, params: dict[str, Json]) -> None:
        self.faults.append(Fault(item.path, rule, message(rule, self._language, params), params))


def _answers(reader: Reader, site: Site, player: Player, task: str) -> frozenset[str]:
    filling = site.playing.play.filling(reader, player, int(task))
    return filling.answered()
