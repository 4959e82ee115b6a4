"""Behaviour flags of tests: this version has none of its own."""

from __future__ import annotations

import pytest

from procession.core import flags
from procession.core.flags import Affects, Flag


def flag(number: int, new: str = "a behaviour of a test", affects: Affects = flags.everything, **more: str) -> Flag:
    """A flag that changes whatever `affects` finds."""
    given = {"name": f"test-{number}", "old": "as ever", "since": "9.0", **more}
    return Flag(number=number, new=new, affects=affects, **given)


def know(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    new: str = "a behaviour of a test",
    affects: Affects = flags.everything,
    **more: str,
) -> Flag:
    """Lets this version know a flag."""
    found = flag(number, new, affects, **more)
    monkeypatch.setitem(flags.KNOWN, number, found)
    return found
