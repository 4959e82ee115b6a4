"""Asking the store's owner from a process that is not it: a row of the inbox, and its answer."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from itertools import count
from typing import Final, cast, final

from procession.base.failure import ProcessionError, StoreError
from procession.runtime import codec, requests
from procession.runtime.ports import Store
from procession.runtime.requests import TakeKeys
from procession.runtime.rows import AnswerRow

ANSWER_S: Final = 8.0
"""How long the owner may take: less than the local activity that waits for it has."""
PAUSES_S: Final = (0.001, 0.02)
"""Between two looks for the answer, at first and at most."""


@final
class Asking:
    """One process's. Thread-safe. Numbers rise in the order of sending, which is what the owner checks."""

    def __init__(self, store: Store, answer_s: float = ANSWER_S) -> None:
        self._store = store
        self._source = f"c:{uuid.uuid4().hex}"
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._answer_s = answer_s

    def keys(self, request: TakeKeys) -> tuple[int, int]:
        """Keys for an instance, see `TakeKeys`. Raises `StoreError` when no owner answers in time."""
        with self._lock:
            number = next(self._numbers)
            at = time.time_ns() // 1_000_000
            self._store.post([(request.tenant, 0, self._source, number, at, requests.encode(request))])
        answer = self._answer(request.tenant, number)
        if "error" in answer:
            raise ProcessionError(f"no keys for {request.tenant!r}: {answer.get('message') or answer['error']}")
        first, last = cast("list[int]", answer["result"])
        return first, last

    def _answer(self, tenant: str, number: int) -> Mapping[str, object]:
        deadline = time.monotonic() + self._answer_s
        pause, longest = PAUSES_S
        while True:
            rows = self._store.read("inbox_result", (tenant, self._source, number), AnswerRow)
            if rows and rows[0].result is not None:
                return cast("dict[str, object]", codec.decode_json(rows[0].result))
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{self._store.name}: no engine answered within {self._answer_s:g} s; one must serve this store, "
                    "such as that of `procession worker temporal`"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, longest)
