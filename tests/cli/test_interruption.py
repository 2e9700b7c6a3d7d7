"""Stopped in the middle, by Ctrl-C or by a lost process: runs are marked FAILED and the next run is complete."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolab.tracking import embedded_store, find_runs

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="POSIX signals")]


def started(folder: Path) -> subprocess.Popen[str]:
    """Start the main job and return it once its first run stands in the store."""
    command = [sys.executable, "-m", "biolab", "run", "experiments/breast-prognosis", "--output", str(folder)]
    surroundings = os.environ | {"OMP_NUM_THREADS": "2"}  # two processes, a site each
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings
    )
    store, began = embedded_store(folder), time.monotonic()
    while not find_runs(store, protocol="breast-prognosis", status="RUNNING"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.2)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_and_run_again(number: signal.Signals, tmp_path: Path) -> None:
    process = started(tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in said
    assert number == signal.SIGKILL or "Unfinished runs are marked FAILED" in said
    again = subprocess.run(
        [sys.executable, "-m", "biolab", "run", "experiments/breast-prognosis", "--output", str(tmp_path), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"role": "comparison"' in again.stdout
    runs = find_runs(embedded_store(tmp_path), protocol="breast-prognosis", status=None, latest=False)
    assert {run.status for run in runs} == {"FINISHED", "FAILED"}
    assert len([run for run in runs if run.status == "FINISHED"]) >= 19


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """Mount a file system of its own, as only the superuser may."""
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=False).returncode:
        pytest.skip("may not mount a file system here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # this process still has the store open


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "size=26m") as place:
        yield place


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "read-only", "ro") as place:
        yield place


def test_a_disk_that_fills_up_loses_nothing(small_disk: Path) -> None:
    process, filler = started(small_disk), small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 4
    assert "the disk is full" in said
    assert "Traceback" not in said
    filler.unlink()
    command = [sys.executable, "-m", "biolab", "run", "experiments/breast-prognosis", "--output", str(small_disk)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    runs = find_runs(embedded_store(small_disk), protocol="breast-prognosis", status=None, latest=False)
    assert {run.status for run in runs} == {"FINISHED", "FAILED"}


def test_a_read_only_disk_is_named(read_only_disk: Path) -> None:
    command = [sys.executable, "-m", "biolab", "run", "experiments/breast-prognosis", "--output", str(read_only_disk)]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 4, refused.stderr
    assert f"{read_only_disk} cannot be written" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_mlflow_stops_with_its_command(number: signal.Signals, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "biolab", "ui", "--output", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    while not answers(port):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.2)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode in {0, 130}
    assert not answers(port)


def answers(port: int) -> bool:
    """Tell whether something listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
