"""Code of the player in a Node process, asked line by line over its stdin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from browser_rig import PACKAGE, bundle


@final
class Node:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> Any:
        """The answer to one line of JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def running(source: str, place: Path) -> Iterator[Node]:
    """A process of a file of `clients/player/test`, bundled into a folder, as under a policy without `unsafe-eval`."""
    target = place / Path(source).with_suffix(".mjs").name
    bundle(PACKAGE / "test" / source, target, "--platform=node")
    with subprocess.Popen(
        ["node", "--disallow-code-generation-from-strings", str(target)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        yield Node(process)
        assert process.stdin is not None
        process.stdin.close()
