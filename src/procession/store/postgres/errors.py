"""What PostgreSQL's errors mean to people. One row a SQLSTATE, or its class of two characters."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg

from procession.base.failure import BadValue, ProcessionError, StoreError

LOST: Final = "the connection to the database was lost, or cannot be made: check that the server runs and is reached"
STANDBYS: Final = "no server of the URL takes writes, all that answer are standbys: promote one, or start the primary"
TEXTS: Final = {
    "08": LOST,
    "53100": "the disk of the database server is full: free space there, then try again",
    "53200": "memory ran out on the database server: give it more, or lower its `work_mem`, then try again",
    "53300": "the database server takes no more connections: raise its `max_connections`, or close other clients",
    "53": "the database server lacks a resource: see its log, then try again",
    "57P01": "the database server is shutting down: start it again, or name the one that took over",
    "57P02": "the database server crashed and recovers: try again in a moment",
    "57P03": "the database server is starting up or recovers: try again in a moment",
    "57014": "the database server cancelled a statement: look for a `statement_timeout` of its role or database",
    "25006": "the database server is read-only, probably a standby: name the primary in the URL "
    "(`target_session_attrs=read-write` with all hosts finds it)",
    "42501": "the database denied access: the user of the URL needs the rights that the operator's guide lists",
    "42P01": "a table is not there: the schema was changed by something else; restore a backup",
    "28": "the database server does not let this user in: check the user and the password of the URL",
    "3D000": "there is no such database: create it (`createdb`), or check the URL",
    "40": "the database server ended a transaction that was in the way of another one: try again",
    "55P03": "another connection keeps a row or a table locked: end its transaction, then try again",
    "54": "a value is larger than the database can hold: store a reference to it instead",
    "58": "the disk of the database server reported an error: check it before going on",
    "XX": "the database is damaged, or the server has a fault: see its log before going on",
}
FENCED: Final = "PF001"
"""Raised by procession_fence: the shard has another epoch."""
STALE: Final = "PF002"
"""Raised by procession_expect: a step does not follow what is stored."""
UNIQUE: Final = "23505"

FAULTS: Final = (psycopg.Error, OverflowError, UnicodeEncodeError)
"""What a statement raises: the others are Python's, of a number or a text that cannot be sent."""


@contextmanager
def plain_errors(name: str) -> Generator[None, None, None]:
    """Turns PostgreSQL's errors into `StoreError` with the store's name and a remedy."""
    try:
        yield
    except FAULTS as error:
        raise explained(name, error) from error


def explained(name: str, error: Exception) -> ProcessionError:
    """The error for people of one of psycopg."""
    if isinstance(error, OverflowError):
        return BadValue("a number has more than 63 bits; no key is that long")
    if isinstance(error, UnicodeEncodeError):
        return BadValue("a text holds a lone surrogate; no stored text does")
    state = getattr(error, "sqlstate", None) or ""
    first = str(error).strip().split("\n")[0]
    text = TEXTS.get(state) or TEXTS.get(state[:2])
    if text is None and not state and isinstance(error, psycopg.OperationalError):
        # Refusals of the server while a connection is made come without their SQLSTATE.
        words, text = next((each for each in _REFUSALS if each[0] in str(error)), ("", LOST))
        # Of several hosts each says a line: the one that tells is shown.
        first = next(line for line in str(error).strip().split("\n") if words in line)
    return StoreError(f"{name}: {text} ({first})" if text else f"{name}: {first}", why=text or "")


_LAST_WORDS: Final = frozenset({"FATAL", "PANIC"})
"""How severe an error is after which the server closes the connection, or starts anew altogether."""
_REFUSALS: Final = (
    ("too many clients", TEXTS["53300"]),
    ("too many connections", TEXTS["53300"]),
    ("remaining connection slots", TEXTS["53300"]),
    ("password authentication failed", TEXTS["28"]),
    ("no password supplied", TEXTS["28"]),
    ("no pg_hba.conf entry", TEXTS["28"]),
    ('role "', TEXTS["28"]),
    ('database "', TEXTS["3D000"]),
    ("starting up", TEXTS["57P03"]),
    ("not yet accepting connections", TEXTS["57P03"]),
    ("shutting down", TEXTS["57P01"]),
    ("recovery mode", TEXTS["57P02"]),
    ("session is read-only", STANDBYS),  # last: whoever said any other of these may be the primary
)


def lost(error: Exception) -> bool:
    """Whether the connection itself is gone: the statement may have been carried out, or not."""
    if isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized in _LAST_WORDS:
        # Whatever it was: a server that cannot write its log may have written the COMMIT before.
        return True
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = error.sqlstate or ""
    return not state or state.startswith("08") or state in {"57P01", "57P02", "57P03"}
