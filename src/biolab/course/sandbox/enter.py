"""Go into the sandbox and run a command there: namespaces, a root of its own, limits, no privileges.

Run as a script with nothing but the standard library (``python -I -S enter.py PLAN``), so that little happens before
the walls stand. Linux only. The exit code is the command's, 128 + signal if it was killed, 125 if there is no sandbox.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

NO_SANDBOX = 125
REPORT = 3
"""The file descriptor that takes the command's report."""
NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
SYS_MOUNT_SETATTR = 442
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = ("bin", "lib", "lib64", "sbin")


class _MountAttributes(ctypes.Structure):
    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64), ("ns", ctypes.c_uint64))  # fmt: skip  # noqa: E501


def main(plan_path: str, report: str | None = None) -> NoReturn:
    """Carry out a plan: see ``biolab.course.sandbox.running`` for what it says."""
    plan = json.loads(Path(plan_path).read_text(encoding="utf-8"))
    if report is not None and int(report) != REPORT:
        os.dup2(int(report), REPORT)
        os.close(int(report))
    libc = ctypes.CDLL(None, use_errno=True)
    if plan["namespaces"]:
        try:
            _leave_the_host(libc)
        except OSError as error:
            _give_up(f"this computer does not let us make namespaces ({error})")
        # the first process in the new process namespace is its init: when it ends, all others are killed
        sys.exit(_in_child(lambda: _as_init(libc, plan)))
    _limit(plan["limits"])
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.chdir(plan["folder"])
    os.execve(plan["command"][0], plan["command"], plan["environment"])


def _leave_the_host(libc: ctypes.CDLL) -> None:
    spaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    if os.geteuid() == 0:
        _checked(libc.unshare(spaces), "unshare")
        return
    user, group = os.geteuid(), os.getegid()
    _checked(libc.unshare(spaces | CLONE_NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _as_init(libc: ctypes.CDLL, plan: Mapping[str, Any]) -> int:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        _build_root(libc, plan)
    except OSError as error:
        _give_up(str(error))
    return _in_child(lambda: _as_command(libc, plan), seconds=int(plan["limits"]["seconds"]))


def _build_root(libc: ctypes.CDLL, plan: Mapping[str, Any]) -> None:
    root = Path(plan["root"])
    _mount(libc, None, "/", None, MS_REC | MS_PRIVATE)
    _mount(libc, "tmpfs", str(root), "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0755")
    for name in LINKS:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    (root / "tmp").mkdir()  # before what is shown: Python or biolab may lie below it
    size = int(plan["limits"]["disk_mb"])
    _mount(libc, "tmpfs", str(root / "tmp"), "tmpfs", MS_NOSUID | MS_NODEV, f"size={size}m,mode=1777,nr_inodes=20k")
    kept = {path: _contents(Path(path)) for path in plan["copied"]}
    for path in plan["visible"]:
        _show(libc, Path(path), root)
    for path, contents in kept.items():
        _copy_of(libc, root / path.lstrip("/"), contents)
    (root / "dev").mkdir(exist_ok=True)
    for name in DEVICES:
        (root / "dev" / name).touch()
        _mount(libc, f"/dev/{name}", str(root / "dev" / name), None, MS_BIND)
    (root / "proc").mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # a container that masks /proc; nothing the course runs needs it
        _mount(libc, "proc", str(root / "proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(root)
    _checked(libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(libc.umount2(b".", MNT_DETACH), "umount the host")
    os.chdir("/")
    _restrict(libc, "/", MOUNT_ATTR_RDONLY, recursive=False)
    os.chdir("/tmp")


def _show(libc: ctypes.CDLL, path: Path, root: Path) -> None:
    """Show a file or folder of the host at the same place, unchangeable."""
    if not path.exists():
        return
    place = root / str(path).lstrip("/")
    if path.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(libc, str(path), str(place), None, MS_BIND | MS_REC)
    _restrict(libc, str(place), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, recursive=True)


def _copy_of(libc: ctypes.CDLL, place: Path, contents: Mapping[str, bytes]) -> None:
    """Lay a changeable copy over a folder: compiled kernels are looked for where they can be written."""
    _mount(libc, "tmpfs", str(place), "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=0777,nr_inodes=5k")
    for name, content in contents.items():
        (place / name).write_bytes(content)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.is_symlink()}


def _restrict(libc: ctypes.CDLL, path: str, attributes: int, *, recursive: bool) -> None:
    wanted = _MountAttributes(attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    done = libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, ctypes.byref(wanted), size)
    _checked(done, f"make {path} read-only")


def _as_command(libc: ctypes.CDLL, plan: Mapping[str, Any]) -> int:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    for name in ("home", "work"):
        Path("/tmp", name).mkdir()
    os.chdir("/tmp/work")
    _limit(plan["limits"])
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges")
    try:
        os.execve(plan["command"][0], plan["command"], plan["environment"])
    except OSError as error:
        _give_up(f"{plan['command'][0]} cannot be run there ({error})")


def _limit(limits: Mapping[str, int]) -> None:
    million = 1 << 20
    wanted = {
        "CPU": limits["seconds"],
        "DATA": limits["memory_mb"] * million,
        "FSIZE": limits["disk_mb"] * million,
        "NPROC": limits["threads"],
        "NOFILE": 256,
        "CORE": 0,
    }
    for name, value in wanted.items():
        if hasattr(resource, f"RLIMIT_{name}"):
            # the first seconds' end can be caught, the second's cannot
            hard = value + 1 if name == "CPU" else value
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, hard))


def _in_child(work: Callable[[], int], *, seconds: int | None = None) -> int:
    """Run work in a child process and return how it ended: by SIGXCPU if it took all its seconds of the processor."""
    child = os.fork()
    if child == 0:
        os._exit(work())
    while True:
        done, status, used = os.wait4(-1, 0)
        if done != child:
            continue
        if os.WIFSIGNALED(status) and seconds is not None and used.ru_utime + used.ru_stime >= seconds:
            return 128 + signal.SIGXCPU
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _mount(libc: ctypes.CDLL, source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind)]
    _checked(libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def _checked(outcome: int, what: str) -> None:
    if outcome != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _give_up(reason: str) -> NoReturn:
    os.write(2, f"no sandbox: {reason}\n".encode())
    os._exit(NO_SANDBOX)


if __name__ == "__main__":
    main(*sys.argv[1:])
