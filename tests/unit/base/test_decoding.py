"""Types that several threads decode by for the first time at once."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Final

import msgspec
import pytest

from procession.base.decoding import known

CHILD: Final = """
import sys, threading, types
import msgspec
from procession.base.decoding import known

DEEP = 20
body = b"{}"
for _ in range(DEEP):
    body = b'{"f5":' + body + b"}"

def struct(i):
    fields = [f"    f{j}: 'S{i + 1} | None' = None" for j in range(6)] if i < DEEP else ["    v: int = 0"]
    return "\\n".join([f"class S{i}(msgspec.Struct):", *fields, ""])

def decode(module, ready):
    ready.wait()
    msgspec.json.Decoder(known(module.S0)).decode(body)

sys.setswitchinterval(1e-6)
for n in range(100):
    sys.modules[f"shapes{n}"] = module = types.ModuleType(f"shapes{n}")
    exec("import msgspec\\n" + "".join(map(struct, range(DEEP + 1))), module.__dict__)
    ready = threading.Barrier(3)
    threads = [threading.Thread(target=decode, args=(module, ready)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
"""Without `known` msgspec 0.22 ends such a process by a segmentation fault, each time."""


def test_threads_that_need_a_type_for_the_first_time_wait_for_each_other() -> None:
    found = subprocess.run([sys.executable, "-c", CHILD], check=False, capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_type_is_given_as_it_is() -> None:
    unhashable = Annotated[int, msgspec.Meta(extra={"unit": "ms"})]
    for kind in (int, list[int], dict[str, object], unhashable):
        assert known(kind) is kind
        assert known(kind) is kind


def test_a_type_that_is_none_is_an_error() -> None:
    with pytest.raises(TypeError, match="not supported"):
        known(17)
