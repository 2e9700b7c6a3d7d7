"""Import MLflow's server once, then give it lives on request: each a fork, each ended with SIGKILL.

Speaks in lines: ``start`` -> ``started PID`` once it answers, ``kill`` -> ``killed``; the end of input ends all.
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
import warnings

warnings.simplefilter("ignore")
import mlflow.server.auth  # noqa: E402
import uvicorn  # noqa: E402


def live(host: str, port: int) -> None:
    uvicorn.run(mlflow.server.auth.create_app, factory=True, host=host, port=port, log_level="critical")


def wait_until_up(address: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(1200):
        try:
            with opener.open(f"{address}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit("the server did not answer within a minute")


def main(host: str, port: int) -> None:
    life = 0
    print("ready", flush=True)
    for line in sys.stdin:
        word = line.strip()
        if word == "start":
            life = os.fork()
            if life == 0:
                sys.stdin.close()
                live(host, port)
                os._exit(0)
            wait_until_up(f"http://{host}:{port}")
            print("started", life, flush=True)
        elif word == "kill" and life:
            end(life)
            life = 0
            print("killed", flush=True)
    if life:
        end(life)


def end(life: int) -> None:
    os.kill(life, signal.SIGKILL)
    os.waitpid(life, 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
