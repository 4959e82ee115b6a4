"""Scripts in cages: a call, pooled and fresh, what a process takes, and what the bombs of one tenant do to another.

`python -m bench.scripts [--draws N]`: ratios in one run; the script's own time is measured in the same run, in this
process, without a cage. On an idle machine: a call is two wake-ups of another process.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.machine import describe
from procession.scripts.code import composed
from procession.scripts.deno import Deno
from procession.scripts.pool import Options, Pool
from procession.scripts.ports import Call, Code, Limits, Runtime, ScriptFailed
from procession.scripts.realm import Realm
from procession.scripts.trusted import Trusted

ITEMS: Final = [
    {"id": n, "name": f"item number {n} of the order", "price": n * 1.5, "n": n % 3 + 1, "tags": ["a", "b"]}
    for n in range(24)
]
BODY: Final = "return {...input, total: input.items.reduce((sum, each) => sum + each.price * each.n, 0)}"
BOMBS: Final = (
    "for (;;);",
    "const a = []; for (;;) a.push(new Uint8Array(1 << 16).fill(1))",
    "const a=[];function g(n){a.push(()=>n);return n?g(n-1):0} for(;;){try{g(200)}catch(e){}}",
    "const a = []; for (;;) a.push({x: [a.length]})",
)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=5)
    draws = parser.parse_args().draws
    print(describe())
    given = msgspec.json.encode({"items": ITEMS})
    print(f"script: sum over 24 items, {len(given)} bytes in and {len(given) + 15} out")
    pool, trusted, deno = Pool(), Trusted(), Deno()
    try:
        for _ in range(draws):
            _calls(pool, trusted, deno, given)
        _fresh(pool)
        _memory(pool)
        for _ in range(draws):
            _neighbours(given)
    finally:
        for each in (pool, trusted, deno):
            each.close()


def _calls(pool: Runtime, trusted: Runtime, deno: Runtime, given: bytes) -> None:
    code = composed(BODY)
    own = Realm()
    own.load(code.text.decode(), False, 1, 32 << 20)
    text = given.decode()
    bare = _times(lambda: own.run(text, "{}", 0, 0, seconds=1, memory=32 << 20, output=1 << 20, said=1000))
    row = [f"script alone {_us(bare)} µs"]
    for name, runtime in (("cage", pool), ("trusted", trusted), ("Deno", deno)):
        found = _times(lambda each=runtime: each.evaluate(code, given))  # type: ignore[misc]
        row.append(f"{name} {_us(found)} (p99 {_us(found, 0.99)}), beyond {_us(found) - _us(bare)}")
    print("; ".join(row))


def _fresh(pool: Runtime) -> None:
    """A script that its cage has never seen: with a context that is ready, however often one comes, and one after
    another. Whoever waits keeps its own core awake; the cage's falls asleep."""
    for pause, what in (
        (0.006, "every 6 ms"),
        (0.01, "every 10 ms"),
        (0.02, "every 20 ms"),
        (0.0, "one after another"),
    ):
        found: list[float] = []
        spent: list[float] = []
        for n in range(200):
            code = composed(f"return {n} + {pause}")
            until = time.perf_counter() + pause
            while time.perf_counter() < until:
                pass
            begun = time.perf_counter()
            spent.append(pool.evaluate(code, b"null").cpu_us / 1e6)
            found.append(time.perf_counter() - begun)
        rest = f"of which the cage computes {_us(spent)}"
        print(f"first call of a new script, {what}: p50 {_us(found)} µs, p90 {_us(found, 0.9)}, {rest}")


def _memory(pool: Pool) -> None:
    made = Pool(Options(cages=1, per_group=1))
    try:
        made.evaluate(composed(BODY), msgspec.json.encode({"items": ITEMS}))
        [pid] = [cage.pid for cage in made._idle]
        fields = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kept = {line.split()[0]: int(line.split()[1]) for line in fields if line.startswith(("Rss", "Pss"))}
        print(f"a cage with one script: {kept['Rss:'] / 1024:.1f} MB resident, {kept['Pss:'] / 1024:.1f} MB its share")
    finally:
        made.close()


def _neighbours(given: bytes) -> None:
    """The p99 of one tenant's calls, alone and beside another one that sends nothing but bombs."""
    pool, code = Pool(), composed(BODY)
    try:
        alone = _victim(pool, code, given)
        stop, bombs = threading.Event(), [0]
        threads = [threading.Thread(target=_bomb, args=(pool, stop, bombs)) for _ in range(2)]
        for each in threads:
            each.start()
        beside = _victim(pool, code, given)
        stop.set()
        for each in threads:
            each.join()
        ratio = sorted(beside)[int(len(beside) * 0.99)] / sorted(alone)[int(len(alone) * 0.99)]
        print(
            f"another tenant's {bombs[0]} bombs: p50 {_us(alone)} -> {_us(beside)} µs, p99 {_us(alone, 0.99)} -> "
            f"{_us(beside, 0.99)} µs, ratio {ratio:.2f}"
        )
    finally:
        pool.close()


def _victim(pool: Runtime, code: Code, given: bytes) -> list[float]:
    found: list[float] = []
    until = time.monotonic() + 3
    while time.monotonic() < until:
        begun = time.perf_counter()
        pool.evaluate(code, given, call=Call(group="quiet"))
        found.append(time.perf_counter() - begun)
        time.sleep(0.0005)
    return found


def _bomb(pool: Runtime, stop: threading.Event, count: list[int]) -> None:
    codes = [composed(each) for each in BOMBS]
    while not stop.is_set():
        try:
            pool.evaluate(codes[count[0] % len(codes)], b"null", Limits(seconds=0.3), Call(group="loud"))
        except ScriptFailed:
            count[0] += 1


def _times(call: Callable[[], object], rounds: int = 3000) -> list[float]:
    for _ in range(50):
        call()
    found: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return found


def _us(times: list[float], at: float = 0.5) -> int:
    ordered = sorted(times)
    value = statistics.median(ordered) if at == 0.5 else ordered[int(len(ordered) * at)]
    return round(value * 1_000_000)


if __name__ == "__main__":
    main()
