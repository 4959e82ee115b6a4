"""Codes of six digits: made, kept as a hash with a salt, tried a few times within ten minutes of the server's clock."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal, TypeAlias

import msgspec

from procession.services.journeys.kept import Code

DIGITS: Final = 6
LIVES_MS: Final = 600_000
"""How long a code holds, by the clock of the server."""
SENT_MAX: Final = 5
"""Most codes of one link: whoever tries all attempts at each of them has tried one in many thousands."""

Verdict: TypeAlias = Literal["right", "wrong", "locked", "over"]


def new_code() -> str:
    """Six digits by chance."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def kept(code: str, before: Code | None, now: int, attempts: int, expires: int) -> Code:
    """What is kept of a new code; `before` is the one that it stands for."""
    salt = secrets.token_hex(16)
    sent = before.sent + 1 if before is not None else 1
    return Code(_digest(code, salt), salt, now + LIVES_MS, attempts, sent, expires)


def tried(code: Code) -> Code:
    """The code with one attempt less: it is written before the digits are looked at, so that none is free."""
    return msgspec.structs.replace(code, left=max(0, code.left - 1))


def verdict(code: Code, digits: str, now: int) -> Verdict:
    """What digits are worth. `code` is as it was before this attempt."""
    if code.left <= 0:
        return "locked"
    if now >= code.until:
        return "over"
    plain = "".join(each for each in digits if each not in " -")[: DIGITS + 1]
    if hmac.compare_digest(_digest(plain, code.salt), code.digest):
        return "right"
    return "wrong" if code.left > 1 else "locked"


def may_send(code: Code | None, now: int) -> bool:
    """Whether another code may be sent for the link of this one: a locked one must be over first."""
    return code is None or (code.sent < SENT_MAX and (code.left > 0 or now >= code.until))


def _digest(code: str, salt: str) -> str:
    # Six digits are found by trying all of them, however slow the hash: the salt keeps one table from serving for all,
    # and what protects a code is that it holds for ten minutes and is tried a few times.
    return hashlib.sha256(f"{salt}\0{code}".encode()).hexdigest()
