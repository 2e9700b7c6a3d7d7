"""A site's computer that can be killed in the middle of its work: imports once, then does each task in a fork.

Reads one JSON object a line (``output``, ``site``, ``file``, ``key``, ``bundle``, ``kill_after_s`` or null) and answers
with how the fork ended: 0, an exit code, or the negative signal, and the seconds it took.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from biolab.joint import Protocol, export_site, load_identity, run_one_site
from biolab.tracking import embedded_store


def work(protocol: Protocol, task: dict) -> None:
    """Run the site's part and export it, as its person would by two commands."""
    store, key = embedded_store(Path(task["output"])), Path(task["key"])
    identity = load_identity(key)
    file = Path(task["file"])
    run_one_site(protocol, store, site=task["site"], file=file, identity=identity)
    export_site(store, protocol.name, identity, Path(task["bundle"]), folder=key, file=file)


def ended(protocol: Protocol, task: dict) -> int:
    """Do a task in a fork and return how it ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(protocol, task)
            code = 0
        finally:
            os._exit(code)
    if task["kill_after_s"] is not None:
        time.sleep(task["kill_after_s"])
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(path: str) -> None:
    protocol = Protocol.model_validate_json(Path(path).read_text(encoding="utf-8"))
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.monotonic()
        code = ended(protocol, json.loads(line))
        print(json.dumps([code, time.monotonic() - began]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
