"""Who sends messages: an SMTP server, and a gateway for SMS that is asked as webhooks ask, with the same signature."""

from __future__ import annotations

import secrets
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Literal, final

import msgspec

from procession.services.journeys.ports import Letter, NotSent
from procession.web.body import exactly
from procession.web.post.wording import text_of, words_of
from procession.web.webhooks import signing
from procession.web.webhooks.sending import send
from procession.web.webhooks.wall import Reach


@final
class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """An SMTP server. `tls`: from the first byte, after STARTTLS, or not at all."""

    host: str
    port: int = 587
    sender: str
    user: str = ""
    password: str = ""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    seconds: float = 10.0


@final
class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway for SMS: an address that takes a POST, and the secret that what it is told is signed with."""

    url: str
    secret: str
    reach: Reach = Reach()


@final
class Sending:
    """Sends by what is set up."""

    __slots__ = ("_gateway", "_mail")

    def __init__(self, mail: Mail | None = None, gateway: Gateway | None = None) -> None:
        self._mail = mail
        self._gateway = gateway

    def ways(self) -> frozenset[str]:
        """See `Post.ways`."""
        there = {"email": self._mail, "sms": self._gateway}
        return frozenset(name for name, each in there.items() if each is not None)

    async def send(self, letter: Letter) -> None:
        """See `Post.send`."""
        if letter.by == "email" and self._mail is not None:
            await _mailed(self._mail, letter)
        elif letter.by == "sms" and self._gateway is not None:
            await _told(self._gateway, letter)
        else:
            raise NotSent(f"this server has no way to send by {letter.by[:20]}")


async def _mailed(of: Mail, letter: Letter) -> None:
    try:
        import aiosmtplib
    except ModuleNotFoundError:
        raise NotSent("e-mail needs aiosmtplib: pip install 'procession[player]'") from None
    try:
        await aiosmtplib.send(
            message_of(of.sender, letter),
            hostname=of.host,
            port=of.port,
            username=of.user or None,
            password=of.password or None,
            use_tls=of.tls == "tls",
            start_tls=of.tls == "starttls",
            timeout=of.seconds,
        )
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        # What the server said may name the address, and hosts of ours.
        raise NotSent("the e-mail could not be sent: try again in a moment") from error


def message_of(sender: str, letter: Letter) -> EmailMessage:
    """The e-mail. An address that would be more than one header, or more than one address, is refused."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = letter.to
    except (ValueError, IndexError) as error:
        raise NotSent("this is no address that an e-mail can be sent to") from error
    if len(message["To"].addresses) != 1:
        raise NotSent("this is no address that an e-mail can be sent to")
    words = words_of(letter.language)
    message["Subject"] = words.subject if letter.code else words.invitation
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip("> ") or "localhost")
    # Nobody's holiday is told of a code.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_of(letter))
    return message


async def _told(of: Gateway, letter: Letter) -> None:
    body = exactly({"to": letter.to, "text": text_of(letter), "language": letter.language})
    id = f"msg_{secrets.token_hex(12)}"
    headers = signing.headers([of.secret], id, int(time.time()), body)
    sent = await send(of.url, headers, body, of.reach)
    if not sent.good:
        raise NotSent("the message could not be sent: try again in a moment")
