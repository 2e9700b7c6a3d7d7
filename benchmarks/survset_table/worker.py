"""A tool's process: one job after another, each with a time limit, restarted after a job that broke it."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from biolab.core import write_atomically

HERE = Path(__file__).resolve().parent
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(kw_only=True)
class Worker:
    """One tool; ``words`` start its process, which is started with the first job."""

    words: list[str]
    timeout: int
    process: subprocess.Popen | None = field(default=None, init=False)
    errors: IO[str] = field(init=False)

    def fit(self, model: str, folder: Path, folds: int) -> None:
        """Have a model fitted on a cohort; if the process dies or takes too long, every fold of it failed."""
        if (folder / f"{model}.json").exists():
            return
        if self.process is None:
            self.process = self._started()
        self.process.stdin.write(f"{model} {folder}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
        if ready and self.process.stdout.readline() == "done\n":
            return
        if ready:
            self.process.wait()
        said = self._last_error() if ready else f"no result within {self.timeout} s"
        self.stop()
        write_atomically(folder / f"{model}.json", json.dumps([{"failed": said, "seconds": None}] * folds))

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.errors.close()
            self.process = None

    def _started(self) -> subprocess.Popen:
        environment = os.environ | dict.fromkeys(THREADS, "1")
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when the process is stopped
        return subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )

    def _last_error(self) -> str:
        self.errors.seek(0)
        return (self.errors.read().strip().splitlines() or ["the process ended"])[-1][:300]


def worker(tool: str, *, peers_python: str | None, rscript: str, timeout: int) -> Worker | None:
    """Return the worker of a tool, or None where it is not installed."""
    if tool == "glmnet":
        found = shutil.which(rscript)
        return Worker(words=[found, "--vanilla", str(HERE / "glmnet.R")], timeout=timeout) if found else None
    python = sys.executable if tool == "biolab" else peers_python
    return Worker(words=[python, str(HERE / "work.py"), tool], timeout=timeout) if python else None
