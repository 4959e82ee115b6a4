"""Records the golden histories beside this file: `python tests/golden/record.py NAME`, before a change of behaviour.

A file holds the program's bytes and the facts of each step, as a store of that time had them. It is never recorded
anew: it stands for the instances of users that were started then.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from procession.testing import run_scenario

sys.path.append(str(Path(__file__).parents[1]))

from store_audit import audit, outcome

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]


def record(store: Path, name: str) -> None:
    """Writes the instances of a store as `NAME.json`."""
    with closing(sqlite3.connect(store)) as connection:
        programs = connection.execute("SELECT hash, data FROM procession_program ORDER BY hash").fetchall()
        facts = connection.execute("SELECT instance, seq, at, data FROM procession_fact ORDER BY 1, 2").fetchall()
    steps: dict[str, list[object]] = {}
    for instance, _, at, data in facts:
        steps.setdefault(str(instance), []).append([at, _text(data)])
    outcomes = {str(key): outcome(state) for key, state in audit(store).items()}
    found = {"programs": {hash: _text(data) for hash, data in programs}, "instances": steps, "outcomes": outcomes}
    (FOLDER / f"{name}.json").write_text(json.dumps(found, separators=(",\n", ":")) + "\n", encoding="utf-8")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    """The scenarios of the examples, and the first of each folder of scenarios."""
    name = sys.argv[1]
    if (FOLDER / f"{name}.json").exists():
        raise SystemExit(f"{name} is recorded already")
    folders = sorted(path for path in (ROOT / "tests" / "scenarios").iterdir() if path.is_dir())
    chosen = [next(iter(sorted(folder.glob("*.scenario.yaml")))) for folder in folders]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "e.db"
        for path in [*sorted((ROOT / "examples").rglob("*.scenario.yaml")), *chosen]:
            run_scenario(path, store=str(store))
        record(store, name)


if __name__ == "__main__":
    main()
