"""A filter of system calls that a process puts on itself: no other programs, no processes, no network, no way back.

Defence in depth on Linux: the namespaces already leave nothing to reach. Threads are allowed.

References
----------
Linux man-pages, seccomp(2) and bpf filter format of linux/filter.h.
"""

import ctypes
import errno
import os
import struct
import sys

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_X32 = 0x40000000
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_CLONE_THREAD = 0x00010000
_FORBIDDEN = {
    # fork vfork execve execveat socket ptrace unshare setns mount umount2 pivot_root chroot bpf keyctl add_key
    # request_key perf_event_open userfaultfd process_vm_readv process_vm_writev
    "x86_64": (57, 58, 59, 322, 41, 101, 272, 308, 165, 166, 155, 161, 321, 250, 248, 249, 298, 323, 310, 311),
    "aarch64": (221, 281, 198, 117, 97, 268, 40, 39, 41, 51, 280, 219, 217, 218, 241, 282, 270, 271),
}
_FORBIDDEN_EVERYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 442, 434, 438)  # io_uring, new mount calls, pidfd
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_NO_NEW_PRIVS = 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def can_restrict() -> bool:
    """Say whether this computer has such filters and we know its system calls."""
    return sys.platform == "linux" and os.uname().machine in _ARCHITECTURES


def restrict() -> bool:
    """Forbid new processes, other programs, sockets and changes of namespaces to this process, for good.

    Returns whether the filter stands; forbidden calls then fail with EPERM.
    """
    if not can_restrict():
        return False
    program = _instructions(os.uname().machine)
    buffer = ctypes.create_string_buffer(program)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    described = _Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    machine = os.uname().machine
    return libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(described)) == 0


def _instructions(machine: str) -> bytes:
    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("<HBBI", code, if_true, if_false, value)

    fail = step(_RETURN, _FAIL | errno.EPERM)
    steps = [step(_LOAD, _ARCHITECTURE_AT), step(_EQUAL, _ARCHITECTURES[machine], 1, 0), step(_RETURN, _KILL)]
    steps += [step(_LOAD, _NUMBER_AT), step(_AT_LEAST, _X32, 0, 1), fail]
    for number in (*_FORBIDDEN[machine], *_FORBIDDEN_EVERYWHERE):
        steps += [step(_EQUAL, number, 0, 1), fail]
    # clone3 hides its flags behind a pointer: "not there" sends libc to clone, whose flags can be read
    steps += [step(_EQUAL, _CLONE3, 0, 1), step(_RETURN, _FAIL | errno.ENOSYS)]
    steps += [step(_EQUAL, _CLONE[machine], 0, 3), step(_LOAD, _FIRST_ARGUMENT_AT)]
    steps += [step(_ANY_BIT, _CLONE_THREAD, 1, 0), fail, step(_RETURN, _ALLOW)]
    return b"".join(steps)
