"""MLflow's own pages on a store: the command, and a server that stops when asked."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from biolab.core import ConfigError, TrackingError

from .server_process import ended_by_signals, running_server, server_address, wait_for
from .store import Store


def ui_command(store: Store, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
    """Return the one command that opens MLflow on an embedded store.

    One worker serves a laptop; MLflow's four would each import it anew.

    >>> from pathlib import Path
    >>> from biolab.tracking import embedded_store
    >>> ui_command(embedded_store(Path("results")))[1:4]
    ['-m', 'mlflow', 'server']

    Raises
    ------
    ConfigError
        If the store is a server already: its address opens in a browser.
    """
    if store.tracking_uri.startswith(("http:", "https:")):
        raise ConfigError(f"{store.label} is a tracking server already; open that address in a browser.")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store.tracking_uri]
    if store.artifact_root is not None:
        command += ["--artifacts-destination", store.artifact_root]
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def experiment_page(store: Store, experiment: str, host: str = "127.0.0.1", port: int = 5000) -> str:
    """Return the address of an experiment's list of runs, once ``serve_ui`` or the store's own server is up.

    MLflow's front page shows what concerns language models; this address opens the runs.

    Raises
    ------
    TrackingError
        If the store has no such experiment.
    """
    with store.session() as client:
        found = client.get_experiment_by_name(experiment)
    if found is None:
        raise TrackingError(f"{store.label} has no experiment {experiment!r}; run it first.")
    remote = store.tracking_uri.startswith(("http:", "https:"))
    server = store.tracking_uri if remote else server_address(host, port)
    return f"{server}/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning"


def serve_ui(store: Store, host: str = "127.0.0.1", port: int = 5000) -> None:
    """Serve MLflow's pages until Ctrl-C, then stop the server and everything it started.

    Raises
    ------
    ConfigError
        If the port is in use; the message names a free one.
    TrackingError
        If the store cannot be opened or the server stops by itself.
    """
    store.check()
    with ended_by_signals(), running_ui(store, host, port) as server:
        wait_for(server, host, port)


@contextmanager
def running_ui(store: Store, host: str = "127.0.0.1", port: int = 5000) -> "Generator[subprocess.Popen[bytes]]":
    """Start MLflow on a store, wait until it answers, and stop it when the block ends.

    Raises
    ------
    ConfigError
        If the port is in use; the message names a free one.
    TrackingError
        If the server does not answer within two minutes.
    """
    with running_server(ui_command(store, host, port), host, port) as server:
        yield server
