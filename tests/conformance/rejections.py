"""Runs models that break the standard: `python -m tests.conformance.rejections DIR [--json]`.

Every model below DIR breaks one constraint of BPMN 2.0.2, and passes if the check of the standard refuses it. One line
a case, with the rules that it breaks; with `--json` it is one JSON object, and the totals go to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from procession import check_standard

SUFFIXES: Final = frozenset({".bpmn", ".bpmn2", ".xml"})


class Outcome(NamedTuple):
    """How a case went: `why` says what was found first, `rule` names the rules that were broken."""

    case: str
    passed: bool
    why: str
    rule: str

    def line(self) -> str:
        """The case as JSON."""
        return json.dumps(self._asdict(), ensure_ascii=False)


def run(folder: Path) -> Iterator[Outcome]:
    """Every model below a folder, in order."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            found = check_standard(path)
            rules = ", ".join(dict.fromkeys(each.rule for each in found))
            why = str(found[0]) if found else "no constraint of the standard is broken"
            yield Outcome(path.relative_to(folder).as_posix(), bool(found), why, rules)


def main(arguments: list[str]) -> int:
    """The exit code: 1 if a model passed the check, 2 if there is none."""
    as_json = "--json" in arguments
    folders = [each for each in arguments if each != "--json"]
    if len(folders) != 1 or not Path(folders[0]).is_dir():
        sys.stderr.write("usage: python -m tests.conformance.rejections DIR [--json]\n")
        return 2
    outcomes = list(run(Path(folders[0])))
    for each in outcomes:
        state = "refused" if each.passed else "NOT REFUSED"
        text = each.line() if as_json else f"{state:12}{each.case}: {each.rule or each.why}"
        sys.stdout.write(f"{text}\n")
    refused = sum(each.passed for each in outcomes)
    (sys.stderr if as_json else sys.stdout).write(f"{refused} of {len(outcomes)} refused\n")
    if not outcomes:
        return 2
    return 0 if refused == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
