"""Which process writes a run, and whether it still lives: told without a library, on Linux, macOS and Windows."""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path

_GONE = "gone"
_UNKNOWN = "unknown"


def current_process() -> str:
    """Name this process as ``host:pid:start``, so that a later process with the same number is not taken for it.

    The host is a digest: a joint server learns no machine names.
    """
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}"


def has_died(process: str) -> bool:
    """Say whether a process of this host is certainly gone; ``False`` for another host's or an unreadable name.

    >>> has_died(current_process())
    False
    """
    parts = process.split(":", maxsplit=2)
    if len(parts) != 3 or parts[0] != _host() or not parts[1].isdigit():
        return False
    started = _started(int(parts[1]))
    if started == _GONE:
        return True
    return _UNKNOWN not in (started, parts[2]) and started != parts[2]


def _host() -> str:
    name = socket.gethostname()
    namespace = Path("/proc/self/ns/pid")  # containers may share a host name, never their process numbers
    with contextlib.suppress(OSError):
        name += str(namespace.readlink())
    return hashlib.sha256(f"biolab host {name}".encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return a text that differs between processes that had the same number, or that none has it now."""
    if sys.platform == "win32":
        return _started_windows(pid)
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # the command name in parentheses may itself hold spaces and parentheses
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return _GONE
        return _GONE if fields[0] in {"Z", "X"} else f"{_boot()}-{fields[19]}"
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C", "TZ": "UTC"},
    )
    return listing.stdout.strip().replace(" ", "-") or _GONE


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _started_windows(pid: int) -> str:
    import ctypes
    from ctypes import wintypes

    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - exists on Windows only
    kernel.OpenProcess.restype = wintypes.HANDLE
    kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    handle_type = wintypes.HANDLE
    kernel.GetProcessTimes.argtypes = (handle_type, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
    kernel.GetExitCodeProcess.argtypes = (handle_type, ctypes.POINTER(wintypes.DWORD))
    kernel.CloseHandle.argtypes = (handle_type,)
    query_limited, still_active, invalid_parameter = 0x1000, 259, 87
    handle = kernel.OpenProcess(query_limited, False, pid)  # noqa: FBT003 - the system's own signature
    if not handle:
        error = getattr(ctypes, "get_last_error")()  # noqa: B009
        return _GONE if error == invalid_parameter else _UNKNOWN
    try:
        times = [wintypes.FILETIME() for _ in range(4)]
        code = wintypes.DWORD()
        if not kernel.GetExitCodeProcess(handle, ctypes.byref(code)):
            return _UNKNOWN
        if code.value != still_active:
            return _GONE
        if not kernel.GetProcessTimes(handle, *[ctypes.byref(time) for time in times]):
            return _UNKNOWN
        return f"{times[0].dwHighDateTime:x}-{times[0].dwLowDateTime:x}"
    finally:
        kernel.CloseHandle(handle)
