"""Run a command in the sandbox from outside: what it sees, what it may use, and a clear word on how it ended."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import Field

from biolab.core import BiolabError, MissingExtraError
from biolab.core.validation import Settings

from .syscalls import can_restrict

Strength = Literal["full", "limits"]
"""``full``: namespaces, a root of its own and limits. ``limits``: limits only, on computers without namespaces."""
Ending = Literal["finished", "time", "output", "memory", "killed"]
SYSTEM = ("/usr", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/ssl/openssl.cnf")
_ENTER = Path(__file__).with_name("enter.py")
_CHUNK = 1 << 16
NO_SANDBOX = 125  # what enter.py ends with; that script is never imported, it runs without biolab


class Limits(Settings):
    """What a submission may use; ``[limits]`` of a cohort, the same for all its trainees."""

    seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    """Of the processor; waiting ends after four times as long."""
    memory_mb: Annotated[int, Field(ge=256)] = 3072
    output_kb: Annotated[int, Field(ge=1)] = 256
    answers_kb: Annotated[int, Field(ge=1)] = 1024
    disk_mb: Annotated[int, Field(ge=1)] = 64
    threads: Annotated[int, Field(ge=8)] = 64

    @property
    def patience_s(self) -> int:
        """Return after how many seconds on the clock a process is stopped, busy or not."""
        return 4 * self.seconds


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended, what it printed and what it reported."""

    ending: Ending
    returncode: int
    printed: str
    reported: tuple[dict[str, object], ...]
    """One JSON object a line, from a process that is not trusted."""
    seconds: float


def run_sandboxed(
    module: str,
    content: Mapping[str, object],
    *,
    limits: Limits,
    hidden: Sequence[Path] = (),
    strength: Strength = "full",
) -> Outcome:
    """Run a module of biolab (``python -m``) in the sandbox; ``content`` is its standard input, as JSON.

    The process sees Python, biolab's code and the system's libraries, all read-only, and a ``/tmp`` of its own; no
    network, no other process, nobody's files. File descriptor 3 takes its report.

    Parameters
    ----------
    module, content
        What runs and what it is given.
    limits
        Time, memory, output, disk and threads.
    hidden
        Paths that must not be visible inside; they are checked before anything runs.
    strength
        ``"limits"`` leaves out the namespaces: the process can then read what the user can.

    Raises
    ------
    MissingExtraError
        If this computer has no such sandbox; nothing has run.
    BiolabError
        If a hidden path lies in a folder that must be visible.
    """
    require_sandbox(strength)
    visible = _visible()
    _check_hidden(hidden, visible, strength)
    with tempfile.TemporaryDirectory(prefix="biolab-course-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        (folder / "root").mkdir()
        (folder / "work").mkdir()
        (folder / "home").mkdir()
        plan_path = folder / "plan.json"
        plan = _plan(module, folder, visible, limits, strength)
        plan_path.write_text(json.dumps(plan), encoding="utf-8")
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(content).encode())
            given.seek(0)
            return _watched(plan_path, given, limits)


def _plan(module: str, folder: Path, visible: Sequence[Path], limits: Limits, strength: Strength) -> dict[str, object]:
    """Say to ``enter.py`` what to build and what to run in it."""
    full = strength == "full"
    return {
        "namespaces": full,
        "root": str(folder / "root"),
        "folder": str(folder / "work"),
        "visible": [str(path) for path in visible],
        "copied": [str(path) for path in _compiled_folders()],
        # without a user namespace the limit would count all threads of the user
        "limits": {**limits.model_dump(), **({} if full else {"threads": 4096})},
        "command": [sys.executable, "-s", "-P", "-m", module],
        "environment": _environment(Path("/tmp") if full else folder),
    }


@lru_cache
def sandbox_fault(strength: Strength = "full") -> str | None:
    """Say why this computer has no sandbox of this strength, or ``None`` if it has."""
    if sys.platform != "linux":
        return "sandboxes are made of Linux namespaces" if strength == "full" else None
    if strength == "limits":
        return None
    if not can_restrict():
        return f"system calls of {os.uname().machine} are not known here"
    with tempfile.TemporaryDirectory(prefix="biolab-course-") as place:
        (Path(place) / "root").mkdir()
        command = ["/usr/bin/env", "true"]
        plan = {"namespaces": True, "root": f"{place}/root", "visible": ["/usr"], "copied": [], "environment": {}}
        limits = Limits(seconds=5).model_dump()
        path = Path(place) / "plan.json"
        path.write_text(json.dumps({**plan, "command": command, "limits": limits}), encoding="utf-8")
        tried = subprocess.run(
            [sys.executable, "-I", "-S", str(_ENTER), str(path)], capture_output=True, text=True, check=False, env={}
        )
    return None if tried.returncode == 0 else tried.stderr.strip().removeprefix("no sandbox: ") or "it did not start"


