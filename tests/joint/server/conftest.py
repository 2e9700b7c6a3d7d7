"""Three made-up institutions with keys of their own, runs written by hand in moments, and a real joint server."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from biolab.joint import (
    Invitation,
    PrivateIdentity,
    Protocol,
    Study,
    create_identity,
    export_bundle,
    invite,
    open_study,
)
from biolab.joint.records import run_tags
from biolab.tracking import (
    Account,
    ServerSettings,
    Store,
    embedded_store,
    experiment_name,
    log_model,
    recorded_run,
    registered_model_name,
)
from biolab.tracking.server import running_joint_server

SITES = ("north", "south", "east")
PATIENTS = pl.DataFrame({"age": [50.0, 60.0]})


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which each institution's key is."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def identities(keys: Path) -> dict[str, PrivateIdentity]:
    """Return each institution's key."""
    return {site: create_identity(site, keys / site) for site in SITES}


@pytest.fixture(scope="session")
def joint_protocol(protocol: Protocol, identities: dict[str, PrivateIdentity]) -> Protocol:
    """Return the made-up protocol with a third institution and everyone's public key."""
    described = {**protocol.sites, "east": protocol.sites["north"]}
    sites = {
        name: site.model_copy(update={"public_key": identities[name].public_key}) for name, site in described.items()
    }
    return protocol.model_copy(update={"sites": sites})


@dataclass(frozen=True)
class Bench:
    """Makes bundles of any institution, each with runs of its own."""

    protocol: Protocol
    identities: dict[str, PrivateIdentity]
    place: Path

    def bundle(self, site: str, name: str = "bundle", *, model: bool = True) -> Path:
        """Write a site's runs by hand and export them."""
        store = embedded_store(self.place / site)
        run = self._runs(store, site, model=model)
        path = self.place / f"{site}-{name}.zip"
        export_bundle(store, [run], self.identities[site], path)
        return path

    def _runs(self, store: Store, site: str, *, model: bool) -> str:
        place = experiment_name(self.protocol.name)
        tags = run_tags(self.protocol, role="site", site=site)
        with recorded_run(store, experiment=place, name=site, tags=tags, description="**Cohort**") as parent:
            parent.params({"endpoint": {"tau": 48}})
            parent.text("protocol.json", self.protocol.canonical)
            parent.table("cohort", pl.DataFrame({"site": [site], "patients": [300], "events": [120]}))
        if model:
            tags = run_tags(self.protocol, role="model", site=site, model="age", model_site=site)
            with recorded_run(store, experiment=place, name=f"{site} age", tags=tags, parent=parent.run_id) as run:
                run.metrics({"harrell_c": 0.68, "harrell_c.lower": 0.61, "harrell_c.upper": 0.75})
                self._model(run, store, site)
        return parent.run_id

    def _model(self, run, store: Store, site: str) -> None:
        folder = self.place / f"{site}-release"
        folder.mkdir(exist_ok=True)
        (folder / "model.json").write_text(json.dumps({"coefficients": [0.3]}), encoding="utf-8")
        log_model(
            run,
            name="age",
            folder=folder,
            signature_input=PATIENTS,
            signature_output=pl.DataFrame({"risk_score": [0.1, 0.2]}),
            registered_name=registered_model_name(self.protocol.name, "age", site),
            pip_requirements=["biolab"],
        )


