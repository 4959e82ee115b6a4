"""Writes the pages of docs/reference, or with `--check` says which of them are not up to date (exit 1)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tools.reference.pages import pages

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """Gives the exit code."""
    stale: list[str] = []
    for name, text in pages().items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if '--check' in arguments else 'wrote'} docs/reference/{name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
