"""Searches as SQL: fragments of sql/search.sql, put together by name. Neutral between SQLite and PostgreSQL but for the
sources, which name indexes in SQLite. Values are bound; no text of a caller becomes SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from procession.runtime.ports import Cell, Cells
from procession.runtime.search import ROWS_MAX, Condition, Search

BRANCHES_MAX: Final = 60
"""Branches of one statement; more of them are several statements."""
SEALED: Final[Mapping[str, tuple[int, ...]]] = {
    "task_assignee": (0,),
    "task_candidate_user": (1,),
    "task_candidate_groups": (1,),
    "task_visible_groups": (1,),
    "task_visible_user": (0, 2),
    "task_visible": (0, 2, 4),
    "instance_business": (0,),
    "incident_code": (0,),
}
"""Condition -> which of its values are sealed texts; the last one stands for all behind it, too."""


def statements_of(question: Search, fragments: Mapping[str, str]) -> list[tuple[str, Cells]]:
    """(SQL, values) of a search, with `?` for each value: one statement for every `BRANCHES_MAX` branches.

    Each gives its rows in order. Of several, the answers have to be merged by `order` and key."""
    assert 0 < question.limit <= ROWS_MAX
    branches = question.branches
    chunks = [branches[at : at + BRANCHES_MAX] for at in range(0, len(branches), BRANCHES_MAX)]
    return [_statement(question, chunk, fragments) for chunk in chunks]


def _statement(
    question: Search, branches: tuple[tuple[Condition, ...], ...], fragments: Mapping[str, str]
) -> tuple[str, Cells]:
    direction = "DESC" if question.descending else "ASC"
    values: list[Cell] = []
    parts = [_branch(question, branch, fragments, values) for branch in branches]
    if len(parts) == 1:
        found = parts[0]
    else:
        united = " UNION ALL ".join(f"SELECT key, value FROM ({part}) AS b{n}" for n, part in enumerate(parts))
        found = f"SELECT key, value FROM ({united}) AS u ORDER BY value {direction}, key {direction} LIMIT ?"
        values.append(question.limit)
    sql = (
        f"{fragments[question.kind]} JOIN ({found}) AS f ON r.key = f.key WHERE r.tenant = ? "
        f"ORDER BY f.value {direction}, r.key {direction}"
    )
    return sql, (*values, question.tenant)


def _branch(question: Search, branch: tuple[Condition, ...], fragments: Mapping[str, str], values: list[Cell]) -> str:
    order = fragments[f"order_{question.order}"]
    direction, beyond = ("DESC", "<") if question.descending else ("ASC", ">")
    terms = ["x.tenant = ?"]
    values.append(question.tenant)
    for name, cells in (*question.where, *branch):
        terms.append(_expanded(fragments[name], len(cells)))
        values.extend(cells)
    if question.after:
        value, key = question.after
        # The first term is one that an index can begin at; the second leaves out what was on the page before.
        terms.append(f"{order} {beyond}= ? AND ({order} {beyond} ? OR x.key {beyond} ?)")
        values.extend((value, value, key))
    values.append(question.limit)
    return (
        f"SELECT x.key AS key, {order} AS value FROM {fragments[f'from_{question.source}']} "
        f"WHERE {' AND '.join(terms)} ORDER BY {order} {direction}, x.key {direction} LIMIT ?"
    )


def _expanded(condition: str, count: int) -> str:
    """The condition with a placeholder for each value."""
    fixed = condition.replace("(?*)", "").count("?")
    if "(?*)" not in condition:
        assert fixed == count, condition
        return condition
    assert count > fixed, condition
    return condition.replace("(?*)", f"({', '.join('?' * (count - fixed))})")


def sealed_at(name: str, count: int) -> Iterable[int]:
    """The positions of a condition's values that are sealed."""
    places = SEALED.get(name.removesuffix("_each").removesuffix("_apart"), ())
    return (*places, *range(places[-1] + 1, count)) if places else ()
