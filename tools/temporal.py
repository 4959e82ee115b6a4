"""Build the Temporal servers that the tests use, once, into the user's cache: `python -m tools.temporal`.

Silent when they are there. Without Go, or when a build fails, it says so and ends well: the tests that need a server
are then skipped, visibly, and with CI=true they fail.
"""

from __future__ import annotations

import shutil
import time

from procession.testing.temporal.binaries import KINDS, SERVER_VERSIONS, ServerMissing, build_server, find_server


def main() -> None:
    """Build what no variable, no PATH and no cache gives."""
    for kind in KINDS:
        try:
            if find_server(kind, build=False):
                continue
            if not shutil.which("go"):
                print(f"No Go here: tests against Temporal {SERVER_VERSIONS[kind]} are skipped (CONTRIBUTING.md).")
                continue
            began = time.monotonic()
            build_server(kind, report=lambda text: print(f"{text} ...", flush=True))
            print(f"==> Temporal server {SERVER_VERSIONS[kind]}: {time.monotonic() - began:.0f} s, once")
        except ServerMissing as missing:
            print(f"Tests against Temporal {SERVER_VERSIONS[kind]} will be skipped: {missing}")


if __name__ == "__main__":
    main()
