"""Whatever dies at whatever moment - the server, the site's process, the importer's - nothing is lost or doubled.

``BIOLAB_KILLS=200 pytest -m slow tests/joint/server/test_kills.py`` is the full run; the default is a few of them.
"""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolab.core import BiolabError
from biolab.joint import Protocol, Study, import_inbox, push, verify_run
from biolab.joint.outbox import outbox
from biolab.tracking import ServerSettings, find_runs, run_record
from biolab.tracking.inbox import deliveries

from .conftest import Bench, Hospital, JointServer, MortalServer, free_port, invited, mortal_server

KILLS = int(os.environ.get("BIOLAB_KILLS", "8"))
ATTEMPTS = 20
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalServer]:
    settings = ServerSettings(folder=tmp_path_factory.mktemp("mortal") / "server", port=free_port())
    with mortal_server(settings) as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def study(mortal: MortalServer, joint_protocol: Protocol, identities, tmp_path_factory) -> JointServer:
    return invited(mortal.settings, joint_protocol, identities, tmp_path_factory.mktemp("hospitals"))


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


def test_killed_anywhere(mortal: MortalServer, study: JointServer, bench: Bench, joint_protocol: Protocol) -> None:
    draw = random.Random(20260105)
    lasts = {"push": 2.0, "import": 6.0}
    killed: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    midway = 0
    for number in range(-(-KILLS // 4)):
        site = draw.choice(sorted(study.hospitals))
        hospital = study.hospitals[site]
        bundle = bench.bundle(site, f"round-{number}")
        sent[site] += 1
        for step, action in (("push", sender(hospital, bundle)), ("import", importer(study))):
            midway += in_process_killed_after(draw.uniform(0, lasts[step]), action)
            killed[f"{step}: client"] += 1
            started = time.monotonic()
            timer = after(draw.uniform(0, lasts[step]), lambda: (mortal.kill(), mortal.start()))
            midway += until_done(action)
            timer.join()
            killed[f"{step}: server"] += 1
            until_done(action)
            lasts[step] = 0.8 * lasts[step] + 0.2 * min(10.0, time.monotonic() - started)
        check(study.study, hospital, sent[site], joint_protocol)
        whole = sum(sent.values())
        print(f"{sum(killed.values())} kills {dict(killed)}, {midway} midway; {whole} bundles whole, once", flush=True)


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
    newest = finished[0]
    assert verify_run(study.store, newest.run_id, protocol.keys).state == "verified"
    assert run_record(study.store, newest.run_id).status == "FINISHED"
