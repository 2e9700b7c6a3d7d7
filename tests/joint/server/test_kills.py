"""Whatever dies at whatever moment - a site's run, its push, the importer, the server - nothing is lost or doubled.

``BIOLAB_KILLS=200 pytest -m slow -s tests/joint/server/test_kills.py`` is the full run; the default is a few of them.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from biolab.core import BiolabError
from biolab.joint import Protocol, Study, import_inbox, push, receiving, verify_run
from biolab.joint.outbox import outbox
from biolab.tracking import ServerSettings, embedded_store, find_runs
from biolab.tracking.inbox import deliveries

from .conftest import SITES, Hospital, JointServer, MortalServer, free_port, invited, mortal_server

KILLS = int(os.environ.get("BIOLAB_KILLS", "10"))
A_ROUND = 5
ATTEMPTS = 40
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")]


@pytest.fixture(scope="module")
def one_model(joint_protocol: Protocol) -> Protocol:
    return joint_protocol.model_copy(update={"models": joint_protocol.models[:1]})


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalServer]:
    settings = ServerSettings(folder=tmp_path_factory.mktemp("mortal") / "server", port=free_port())
    with mortal_server(settings) as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def study(mortal: MortalServer, one_model: Protocol, identities, tmp_path_factory) -> JointServer:
    return invited(mortal.settings, one_model, identities, tmp_path_factory.mktemp("hospitals"))


class Office:
    """The sites' computers, which run and export; each piece of work can be killed."""

    def __init__(self, protocol: Protocol, files: dict[str, Path], keys: Path, place: Path) -> None:
        self._files, self._keys, self._place = {**files, "east": files["north"]}, keys, place
        (place / "protocol.json").write_text(protocol.canonical, encoding="utf-8")
        command = [sys.executable, str(Path(__file__).with_name("office_zygote.py")), str(place / "protocol.json")]
        paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
        environment = {**os.environ, "PYTHONPATH": paths}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._read() == "ready"

    def output(self, site: str) -> Path:
        """Where a site's store is."""
        return self._place / site

    def work(self, site: str, bundle: Path, kill_after_s: float | None = None) -> tuple[int, float]:
        """Run a site's part and export it; return how that ended and how long it took."""
        task = {"output": str(self.output(site)), "site": site, "file": str(self._files[site])}
        task |= {"key": str(self._keys / site), "bundle": str(bundle), "kill_after_s": kill_after_s}
        self._process.stdin.write(f"{json.dumps(task)}\n")
        self._process.stdin.flush()
        code, seconds = json.loads(self._read())
        return code, seconds

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _read(self) -> str:
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def office(
    one_model: Protocol, files: dict[str, Path], keys: Path, identities, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    assert set(identities) == set(SITES)
    made = Office(one_model, files, keys, tmp_path_factory.mktemp("office"))
    yield made
    made.close()


@dataclass
class Tally:
    """How many kills of each kind there were, how many in the middle of the work, and how long each work takes."""

    killed: Counter[str] = field(default_factory=Counter)
    midway: int = 0
    lasts_s: dict[str, float] = field(default_factory=lambda: {"run": 3.0, "push": 1.0, "import": 3.0})

    def took(self, step: str, seconds: float) -> None:
        self.lasts_s[step] = 0.7 * self.lasts_s[step] + 0.3 * min(20.0, seconds)

    def say(self, bundles: int, seconds: float) -> None:
        counts = f"{sum(self.killed.values())} kills {dict(sorted(self.killed.items()))}, {self.midway} midway"
        print(f"{counts}; {bundles} bundles whole, once; {seconds:.0f} s", flush=True)


def after(delay: float, action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(delay, action)
    timer.start()
    return timer


def until_done(action: Callable[[], bool]) -> bool:
    """Do as a person would: run it again until it says that all is done; say whether it was interrupted."""
    for attempt in range(ATTEMPTS):
        try:
            if action():
                return attempt > 0
        except BiolabError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not done after {ATTEMPTS} attempts")


def in_process_killed_after(delay: float, action: Callable[[], bool]) -> bool:
    """Do it in a process of its own, which is killed after a while; say whether that was before its end."""
    child = os.fork()
    if child == 0:
        try:
            action()
        finally:
            os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def sender(hospital: Hospital, bundle: Path) -> Callable[[], bool]:
    def send() -> bool:
        done = push(hospital.folder, hospital.invitation, bundle, hospital.identity)
        return done.fault is None and not done.waiting

    return send


def importer(joint: JointServer) -> Callable[[], bool]:
    def take() -> bool:
        import_inbox(joint.study, joint.protocol)
        return True

    return take


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server that is gone again at once: it is back within a second."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.1")
    monkeypatch.setattr(receiving, "_PAUSES_S", (0.2, 0.5, 1.0))


@pytest.mark.usefixtures("impatient")
def test_killed_anywhere(
    mortal: MortalServer, study: JointServer, office: Office, one_model: Protocol, tmp_path: Path
) -> None:
    draw, tally, sent, began = random.Random(20260105), Tally(), Counter[str](), time.monotonic()
    for number in range(-(-KILLS // A_ROUND)):
        site = SITES[number % len(SITES)]
        hospital, bundle = study.hospitals[site], tmp_path / f"{number}.zip"
        code, _ = office.work(site, bundle, kill_after_s=draw.uniform(0, tally.lasts_s["run"]))
        tally.midway += code < 0
        tally.killed["run"] += 1
        code, seconds = office.work(site, bundle)
        assert code == 0
        tally.took("run", seconds)
        check_own_store(office.output(site), one_model, site)
        sent[site] += 1
        for step, action in (("push", sender(hospital, bundle)), ("import", importer(study))):
            tally.midway += in_process_killed_after(draw.uniform(0, tally.lasts_s[step]), action)
            tally.killed[f"{step}: client"] += 1
            started = time.monotonic()
            timer = after(draw.uniform(0, tally.lasts_s[step]), lambda: (mortal.kill(), mortal.start()))
            tally.midway += until_done(action)
            tally.took(step, time.monotonic() - started)
            timer.join()
            tally.killed[f"{step}: server"] += 1
            until_done(action)
        check(study.study, hospital, sent[site], one_model)
        tally.say(sum(sent.values()), time.monotonic() - began)


def check_own_store(output: Path, protocol: Protocol, site: str) -> None:
    """What was killed is FAILED, what is FINISHED is whole, and the newest run is signed with its one model."""
    store = embedded_store(output)
    runs = find_runs(store, protocol=protocol.name, status=None, latest=False)
    assert {run.status for run in runs} <= {"FINISHED", "FAILED"}
    children = Counter(run.parent_id for run in runs if run.role == "model" and run.status == "FINISHED")
    whole = [run for run in runs if run.role == "site" and run.status == "FINISHED"]
    assert [children[run.run_id] for run in whole] == [1] * len(whole)
    assert verify_run(store, whole[0].run_id, protocol.keys).state == "verified"
    assert whole[0].site == site


def check(study: Study, hospital: Hospital, bundles: int, protocol: Protocol) -> None:
    """Every bundle of the site is in its inbox and imported, whole, verified, once; nothing else is there."""
    site = hospital.identity.site
    assert not list(outbox(hospital.folder, protocol.name).glob("*.zip"))
    whole = [each.sha256 for each in deliveries(study.store, study.sites[site].inbox) if each.complete]
    assert len(set(whole)) == bundles
    runs = find_runs(study.store, protocol=protocol.name, site=site, status=None, latest=False)
    finished = [run for run in runs if run.status == "FINISHED"]
    digests = Counter(run.tags["biolab.run_digest"] for run in finished)
    assert len(digests) == 2 * bundles
    assert set(digests.values()) == {1}
    assert [run.status for run in runs if run.status != "FINISHED"] == []
    with study.store.session() as client:
        versions = client.search_model_versions(f"name = 'biolab-{protocol.name}-age-{site}'")
        assert len(versions) == bundles
        assert Counter(version.run_id for version in versions) == Counter(
            run.run_id for run in finished if run.role == "model"
        )
    for run in finished[:2]:
        assert verify_run(study.store, run.run_id, protocol.keys).state == "verified"
