"""The tables of FEEL clause by clause, `feel/*.yaml`, as rows: one expression, or one cell of unary tests, a row."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import needs
from procession.base.values import decode

needs.require("yaml", "python -m pip install pyyaml")
import yaml  # noqa: E402

FOLDER: Final = Path(__file__).with_name("feel")


class Row(NamedTuple):
    """`text` is `expression ==> value`, or `value | tests ==> verdict`, with `!code` for a note."""

    file: str
    mode: str
    variables: dict[str, object]
    text: str

    @property
    def source(self) -> str:
        """What is evaluated."""
        return self.text.rpartition(" ==> ")[0].strip()


def rows() -> list[Row]:
    """All rows of all tables."""
    found: list[Row] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for clause in yaml.safe_load(path.read_text()):
            variables = decode(str(clause.get("variables", "{}")))
            assert isinstance(variables, dict)
            for mode in ("expressions", "unary tests"):
                lines = str(clause.get(mode, "")).splitlines()
                found += [Row(f"{path.stem} {clause['clause']}", mode, dict(variables), line) for line in lines if line]
    return found
