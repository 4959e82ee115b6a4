"""Writes what is made from the code under docs/, or with `--check` says what of it is not up to date (exit 1)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tools.reference.pages import files

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs"


def main(arguments: list[str]) -> int:
    """Gives the exit code."""
    stale: list[str] = []
    for name, text in files().items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if '--check' in arguments else 'wrote'} docs/{name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
