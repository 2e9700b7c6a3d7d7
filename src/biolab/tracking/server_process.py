"""A server process of our own: started, waited for until it answers, and stopped with everything it started."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from biolab.core import ConfigError, TrackingError

from .session import PRIVACY

_START_PATIENCE_S = 120
_STOP_PATIENCE_S = 10
_PORTS_TRIED = 100
CALM = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # a second service, for language-model evaluation
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "UVICORN_LOG_LEVEL": "warning",
    "PYTHONWARNINGS": "ignore",
}


@contextmanager
def running_server(
    command: Sequence[str],
    host: str,
    port: int,
    *,
    environment: Mapping[str, str] | None = None,
) -> "Generator[subprocess.Popen[bytes]]":
    """Start an MLflow server, wait until it answers, and stop it when the block ends.

    Parameters
    ----------
    command
        What starts it.
    host, port
        Where it will listen.
    environment
        Settings that override the environment's own; secrets stand here rather than in the command, which every user
        of the computer can see.

    Raises
    ------
    ConfigError
        If the port is in use; the message names a free one.
    TrackingError
        If the server does not answer within two minutes.
    """
    check_port(host, port)
    settings = CALM | dict(os.environ) | PRIVACY | dict(environment or {})
    if sys.platform == "win32":
        server = subprocess.Popen(command, env=settings, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
    else:
        server = subprocess.Popen(command, env=settings, start_new_session=True)
    try:
        _wait_until_up(server, host, port)
        yield server
    finally:
        _stop(server)


def wait_for(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    """Wait until Ctrl-C or another request to end.

    Raises
    ------
    TrackingError
        If the server stops by itself.
    """
    try:
        code = _wait(server)
    except KeyboardInterrupt:
        return
    raise TrackingError(f"The MLflow server on {host}:{port} stopped with exit code {code}; its messages stand above.")


def _wait(server: "subprocess.Popen[bytes]") -> int:
    """Wait in short turns: a library's signal handler may restart one long wait, and Ctrl-C would go unheard."""
    while True:
        try:
            return server.wait(timeout=1)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def ended_by_signals() -> Generator[None]:
    """Treat a closed terminal or a request to end like Ctrl-C, so that the server is not left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_port(host: str, port: int) -> None:
    """Make sure a port can be listened on.

    Raises
    ------
    ConfigError
        If it is in use or the host is not this computer's; the message names the next free port.
    """
    if not 0 < port < 65536:
        raise ConfigError(f"The port {port} does not exist; give one from 1 to 65535.")
    fault = _listen_fault(host, port)
    if fault is None:
        return
    free = next((p for p in range(port + 1, min(port + _PORTS_TRIED, 65536)) if _listen_fault(host, p) is None), None)
    remedy = f"Pass --port {free}." if free is not None else "Pass another --host or --port."
    raise ConfigError(f"Port {port} on {host} cannot be used ({fault}). {remedy}")


def _listen_fault(host: str, port: int) -> str | None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":  # there the option would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return None


def server_address(host: str, port: int) -> str:
    """Return where a server that listens on a host and port answers on this computer.

    >>> server_address("0.0.0.0", 5000), server_address("::1", 5000)
    ('http://127.0.0.1:5000', 'http://[::1]:5000')
    """
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _wait_until_up(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    address = server_address(host, port)
    local = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with local.open(f"{address}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TrackingError(
        f"The MLflow server did not answer on {address} (exit code {server.poll()}); its messages stand above."
    )


def _stop(server: "subprocess.Popen[bytes]") -> None:
    for ask in (_ask_to_stop, _kill):
        ask(server)
        try:
            server.wait(timeout=_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            continue
        break
    if sys.platform != "win32":
        _kill(server)  # workers that outlived their parent


def _ask_to_stop(server: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        server.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        _signal_group(server.pid, signal.SIGTERM)


def _kill(server: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(server.pid)], capture_output=True, check=False)
    else:
        _signal_group(server.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    if sys.platform != "win32":
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
