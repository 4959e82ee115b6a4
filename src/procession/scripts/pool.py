"""The default runtime: cages of quickjs-ng, each for one group, as many as are wanted and no more than are allowed.

A group never gets a cage that another group had. Who waits is served in turns, group by group.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic
from typing import Final, Protocol, final

import msgspec

from procession.scripts import wire
from procession.scripts.answers import outcome
from procession.scripts.cages import Cage, Nursery
from procession.scripts.ports import DEFAULT_LIMITS, NO_CALL, Call, Code, Limits, Output, ScriptFailed


@final
class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many processes there are. `cages`: in all; `per_group`: of one group; `spares`: forked and waiting for one;
    `ceiling`: bytes of addresses that a cage can have beyond its own, whatever a call may; `wait`: how long a call
    waits for a cage (s); `idle`: how long a cage stays with a group that asks nothing (s); `probation`: how long the
    scripts of a group run when nothing else wants to, after one of them hit a limit (s)."""

    cages: int = max(4, 2 * (os.cpu_count() or 1))
    per_group: int = max(1, (os.cpu_count() or 1) - 1)
    spares: int = 2
    ceiling: int = 1024 * 1024 * 1024
    wait: float = 30.0
    idle: float = 60.0
    probation: float = 10.0


_OPTIONS: Final = Options()


class Source(Protocol):
    """Where cages come from, and where they end."""

    def cage(self, group: str) -> Cage: ...
    def bury(self, cage: Cage) -> int: ...
    def close(self) -> None: ...


def _nursery(options: Options) -> Source:
    return Nursery(options.spares, options.ceiling)


@final
class _Waiter:
    """A call that waits for a cage."""

    __slots__ = ("cage", "failure", "key", "ready")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.ready = threading.Event()
        self.cage: Cage | None = None
        self.failure: ScriptFailed | None = None


