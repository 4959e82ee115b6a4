"""Scripts in the caller's own process, for who trusts them: one application, one tenant, scripts of its own.

Nothing here is a wall. A script that is out to do harm can take all memory and never end, and the time limit counts
what every thread of the process computes. What it saves is the way to another process, some 50 µs a call.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import process_time_ns
from typing import Final, final

from procession.scripts import wire
from procession.scripts.answers import outcome
from procession.scripts.ports import DEFAULT_LIMITS, NO_CALL, Call, Code, Limits, Output, ScriptFailed
from procession.scripts.realm import Realm

REALMS: Final = 64


@final
class Trusted:
    """See `Runtime`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[str, bytes, int], Realm] = OrderedDict()
        self._serial = 0
        self._closed = False

    def evaluate(self, code: Code, input: bytes, limits: Limits = DEFAULT_LIMITS, call: Call = NO_CALL) -> Output:
        """See `Runtime.evaluate`."""
        start = process_time_ns()
        realm = self._taken(call.group, code.key)
        status, value = wire.DONE, ""
        if realm is None:
            realm = Realm()
            status, value = realm.load(code.text.decode(), code.is_module, limits.seconds, limits.memory)
        if status == wire.DONE:
            status, value = realm.run(
                input.decode(),
                call.context.decode(),
                call.at,
                call.seed,
                seconds=limits.seconds,
                memory=limits.memory,
                output=limits.output,
                said=limits.console,
            )
        said = realm.said()
        if status not in wire.LAST:
            self._keep(call.group, code.key, realm)
        spent = (process_time_ns() - start) // 1000
        return outcome(status, spent, value.encode("utf-8", "replace"), said.encode("utf-8", "replace"), limits)

    def close(self) -> None:
        """See `Runtime.close`. What is under way ends as it would."""
        with self._lock:
            self._closed = True
            self._idle.clear()

    def _taken(self, group: str, key: bytes) -> Realm | None:
        with self._lock:
            if self._closed:
                raise ScriptFailed("unavailable", "the runtime of scripts is closed")
            found = next((each for each in reversed(self._idle) if each[:2] == (group, key)), None)
            return self._idle.pop(found) if found is not None else None

    def _keep(self, group: str, key: bytes, realm: Realm) -> None:
        with self._lock:
            if self._closed:
                return
            self._serial += 1
            self._idle[group, key, self._serial] = realm
            if len(self._idle) > REALMS:
                self._idle.popitem(last=False)
