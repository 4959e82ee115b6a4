"""The end of a process in which Temporal's SDK was at work.

Threads of the SDK let go of their last answers when they like. One that does so while the interpreter is taken apart
aborts the process (exit code 134, seen in one of some runs of a command). Everything of ours is closed by then.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def leave(code: object) -> NoReturn:
    """Ends the process with the code of a `SystemExit`, as the interpreter would, without taking it apart."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
