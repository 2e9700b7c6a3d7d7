"""A normal week of three institutions: every step a command in a process of its own, against one joint server."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolab.joint import Protocol, open_study
from biolab.tracking import find_runs

from .conftest import SITES, free_port
from .postgres import running_postgres, usable

pytestmark = pytest.mark.slow
HERE = Path(__file__).resolve().parent


class Office:
    """Somebody's computer: a folder of their own in which they run biolab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=60)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a command."""
        command = [sys.executable, "-m", "biolab", *map(str, words), "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "BIOLAB"))}
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, map(_absolute, sys.path)))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str | Path, code: int = 0) -> dict:
        """Run a command to its end and return what it says as JSON."""
        return finished(self.start(*words), code=code)


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path else ""


def finished(process: subprocess.Popen[str], *, code: int = 0) -> dict:
    """Wait for a command and return what it says."""
    said, complaint = process.communicate(timeout=900)
    assert process.returncode == code, (process.args, said, complaint)
    return said_objects(said)[0]


def said_objects(text: str) -> list[dict]:
    """Read the JSON objects that stand one after another."""
    found, decoder, place = [], json.JSONDecoder(), 0
    while place < len(text.rstrip()):
        content, end = decoder.raw_decode(text, place)
        found.append(content)
        place = end + len(text[end:]) - len(text[end:].lstrip())
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Keep the study in SQLite, and in PostgreSQL where it is installed."""
    if request.param == "sqlite":
        yield None
    elif usable():
        with running_postgres(free_port()) as address:
            yield address
    else:
        pytest.skip("PostgreSQL is not installed")


def serving(office: Office, port: int, database: str | None) -> subprocess.Popen[str]:
    """Start the joint server and wait until it answers."""
    more = [] if database is None else ["--database", database]
    if "BIOLAB_ARTIFACTS" in os.environ:  # a store of your own, such as s3://bucket/path with AWS_* set
        more += ["--artifacts", os.environ["BIOLAB_ARTIFACTS"]]
    server = office.start("joint", "serve", "--port", str(port), *more)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        assert server.poll() is None, server.communicate()
        try:
            with opener.open(f"http://127.0.0.1:{port}/health", timeout=2):
                return server
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer")


def stopped(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=60)


def write_protocol(folder: Path, keys: dict[str, str]) -> None:
    """Write the protocol of the made-up institutions with a third one and everybody's key."""
    text = (HERE.parent / "two-made-up-sites" / "protocol.toml").read_text(encoding="utf-8")
    north = text[text.index("[sites.north]") : text.index("[sites.south]")]
    text += "\n" + north.replace("sites.north", "sites.east")
    for site, key in keys.items():
        text = re.sub(rf"(?m)^\[sites\.{site}\]$", f'[sites.{site}]\npublic_key = "{key}"', text)
    folder.mkdir(parents=True)
    (folder / "protocol.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def coordinator(tmp_path: Path) -> Iterator[Office]:
    """Return the coordinator's computer, on which the server runs."""
    office = Office(tmp_path / "coordinator")
    yield office
    office.close()


def test_a_week(coordinator: Office, database: str | None, files: dict[str, Path], tmp_path: Path) -> None:
    sites = {site: Office(tmp_path / site) for site in SITES}
    data = {**files, "east": files["north"]}

    # Monday: keys, protocol, lock, server, invitations
    homes = {site: tmp_path / site / "home" for site in SITES}
    keys = {site: sites[site].run("site", "init", site, "--home", homes[site])["public_key"] for site in SITES}
    experiment = coordinator.folder / "experiments" / "made-up"
    write_protocol(experiment, keys)
    coordinator.run("site", "init", "coordinator", "--home", tmp_path / "chair")
    coordinator.run("joint", "lock", "made-up", "--home", tmp_path / "chair")
    port = free_port()
    server = serving(coordinator, port, database)
    for site in SITES:
        done = coordinator.run("joint", "invite", site, "-o", sites[site].folder / "invitation.json")
        assert Path(done["path"]).stat().st_mode & 0o777 == 0o600
        shutil.copytree(experiment, sites[site].folder / "experiments" / "made-up")
    before = coordinator.run("joint", "status", "made-up")
    assert [(site["key_known"], site["imported"], len(site["missing"])) for site in before["sites"]] == [
        (True, 0, 9)
    ] * 3

    # Tuesday: every site works offline; the eastern one tries to push while the server is down
    for site, office in sites.items():
        office.run("run", "experiments/made-up", "--site", site, "--data", data[site], "--home", homes[site])
        office.run("site", "export", "made-up", "-o", "bundle.zip", "--home", homes[site])
    stopped(server)
    said, _ = (
        cut := sites["east"].start(
            "site", "push", "bundle.zip", "--invitation", "invitation.json", "--home", homes["east"]
        )
    ).communicate(timeout=900)
    assert cut.returncode == 4
    assert len(said_objects(said)[0]["waiting"]) == 1

    # Wednesday: the server is back; three sites push at once, the eastern one what waits, the northern one twice
    server = serving(coordinator, port, database)
    words = ("site", "push", "bundle.zip", "--invitation", "invitation.json", "--home")
    racing = [sites[site].start(*words, homes[site]) for site in ("north", "north", "south")]
    racing.append(sites["east"].start("site", "push", "--home", homes["east"]))
    reports = [finished(process) for process in racing]
    assert sum(len(report["sent"]) for report in reports) == 3
    assert sum(len(report["present"]) for report in reports) == 1

    # Thursday: two imports at once; then everybody reads what stands
    rounds = [coordinator.start("joint", "import", "--inbox", "made-up") for _ in range(2)]
    received = [each for process in rounds for each in finished(process)["received"]]
    assert sorted((each["site"], each["state"]) for each in received) == [(site, "imported") for site in sorted(SITES)]
    status = coordinator.run("joint", "status", "made-up")
    assert [
        (site["pushed"], site["waiting"], site["refused"], site["unverified"], site["verified"] == site["imported"])
        for site in status["sites"]
    ] == [(1, 0, [], [], True)] * 3
    assert (status["filled"], status["cells"]) == (9, 27)

    # Friday: every site judges the models of the others, fetched from the server, and sends what it found
    for site, office in sites.items():
        words = ("experiments/made-up", data[site], "--home", homes[site])
        judged = office.run("site", "validate", *words)
        assert (judged["from"], judged["refused"], judged["signed"]) == (f"http://127.0.0.1:{port}", [], True)
        assert (len(judged["written"]), judged["standing"], judged["waiting"]) == (6, [], [])
        assert office.run("site", "validate", *words)["written"] == []
        exported = office.run("site", "export", "made-up", "-o", "all.zip", "--data", data[site], "--home", homes[site])
        assert (exported["runs"], exported["traced"]) == (10, True)
        office.run("site", "push", "all.zip", "--home", homes[site])
    received = coordinator.run("joint", "import", "--inbox", "made-up")["received"]
    assert [each["state"] for each in received] == ["imported"] * 3
    status = coordinator.run("joint", "status", "made-up")
    assert (status["filled"], status["cells"]) == (27, 27)
    assert [site["missing"] for site in status["sites"]] == [[], [], []]

    # Saturday: a bundle that came by mail after all changes nothing
    mailed = sites["north"].folder / "bundle.zip"
    again = coordinator.run("joint", "import", mailed, "--inbox", "made-up")
    assert again["created"] == []
    protocol = Protocol.load(experiment)
    study = open_study(coordinator.folder / "biolab-server", "made-up")
    runs = find_runs(study.store, protocol=protocol.name, latest=False)
    assert len({run.tags["biolab.run_digest"] for run in runs}) == len(runs) == 12 + 18
    stopped(server)
