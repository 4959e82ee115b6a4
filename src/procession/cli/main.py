"""The entry of the `procession` script: starts fast, and says what to install when the extra is missing."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

from procession.cli.leaving import leave

NEEDED: Final = ("typer", "rich")


def main() -> None:
    """Runs the command line; ends the process with its exit code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        sys.stderr.write(
            f"procession: the command line needs {names}: pip install 'procession[cli]'\n"
            "The engine itself needs neither: from procession import Engine\n"
        )
        raise SystemExit(1)
    from procession.cli.app import run

    try:
        run(sys.argv[1:])
    except SystemExit as end:
        if "temporalio" not in sys.modules:
            raise
        leave(end.code)


if __name__ == "__main__":
    main()
