"""What can go wrong: `Failure` inside a step (becomes an incident), `ProcessionError` and its kinds for callers."""

from __future__ import annotations


class Failure(Exception):
    """An expected failure of a transition. `core.step` alone catches it and records an incident.

    `code` is a stable word (`no-flow`, `expression`, `timer` …), `message` is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProcessionError(Exception):
    """Base of all errors that the public API raises."""


class BadValue(ProcessionError, ValueError):
    """A value that no variable can hold; the text names the variable, the place and the limit."""


class NotFound(ProcessionError, LookupError):
    """The thing addressed does not exist, or exists no longer (a job completed twice, a cancelled task)."""


class Conflict(ProcessionError):
    """The thing addressed is in a state that does not allow the command."""


class Outdated(Conflict):
    """The thing addressed has another version than the command names: somebody else changed it meanwhile."""


class Busy(Conflict):
    """Too much waits already, or is leased already: ask again in a while. Nothing was done."""


class QuotaExceeded(Conflict):
    """A tenant has, or asks for, more than it may. The text names the quota and its limit.

    `retry_after_s`: in how many seconds it may ask again, None where time alone changes nothing."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(ProcessionError):
    """The store cannot be used: full, locked, read-only, corrupt, or of another version."""

    def __init__(self, text: str, *, why: str = "") -> None:
        """`why` says it without the name of a host, a file or a user; "" where that is not known."""
        super().__init__(text)
        self.why = why


class Unreadable(StoreError):
    """One thing in a store that can otherwise be used cannot be read: damaged, or written by a newer version."""
