"""The doors of journeys: starting one, links, sessions, and the codes that prove who opens one.

Every step is a document or a request of its own, in an order in which a process that is killed between two of them
leaves nothing that is half open: what was begun is found again by the same token or key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, final

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated
from procession.base.values import Json, Variables
from procession.forms.formats import is_email, is_phone
from procession.runtime import requests as q
from procession.services import keys
from procession.services.backend import Backend, Who
from procession.services.journeys import codes
from procession.services.journeys.funnel import Funnel, where
from procession.services.journeys.kept import (
    CODE,
    INSTANCE,
    JOURNEY,
    JOURNEY_LENGTH,
    LINK,
    SESSION,
    Code,
    Journey,
    Link,
    OfInstance,
    Session,
    body_of,
    new_journey,
    place_of,
)
from procession.services.journeys.players import Player
from procession.services.journeys.ports import Letter, NotSent, Over, Post
from procession.services.journeys.rules import Rules, rules_of, variant_of
from procession.services.journeys.screens import rules_at
from procession.services.reading import Reader
from procession.services.views import InstanceView

TRIES: Final = 20
"""How often a document that somebody else changes all the time is written anew."""
HANDOVER_MS: Final = 3_600_000
"""How long the link of a hand-over leads anywhere; its code holds for ten minutes."""


HAND_OVER: Final = "hand-over"
"""The name of a link that leads on at another device."""
PUBLIC_START: Final = "public-start"
"""The name of the link that who starts in public proves: nobody is ever told its token."""


@final
class Opened(msgspec.Struct, frozen=True):
    """A session that was opened, and its token, which nobody can read again."""

    token: str
    session: Session


@final
class Started(msgspec.Struct, frozen=True):
    """An instance that is a journey now."""

    journey: str
    instance: int
    expires: int


@final
class Doors:
    """Of one server process. `clock` gives Unix ms."""

    __slots__ = ("_backend", "_clock", "_funnel", "post")

    def __init__(self, backend: Backend, post: Post, clock: Callable[[], int], funnel: Funnel | None = None) -> None:
        self._backend = backend
        self._clock = clock
        self._funnel = funnel or Funnel(backend, clock)
        self.post = post

    async def rules(self, tenant: str, process_id: str) -> Rules:
        """The rules of the latest version of a process. Raises `NotFound`."""

        def asked(reader: Reader) -> Rules:
            return rules_of(reader, tenant, reader.deployed.version(tenant, process_id, 0))

        return await self._backend.read(tenant, asked)

    async def start(self, tenant: str, process_id: str, variables: Variables, who: Who, again: str = "") -> Started:
        """Starts an instance as a journey. With the same `again` the same one, whatever its variables are now."""
        key = hashlib.sha256(f"journey\0{again}".encode()).hexdigest() if again else ""
        digest = hashlib.sha256(process_id.encode()).digest() if again else b""
        request = q.StartProcess(tenant, process_id, variables, direct=True)
        instance = await self._backend.ask(request, msgspec.structs.replace(who, key=key, digest=digest))
        assert isinstance(instance, int)
        return await self.journey_of(tenant, instance, who)

    async def journey_of(self, tenant: str, instance: int, who: Who) -> Started:
        """The journey that an instance is; it becomes one if it is none. Raises `NotFound`."""

        def asked(reader: Reader) -> tuple[OfInstance | None, InstanceView, Rules]:
            found = reader.records.find(tenant, INSTANCE, str(instance))
            view = reader.instance(tenant, instance)
            rules = rules_of(reader, tenant, reader.deployed.version(tenant, view.process_id, view.version))
            return found.read(OfInstance) if found is not None else None, view, rules

        known, view, rules = await self._backend.read(tenant, asked)
        if known is None:
            now = self._clock()
            known = OfInstance(new_journey(), now + rules.expires_ms)
            variant = variant_of(rules, known.journey)
            journey = Journey(view.process_id, instance, now, known.expires, view.version, variant)
            await self._put(tenant, JOURNEY, known.journey, journey, who)
            try:
                await self._put(tenant, INSTANCE, str(instance), known, who, version=0)
            except Outdated:
                await self._drop(tenant, JOURNEY, known.journey, who)
                return await self.journey_of(tenant, instance, who)
            self._funnel.count(tenant, where(journey), "started")
        return Started(known.journey, instance, known.expires)

    async def journey(self, tenant: str, id: str) -> Journey:
        """A journey. Raises `NotFound`."""
        found = await self._backend.read(tenant, lambda reader: reader.records.find(tenant, JOURNEY, id))
        if found is None or len(id) != JOURNEY_LENGTH:
            raise NotFound("there is no such journey")
        return found.read(Journey)

    async def make_link(self, tenant: str, link: Link, who: Who) -> str:
        """A link; gives its token, which nobody can read again."""
        token = keys.new_secret()
        await self._put(tenant, LINK, place_of(token), link, who, version=0)
        return token

    async def link(self, tenant: str, token: str) -> Link:
        """The link of a token, that holds: it is looked at, and nothing of it is used up. Raises `NotFound`, `Over`."""
        return (await self._link(tenant, place_of(token)))[0]

    async def open(self, tenant: str, token: str, language: str, who: Who) -> Opened:
        """Opens a session by a link. Raises `NotFound`, `Over`."""
        id = place_of(token)
        link, version = await self._link(tenant, id)
        if link.journey:
            journey = await self.journey(tenant, link.journey)
            started = Started(link.journey, journey.instance, journey.expires)
        else:
            # Under the id of the link, so that opening it once more never starts a second one.
            started = await self.start(tenant, link.process_id, dict(link.variables), who, f"link:{id}")
        for _ in range(TRIES):
            used = link.used if link.proof else link.used + 1
            changed = msgspec.structs.replace(link, journey=started.journey, used=used)
            if changed == link:
                break
            try:
                await self._put(tenant, LINK, id, changed, who, version=version)
                break
            except Outdated:
                link, version = await self._link(tenant, id)
        else:
            raise Conflict("this link is opened too often at the same time: open it again")
        wanted = link.language or language
        return await self.session(tenant, started, who, link=link, id=id, language=wanted)

    async def session(
        self,
        tenant: str,
        started: Started,
        who: Who,
        *,
        link: Link | None = None,
        id: str = "",
        language: str,
        party: str = "",
    ) -> Opened:
        """A new session of a journey: by a link, or of who has just started it."""
        token = keys.new_secret()
        journey = await self.journey(tenant, started.journey)
        session = Session(
            started.journey,
            journey.instance,
            journey.process_id,
            self._clock(),
            journey.expires,
            party=link.party if link is not None else party,
            language=language,
            link=id,
            proven=link is None or not link.proof,
            version=journey.version,
            variant=journey.variant,
        )
        await self._put(tenant, SESSION, place_of(token), session, who, version=0)
        return Opened(token, session)

    async def session_of_start(self, tenant: str, started: Started, who: Who, rules: Rules, *, language: str) -> Opened:
        """A new session of who has just started a journey in public. Where its rules say that people show who they are,
        it is to be proven by a code first, which goes to the contact that the start has filled in."""
        if not rules.identify:
            return await self.session(tenant, started, who, language=language, party=rules.party)
        link = Link(
            (await self.journey(tenant, started.journey)).process_id, self._clock(), who.subject, started.expires,
            journey=started.journey, party=rules.party, language=language, proof=rules.identify, name=PUBLIC_START,
        )  # fmt: skip
        id = place_of(await self.make_link(tenant, link, who))
        return await self.session(tenant, started, who, link=link, id=id, language=language)

    async def speak(self, player: Player, language: str) -> None:
        """Changes the language of a session."""
        changed = msgspec.structs.replace(player.session, language=language)
        await self._put(player.tenant, SESSION, player.id, changed, player.who)

    # --- codes

    async def ensure_code(self, player: Player) -> None:
        """Sends a code for a session's link, unless one that holds was sent already. Raises as `send_code`."""
        found = await self._backend.read(
            player.tenant, lambda reader: reader.records.find(player.tenant, CODE, player.session.link)
        )
        if found is None or found.read(Code).until <= self._clock():
            await self.send_code(player)

    async def send_code(self, player: Player) -> None:
        """Sends a code for the link by which a session was opened. Raises `Over` when no more are sent, `NotSent`."""
        session = player.session
        link, _ = await self._link(player.tenant, session.link)
        to = link.contact or await self.contact_of(player)
        letter = Letter(link.proof, to, session.language, "")
        await self._send(player.tenant, (session.link, link), letter, player.who)

    async def hand_over(self, player: Player, by: str, to: str, base: str) -> str:
        """Sends a link and a code to the journey's contact, or where there is none to an address that was typed, for
        going on at another device. Gives the address, most of it hidden. Raises `Conflict`, `NotSent`."""
        if by not in self.post.ways():
            raise Conflict(f"this server has no way to send by {by[:20]}")
        tenant, session, who = player.tenant, player.session, player.who
        to = await self.contact_of(player) or to.strip()
        if not (is_email(to) if by == "email" else is_phone(to)):
            raise Conflict("there is no address to send to, or it is none")
        now = self._clock()
        expires = min(session.expires, now + HANDOVER_MS)
        link = Link(
            session.process_id, now, who.subject, expires, journey=session.journey, party=session.party,
            language=session.language, proof=by, contact=to, name=HAND_OVER,
        )  # fmt: skip
        token = await self.make_link(tenant, link, who)
        letter = Letter(by, to, session.language, "", f"{base}/l/{token}")
        try:
            await self._send(tenant, (place_of(token), link), letter, who)
        except NotSent:
            await self._drop(tenant, LINK, place_of(token), who)
            raise
        self._funnel.count(tenant, where(session), "handed-over")
        return hidden(to)

    async def try_code(self, player: Player, digits: str) -> codes.Verdict:
        """Tries a code. A right one proves the session, uses up the link and is spent."""
        tenant, session, who = player.tenant, player.session, player.who
        for _ in range(TRIES):
            record = await self._backend.read(tenant, lambda reader: reader.records.find(tenant, CODE, session.link))
            if record is None:
                return "over"
            code = record.read(Code)
            verdict = codes.verdict(code, digits, self._clock())
            if verdict == "locked" and code.left <= 0:
                return verdict
            try:
                # Before anything comes of it: attempts that arrive together are counted one by one.
                await self._put(tenant, CODE, session.link, codes.tried(code), who, version=record.version)
            except Outdated:
                continue
            if verdict == "right":
                await self._prove(player)
            return verdict
        return "locked"

    async def _prove(self, player: Player) -> None:
        tenant, session, who = player.tenant, player.session, player.who
        link, version = await self._link(tenant, session.link)
        used = msgspec.structs.replace(link, used=link.used + 1)
        await self._put(tenant, LINK, session.link, used, who, version=version)
        await self._put(tenant, SESSION, player.id, msgspec.structs.replace(session, proven=True), who)
        await self._drop(tenant, CODE, session.link, who)
        if link.name == HAND_OVER:
            self._funnel.count(tenant, where(session), "resumed")

    async def _send(self, tenant: str, of: tuple[str, Link], letter: Letter, who: Who) -> None:
        id, link = of

        def asked(reader: Reader) -> tuple[Code | None, int]:
            found = reader.records.find(tenant, CODE, id)
            journey = reader.records.one(tenant, JOURNEY, link.journey).read(Journey)
            session = Session(link.journey, journey.instance, journey.process_id, 0, 0)
            return found.read(Code) if found is not None else None, rules_at(reader, tenant, session).attempts

        before, attempts = await self._backend.read(tenant, asked)
        now = self._clock()
        if not codes.may_send(before, now):
            raise Over("code-locked", "no more codes are sent for this link now")
        code = codes.new_code()
        kept = codes.kept(code, before, now, attempts, link.expires)
        # It is kept before it is sent: whoever reads fast must not be told that it is wrong.
        await self._put(tenant, CODE, id, kept, who)
        try:
            await self.post.send(msgspec.structs.replace(letter, code=code))
        except NotSent:
            # What nobody was sent counts for nothing.
            if before is None:
                await self._drop(tenant, CODE, id, who)
            else:
                await self._put(tenant, CODE, id, before, who)
            raise

    async def contact_of(self, player: Player) -> str:
        """The address that the process itself knows; "" for none."""

        def asked(reader: Reader) -> str:
            name = rules_at(reader, player.tenant, player.session).contact
            found: Json = reader.variables(player.tenant, player.session.instance).get(name) if name else None
            return found.strip() if isinstance(found, str) else ""

        return await self._backend.read(player.tenant, asked)

    async def _link(self, tenant: str, id: str) -> tuple[Link, int]:
        record = await self._backend.read(tenant, lambda reader: reader.records.find(tenant, LINK, id))
        if record is None:
            raise NotFound("this link leads nowhere")
        link = record.read(Link)
        if self._clock() >= link.expires:
            raise Over("link-expired", "the time of this link is over")
        if link.uses and link.used >= link.uses:
            raise Over("link-used", "this link was used", link.journey)
        return link, record.version

    async def _put(
        self, tenant: str, kind: str, id: str, body: msgspec.Struct, who: Who, *, version: int = -1
    ) -> None:  # fmt: skip
        await self._backend.ask(q.PutRecord(tenant, kind, id, body_of(body), version), who)

    async def _drop(self, tenant: str, kind: str, id: str, who: Who) -> None:
        try:
            await self._backend.ask(q.DeleteRecord(tenant, kind, id), who)
        except NotFound:
            return


def hidden(address: str) -> str:
    """An address of which only its owner knows which one it is: `a…@example.com`, `…42`."""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}" if at else f"…{address[-2:]}"
