"""Inside the sandbox: run a trainee's cells in order and report what they left in the answers.

Nothing here is trusted: the trainee's code shares this process and could write the report itself. It holds no tests,
no solutions and no points, so there is nothing to gain: only answers leave it.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biolab.course.answers import encode
from biolab.course.sandbox.syscalls import restrict
from biolab.course.trainee import FILE_NAME

from .reporting import report

LONGEST_MESSAGE = 400
FORBIDDEN_EVENTS = {
    "os.fork": "start another process",
    "os.forkpty": "start another process",
    "os.posix_spawn": "start another program",
    "os.exec": "start another program",
    "os.system": "start another program",
    "subprocess.Popen": "start another program",
    "socket.connect": "reach the network",
    "socket.bind": "reach the network",
    "socket.getaddrinfo": "reach the network",
}
TRUTH = "case_truth"
"""The module of biolab that says what really happened; only tests import it."""
FORBIDDEN_FILES = ("module.md", "gradebook.db", ".ipynb", "cohort.toml", "mlflow.db")


def main() -> None:
    """Run what standard input describes."""
    given = json.load(sys.stdin)
    Path(FILE_NAME).write_text(given["card"], encoding="utf-8")
    restrict()
    run_cells(given["cells"])
    report({"done": True})
    sys.stdout.flush()
    os._exit(0)  # threads that a cell left running do not keep the process


def run_cells(cells: Sequence[Mapping[str, Any]]) -> None:
    """Run cells one after the other in one namespace; a cell that fails stops no other."""
    namespace: dict[str, object] = {"__name__": "__main__", "display": _shows_nothing, "get_ipython": lambda: None}
    noted: set[str] = set()
    sys.addaudithook(lambda event, arguments: _note(event, arguments, noted))
    for cell in cells:
        started = time.monotonic()
        error = _run(str(cell["name"]), _plain(str(cell["source"])), namespace)
        said = {"cell": cell["name"], "error": error, "seconds": round(time.monotonic() - started, 3)}
        report(said if error else {key: value for key, value in said.items() if key != "error"})
        for name in cell["answers"]:
            _report_answer(name, namespace)


def _run(name: str, source: str, namespace: dict[str, object]) -> str | None:
    try:
        exec(compile(source, f"<{name}>", "exec"), namespace)
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like end a cell, not the notebook
        return "".join(traceback.format_exception_only(error)).strip()[-LONGEST_MESSAGE:]
    return None


def _plain(source: str) -> str:
    """Leave out the lines that only a notebook understands."""
    return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n"))


def _report_answer(name: str, namespace: Mapping[str, object]) -> None:
    if name not in namespace:
        report({"answer": name, "fault": "it is not defined"})
        return
    try:
        report({"answer": name, "value": encode(namespace[name])})
    except Exception as error:  # noqa: BLE001 - an answer is any object, with any fault
        report({"answer": name, "fault": str(error)[:LONGEST_MESSAGE]})


def _note(event: str, arguments: tuple[object, ...], noted: set[str]) -> None:
    """Tell the instructor of what was tried; nothing is prevented here, there is nothing to reach."""
    what = FORBIDDEN_EVENTS.get(event, "")
    if event == "open" and arguments:
        name = str(arguments[0])
        what = f"read {name[-80:]}" if TRUTH in name or name.endswith(FORBIDDEN_FILES) or "grades/" in name else ""
    if what and what not in noted and len(noted) < 10:
        noted.add(what)
        report({"tried": what})


def _shows_nothing(*shown: object) -> None:
    """Stand for ``display``: figures are for the trainee."""


if __name__ == "__main__":
    main()