def require_sandbox(strength: Strength) -> None:
    """Make sure that there is a sandbox before any submission is touched.

    Raises
    ------
    MissingExtraError
        If there is none.
    """
    if fault := sandbox_fault(strength):
        raise MissingExtraError(
            f"Submissions cannot be run safely here: {fault}. Grade on Linux (5.12 or newer) where users may make "
            "namespaces, or in a virtual machine that holds nothing else with --sandbox limits."
        )


def _visible() -> list[Path]:
    code = find_spec("biolab")
    folder = Path(code.origin or "").parent if code else Path(__file__).parents[2]
    wanted = [*map(Path, SYSTEM), Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), folder]
    wanted += [path for path in map(Path, ("/lib", "/lib64", "/bin")) if not path.is_symlink()]
    found: list[Path] = []
    for path in sorted({Path(os.path.abspath(path)) for path in wanted}, key=lambda each: len(each.parts)):  # noqa: PTH100
        if path.exists() and not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def _compiled_folders() -> list[Path]:
    """List the folders that hold compiled kernels: numba reads them only where it could also write them."""
    kernels = Path(__file__).parents[2] / "kernels"
    return sorted({path.parent for path in kernels.rglob("*.nbi")})


def _check_hidden(hidden: Sequence[Path], visible: Sequence[Path], strength: Strength) -> None:
    for path in hidden:
        under = next((each for each in visible if path.resolve().is_relative_to(each.resolve())), None)
        if under is not None and strength == "full":
            raise BiolabError(
                f"{path} lies in {under}, which every submission can read. Move the course out of the folders "
                "of Python and biolab before grading."
            )


def _environment(place: Path) -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    return {
        **threads,
        "POLARS_MAX_THREADS": "1",
        "HOME": str(place / "home"),
        "TMPDIR": str(place),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(place),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "BIOLAB_COURSE_GRADING": "1",
    }


def _watched(plan: Path, given: IO[bytes], limits: Limits) -> Outcome:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-I", "-S", str(_ENTER), str(plan), str(write_end)]
    started = time.monotonic()
    with subprocess.Popen(
        command,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(write_end,),
        start_new_session=True,
        env={},
    ) as process:
        os.close(write_end)
        try:
            ending, printed, report = _collect(process, read_end, limits, started)
        finally:
            _kill(process)
            os.close(read_end)
        code = process.wait()
    if code == NO_SANDBOX:
        raise MissingExtraError(f"Submissions cannot be run safely here: {printed.decode(errors='replace').strip()}.")
    return Outcome(
        ending=_ending(ending, code, printed),
        returncode=code,
        printed=printed.decode("utf-8", errors="replace"),
        reported=tuple(_objects(report)),
        seconds=time.monotonic() - started,
    )


def _collect(
    process: "subprocess.Popen[bytes]", report_end: int, limits: Limits, started: float
) -> tuple[Ending, bytes, bytes]:
    """Read what the process prints and reports until it ends or takes more than it may."""
    assert process.stdout is not None
    allowed = {process.stdout.fileno(): limits.output_kb << 10, report_end: limits.answers_kb << 10}
    kept = {end: bytearray() for end in allowed}
    ending: Ending = "finished"
    with selectors.DefaultSelector() as selector:
        for end in allowed:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map() and ending == "finished":
            left = started + limits.patience_s - time.monotonic()
            ready = selector.select(timeout=max(left, 0))
            if not ready and left <= 0:
                ending = "time"
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fd)
                kept[key.fd] += chunk
                if len(kept[key.fd]) > allowed[key.fd]:
                    ending = "output"
            if left <= 0:
                ending = "time"
    if ending == "finished":
        try:
            process.wait(timeout=max(started + limits.patience_s - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            ending = "time"
    printed, report = (bytes(kept[end][: allowed[end]]) for end in allowed)
    return ending, printed, report


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ending(ending: Ending, code: int, printed: bytes) -> Ending:
    if ending != "finished" or code == 0:
        return ending
    if code in {128 + signal.SIGXCPU, 128 + signal.SIGKILL}:
        return "time" if code == 128 + signal.SIGXCPU else "killed"
    return "memory" if b"memory" in printed[-4000:].lower() else "killed"


def _objects(report: bytes) -> Iterator[dict[str, object]]:
    """Yield the JSON objects of a report that anyone may have written, leaving out what is none."""
    for line in report.split(b"\n"):
        try:
            content = json.loads(line, parse_constant=_refuse)
            # a lone surrogate could not be written to any file later
            plain = json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            continue
        if isinstance(plain, dict):
            yield plain


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
