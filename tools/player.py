"""Makes the scripts of the player of its TypeScript: `python -m tools.player`.

They are committed, so that a clone and a wheel serve them without Node; a test says that they are what the sources
give. esbuild is pinned by the lock file, and gives the same bytes everywhere.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "clients" / "player"
STATIC: Final = ROOT / "src" / "procession" / "web" / "player" / "static"
SCRIPTS: Final = {"player.js": "player-page.ts", "embed.js": "embed.ts"}
"""Script -> the source that it begins with."""


def command(modules: Path, source: Path, target: Path, *options: str) -> list[str]:
    """What bundles a source and all that it imports."""
    return [
        str(modules / ".bin" / "esbuild"), str(source), "--bundle", "--minify", "--format=esm", "--target=es2022",
        "--charset=utf8", "--log-level=warning", f"--outfile={target}",
        f"--alias:forms-texts={ROOT / 'src' / 'procession' / 'forms' / 'texts'}", *options,
    ]  # fmt: skip


def build(modules: Path, place: Path) -> list[Path]:
    """Writes the scripts into a folder."""
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for name, source in SCRIPTS.items():
        subprocess.run(command(modules, PACKAGE / "src" / source, place / name), check=True)
        made.append(place / name)
    return made


def main() -> None:
    """Makes the scripts anew, with the packages of the lock file."""
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=PACKAGE, check=True)
    for made in build(PACKAGE / "node_modules", STATIC):
        print(f"{made.relative_to(ROOT)}: {made.stat().st_size} bytes")


if __name__ == "__main__":
    main()
