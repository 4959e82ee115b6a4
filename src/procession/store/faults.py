"""Where a commit can be interrupted: the tests of crashes stop the process at these points by name.

`PROCESSION_FAULT=before-commit:3` kills the process without a word at the third time that point is reached.
"""

from __future__ import annotations

import os
import signal
from typing import Final, Literal, TypeAlias

Point: TypeAlias = Literal["before-commit", "in-commit", "after-commit"]

_ARMED: Final = os.environ.get("PROCESSION_FAULT", "")
_COUNTS: Final[dict[str, int]] = {}


def armed(point: Point) -> bool:
    """Whether the process is to be ended at this point at all: to stop there may take another way to it."""
    return _ARMED.partition(":")[0] == point


def reached(point: Point) -> None:
    """Ends the process here if it was asked for; otherwise costs nothing worth naming."""
    if not _ARMED:
        return
    name, _, number = _ARMED.partition(":")
    if name != point:
        return
    _COUNTS[point] = _COUNTS.get(point, 0) + 1
    if _COUNTS[point] == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
