"""What the kernel does not do for a cage: the filter of system calls, as a program of BPF (seccomp(2), Linux).

A cage reads and writes one socket and asks for memory. What else it asks for is refused; what only an intruder asks for
(files, sockets, processes) ends it at once. Memory never becomes executable.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from typing import Final

_ARCHES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ROW: Final = {"x86_64": 0, "aarch64": 1}
# Numbers of asm/unistd_64.h and asm-generic/unistd.h; -1 where the architecture has no such call.
_ALLOWED: Final = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233), "rt_sigreturn": (15, 139), "rt_sigprocmask": (14, 135), "sigaltstack": (131, 132),
    "futex": (202, 98), "sched_yield": (24, 124), "restart_syscall": (219, 128), "exit": (60, 93),
    "exit_group": (231, 94), "clock_gettime": (228, 113), "gettimeofday": (96, 169), "time": (201, -1),
    "getrandom": (318, 278), "getrusage": (98, 165), "select": (23, -1), "pselect6": (270, 72),
}  # fmt: skip
_EXECUTABLE: Final = {"mmap": (9, 222), "mprotect": (10, 226)}
_DEADLY: Final = {
    "open": (2, -1), "openat": (257, 56), "openat2": (437, 437), "creat": (85, -1), "execve": (59, 221),
    "execveat": (322, 281), "fork": (57, -1), "vfork": (58, -1), "clone": (56, 220), "clone3": (435, 435),
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kill": (62, 129), "memfd_create": (319, 279),
    "io_uring_setup": (425, 425), "bpf": (321, 280), "unshare": (272, 97), "mount": (165, 40), "setns": (308, 268),
}  # fmt: skip

_LOAD, _EQUAL, _BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
_NR, _ARCH, _PROT = 0, 4, 32
_PROT_EXEC: Final = 4
_X32: Final = 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE = 1, 38, 22, 4
_FILTER: Final = 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def available() -> bool:
    """Whether this kernel and architecture have the filter."""
    return sys.platform == "linux" and platform.machine() in _ARCHES


def die_with_parent(signal: int) -> None:
    """Asks for a signal when the process that made this one ends. Linux; elsewhere nothing is asked."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal)


def enter() -> bool:
    """Puts the filter on this process, for good. False where there is none to put on."""
    if not available():
        return False
    program = ctypes.create_string_buffer(b"".join(_program(platform.machine())))
    count = (len(program) - 1) // 8
    shown = _Program(count, ctypes.addressof(program))
    return (
        _prctl(_PR_SET_DUMPABLE, 0) == 0
        and _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0
        and _prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(shown)) == 0
    )


def _prctl(option: int, first: object, second: object = 0) -> int:
    found: int = ctypes.CDLL(None, use_errno=True).prctl(option, first, second, 0, 0)
    return found


def _program(machine: str) -> list[bytes]:
    """The filter: another architecture or ABI ends the process; then the tables; what is in none is refused."""
    row = _ROW[machine]
    lines = [_line(_LOAD, _ARCH), _line(_EQUAL, _ARCHES[machine], 1, 0), _line(_RETURN, _KILL), _line(_LOAD, _NR)]
    if machine == "x86_64":
        lines += [_line(_AT_LEAST, _X32, 0, 1), _line(_RETURN, _KILL)]
    for table, verdict in ((_ALLOWED, _ALLOW), (_DEADLY, _KILL)):
        for number in (numbers[row] for numbers in table.values() if numbers[row] >= 0):
            lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, verdict)]
    for number in (numbers[row] for numbers in _EXECUTABLE.values()):
        lines += [_line(_EQUAL, number, 0, 4), _line(_LOAD, _PROT), _line(_BIT, _PROT_EXEC, 0, 1)]
        lines += [_line(_RETURN, _KILL), _line(_RETURN, _ALLOW)]
    return [*lines, _line(_RETURN, _REFUSE)]


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, value)
