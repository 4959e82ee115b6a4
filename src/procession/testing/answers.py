"""What jobs answer in a scenario file: a part of its document (`scenario`), as structs."""

from __future__ import annotations

from typing import final

import msgspec


@final
class Fail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt fails; `retries` are what remains, 0 raises an incident."""

    message: str = "failed by the scenario"
    retries: int = 0


@final
class Throw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt ends in a BPMN error."""

    code: str
    message: str = ""
    variables: dict[str, object] = {}


@final
class Choose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the job of an ad-hoc sub-process chooses: element ids with the variables of each, or that it is done.

    `cancel` ends what is active in it; `variables` are the job's own result.
    """

    activate: list[str] | dict[str, dict[str, object]] = []
    done: bool = False
    cancel: bool = False
    variables: dict[str, object] = {}


@final
class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job answers to one attempt: exactly one of the four."""

    complete: dict[str, object] | None = None
    fail: Fail | None = None
    throw: Throw | None = None
    choose: Choose | None = None