@final
class Pool:
    """Cages of all groups. See `Runtime`."""

    def __init__(self, options: Options = _OPTIONS, source: Callable[[Options], Source] = _nursery) -> None:
        """`source` gives where cages come from."""
        self._options = options
        self._source = source
        self._forked()
        again = weakref.WeakMethod(self._forked)
        os.register_at_fork(after_in_child=lambda: (method := again()) and method())

    def _forked(self) -> None:
        """Begins with nothing: also in a process that was forked from one with cages, which are not its own."""
        self._lock = threading.Lock()
        self._nursery = self._source(self._options)
        self._idle: OrderedDict[Cage, float] = OrderedDict()
        self._count: dict[str, int] = {}
        self._total = 0
        self._probation: dict[str, float] = {}
        self._waiting: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._closed = False

    def evaluate(self, code: Code, input: bytes, limits: Limits = DEFAULT_LIMITS, call: Call = NO_CALL) -> Output:
        """See `Runtime.evaluate`."""
        if len(input) > wire.INPUT_BYTES or len(code.text) > wire.CODE_BYTES:
            raise ScriptFailed(
                "memory", f"the input has {len(input)} bytes, the code {len(code.text)}: that is too much"
            )
        cage = self._take(call.group, code.key)
        try:
            answer = cage.ask(code, input, limits, call)
        except ScriptFailed as failure:
            self._punish(cage.group)
            status = self._give_back(cage)
            if failure.reason == "died":
                raise _death(failure, status) from None
            raise
        except BaseException:
            cage.kill()
            self._give_back(cage)
            raise
        if answer[0] in wire.LAST and answer[0] != wire.SYNTAX:
            self._punish(cage.group)
        self._give_back(cage)
        return outcome(*answer, limits)

    def close(self) -> None:
        """See `Runtime.close`."""
        with self._lock:
            self._closed = True
            waiting = [each for queue in self._waiting.values() for each in queue]
            self._waiting.clear()
            idle = list(self._idle)
            self._idle.clear()
        for waiter in waiting:
            waiter.failure = ScriptFailed("unavailable", "the runtime of scripts is closed")
            waiter.ready.set()
        for cage in idle:
            cage.socket.close()
        self._nursery.close()

    def processes(self) -> dict[str, int]:
        """How many cages each group has."""
        with self._lock:
            return {group: count for group, count in self._count.items() if count}

    def _punish(self, group: str) -> None:
        """What a group runs for a while waits for everybody else: it must not matter to others what it runs."""
        with self._lock:
            now = monotonic()
            self._probation = {each: until for each, until in self._probation.items() if until > now}
            self._probation[group] = now + self._options.probation

    def _is_punished(self, group: str) -> bool:
        until = self._probation.get(group)
        return until is not None and until > monotonic()

    def _take(self, group: str, key: bytes) -> Cage:
        cage = self._taken(group, key)
        if self._is_punished(group) and not cage.is_low:
            cage.yield_processor()
        return cage

    def _taken(self, group: str, key: bytes) -> Cage:
        with self._lock:
            if self._closed:
                raise ScriptFailed("unavailable", "the runtime of scripts is closed")
            cage, old, may = self._found(group, key)
            if cage is not None:
                return cage
            waiter = _Waiter(key)
            if not may:
                self._waiting.setdefault(group, deque()).append(waiter)
        if may:
            return self._new(group, old)
        if not waiter.ready.wait(self._options.wait):
            self._gone(group, waiter)
        if waiter.failure is not None:
            raise waiter.failure
        return waiter.cage or self._new(group, None)

    def _found(self, group: str, key: bytes) -> tuple[Cage | None, Cage | None, bool]:
        """Under the lock: an idle cage of the group; else whether a new one may be made, and the one that makes way."""
        mine = [each for each in self._idle if each.group == group]
        if mine:
            cage = next((each for each in mine if each.knows(key)), mine[-1])
            del self._idle[cage]
            return cage, None, False
        if self._count.get(group, 0) >= self._options.per_group:
            return None, None, False
        old = None
        if self._total >= self._options.cages:
            if not self._idle:
                return None, None, False
            old, _ = self._idle.popitem(last=False)
            self._lost(old.group)
        self._count[group] = self._count.get(group, 0) + 1
        self._total += 1
        return None, old, True

    def _new(self, group: str, old: Cage | None) -> Cage:
        if old is not None:
            self._nursery.bury(old)
        try:
            return self._nursery.cage(group)
        except BaseException:
            with self._lock:
                self._lost(group)
                self._serve_waiting()
            raise

    def _give_back(self, cage: Cage) -> int:
        """Puts a cage aside, or ends it; serves who waits. Returns how it ended, -1 if it did not."""
        cage.is_spent = cage.is_spent or (cage.is_low and not cage.is_heavy and not self._is_punished(cage.group))
        status = self._nursery.bury(cage) if cage.is_spent else -1
        now = monotonic()
        with self._lock:
            if cage.is_spent:
                self._lost(cage.group)
            elif self._closed:
                cage.socket.close()
            else:
                self._idle[cage] = now
            self._serve_waiting()
            stale = self._stale(now)
        for each in stale:
            self._nursery.bury(each)
        return status

    def _stale(self, now: float) -> list[Cage]:
        stale: list[Cage] = []
        while self._idle:
            cage, since = next(iter(self._idle.items()))
            if now - since < self._options.idle:
                break
            del self._idle[cage]
            self._lost(cage.group)
            stale.append(cage)
        return stale

    def _serve_waiting(self) -> None:
        """Under the lock: gives what is free to who waits, each group in its turn. Who needs a new cage makes it in its
        own thread."""
        for group in list(self._waiting):
            queue = self._waiting[group]
            while queue:
                cage, old, may = self._found(group, queue[0].key)
                if cage is None and not may:
                    break
                waiter = queue.popleft()
                waiter.cage = cage
                if old is not None:
                    threading.Thread(target=self._nursery.bury, args=(old,), daemon=True).start()
                waiter.ready.set()
                self._waiting.move_to_end(group)
            if not queue:
                del self._waiting[group]

    def _gone(self, group: str, waiter: _Waiter) -> None:
        """Gives up waiting, unless a cage came meanwhile."""
        with self._lock:
            queue = self._waiting.get(group)
            if queue is None or waiter not in queue:
                return
            queue.remove(waiter)
            if not queue:
                del self._waiting[group]
        raise ScriptFailed("unavailable", f"no process for scripts was free for {self._options.wait:g} s")

    def _lost(self, group: str) -> None:
        self._total -= 1
        self._count[group] -= 1
        if not self._count[group]:
            del self._count[group]


def _death(failure: ScriptFailed, status: int) -> ScriptFailed:
    """Says how a cage ended by itself: signal 31 is a system call that no script can want."""
    number = status & 0x7F if status >= 0 else 0
    text = f"{failure.message} (signal {number})" if number else failure.message
    return ScriptFailed("died", text)