@pytest.fixture(scope="session")
def bench(
    joint_protocol: Protocol, identities: dict[str, PrivateIdentity], tmp_path_factory: pytest.TempPathFactory
) -> Bench:
    """Return what makes bundles."""
    return Bench(joint_protocol, identities, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def north_bundle(bench: Bench) -> Path:
    """Return one bundle of the northern institution."""
    return bench.bundle("north", "shared")


@pytest.fixture
def stand_in(joint_protocol: Protocol, tmp_path: Path) -> Callable[[str], tuple[Invitation, Study]]:
    """Let an embedded store stand in for the server: the same calls, without users and without a network."""

    def make(site: str) -> tuple[Invitation, Study]:
        from biolab.joint.study import InvitedSite

        store = embedded_store(tmp_path / "stand-in")
        with store.session() as client:
            name = f"biolab-inbox/{joint_protocol.name}/{site}"
            inbox = client.create_experiment(name, artifact_location=f"{store.artifact_root}/inbox-{site}")
        account = Account(name=f"{site}@made-up", password="not used")
        invitation = Invitation(
            server=store.tracking_uri,
            workspace="default",
            protocol=joint_protocol.name,
            site=site,
            inbox=inbox,
            account=account,
        )
        invited = {site: InvitedSite(user=account.name, inbox=inbox, invited_at="2026-01-05T09:00:00+00:00")}
        study = Study(
            folder=tmp_path / "study",
            protocol=joint_protocol.name,
            workspace="default",
            address=store.tracking_uri,
            importer=account,
            sites=invited,
            store=store,
        )
        return invitation, study

    return make


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Hospital:
    """An institution's computer: a folder, a key, an invitation."""

    folder: Path
    identity: PrivateIdentity
    invitation: Invitation


@dataclass(frozen=True)
class JointServer:
    """A server that runs, and the institutions invited to its study."""

    settings: ServerSettings
    protocol: Protocol
    hospitals: dict[str, Hospital]

    @property
    def study(self) -> Study:
        """The study as its coordinator keeps it."""
        return open_study(self.settings.folder, self.protocol.name)


def invited(
    settings: ServerSettings, protocol: Protocol, identities: dict[str, PrivateIdentity], place: Path
) -> JointServer:
    """Invite the three institutions."""
    hospitals = {}
    for site in SITES:
        done = invite(settings.folder, protocol, site)
        hospitals[site] = Hospital(place / site, identities[site], done.invitation)
    return JointServer(settings, protocol, hospitals)


@pytest.fixture(scope="session")
def joint_server(
    joint_protocol: Protocol, identities: dict[str, PrivateIdentity], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JointServer]:
    """Run a joint server on SQLite with three invited institutions."""
    place = tmp_path_factory.mktemp("joint-server")
    settings = ServerSettings(folder=place / "server", port=free_port())
    with running_joint_server(settings):
        yield invited(settings, joint_protocol, identities, place)


class MortalServer:
    """A joint server that can be killed and is back within a second: each life is a fork of one that imported MLflow.

    The first life is the real command; its worker's environment is what every later life gets.
    """

    def __init__(self, settings: ServerSettings, environment: dict[str, str]) -> None:
        self.settings = settings
        script = Path(__file__).with_name("zygote.py")
        self._zygote = subprocess.Popen(
            [sys.executable, str(script), settings.host, str(settings.port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read("ready")
        self.pid = 0

    def start(self) -> None:
        """Begin a life; returns when it answers."""
        self._ask("start")
        self.pid = int(self._read("started"))

    def kill(self) -> None:
        """End a life with SIGKILL."""
        self._ask("kill")
        self._read("killed")

    def close(self) -> None:
        """End everything."""
        self._zygote.stdin.close()
        self._zygote.wait(timeout=30)
        self._zygote.stdout.close()

    def _ask(self, word: str) -> None:
        self._zygote.stdin.write(f"{word}\n")
        self._zygote.stdin.flush()

    def _read(self, word: str) -> str:
        while line := self._zygote.stdout.readline():
            said, _, rest = line.strip().partition(" ")
            if said == word:
                return rest
        raise AssertionError(f"the zygote ended before it said {word!r}")


@contextmanager
def mortal_server(settings: ServerSettings) -> Generator[MortalServer]:
    """Prepare a server with its real command, then give it lives that can be taken."""
    with running_joint_server(settings) as server:
        environment = worker_environment(server.pid, settings.port)
    mortal = MortalServer(settings, environment)
    try:
        yield mortal
    finally:
        mortal.close()


def worker_environment(parent: int, port: int) -> dict[str, str]:
    """Read the environment of the process that answers, from /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            group = os.getpgid(int(folder.name))
            if group == parent and b"uvicorn" in words and str(port).encode() in words:
                pairs = (folder / "environ").read_bytes().decode().split("\0")
                return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        except (OSError, ValueError):
            continue
    raise AssertionError("no worker of the server was found")
