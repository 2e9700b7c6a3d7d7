"""What an account may do on a real joint server, asked by real requests."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from biolab.core import ConfigError, TrackingError, sha256_hex
from biolab.joint import Protocol, import_inbox, invite, push, verify_run, withdraw
from biolab.tracking import Account, find_runs, load_released
from biolab.tracking.inbox import deliver
from biolab.tracking.server import read_server

from .conftest import Bench, JointServer

pytestmark = pytest.mark.slow
API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def filled(joint_server: JointServer, bench: Bench) -> JointServer:
    """Bring one bundle of the northern institution all the way."""
    north = joint_server.hospitals["north"]
    sent = push(north.folder, north.invitation, bench.bundle("north", "first"), north.identity)
    assert (len(sent.sent), sent.fault) == (1, None)
    done = import_inbox(joint_server.study, joint_server.protocol)
    assert [each.state for each in done.received] == ["imported"]
    return joint_server


class Asker:
    """Ask the server as somebody."""

    def __init__(self, server: JointServer, account: Account, workspace: str | None) -> None:
        self.address = server.settings.address
        self.account, self.workspace = account, workspace

    def __call__(self, method: str, path: str, content: object = None, **headers: str) -> requests.Response:
        own = {} if self.workspace is None else {"X-MLFLOW-WORKSPACE": self.workspace}
        return requests.request(
            method,
            self.address + path,
            json=content,
            headers={**own, **headers},
            auth=(self.account.name, self.account.password),
            timeout=60,
        )


@pytest.fixture(scope="module")
def places(filled: JointServer) -> dict[str, str]:
    """Return the ids of all experiments, and a finished run of the northern site with its artifacts' address."""
    administrator = read_server(filled.settings.folder).administrator
    ask = Asker(filled, administrator, filled.study.workspace)
    found = ask("POST", f"{API}/experiments/search", {"max_results": 100}).json()["experiments"]
    known = {each["name"]: each["experiment_id"] for each in found}
    runs = ask("POST", f"{API}/runs/search", {"experiment_ids": [known["biolab/made-up/north"]]}).json()["runs"]
    info = runs[0]["info"]
    address = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    return known | {"run": info["run_id"], "artifacts": address}


@pytest.fixture
def north(filled: JointServer) -> Asker:
    """Ask as the northern site."""
    invitation = filled.hospitals["north"].invitation
    return Asker(filled, invitation.account, invitation.workspace)


@pytest.fixture
def south(filled: JointServer) -> Asker:
    """Ask as the southern site."""
    invitation = filled.hospitals["south"].invitation
    return Asker(filled, invitation.account, invitation.workspace)


def test_a_site_reads_the_whole_study(filled: JointServer, protocol: Protocol) -> None:
    store = filled.hospitals["south"].invitation.store
    runs = find_runs(store, protocol="made-up", latest=False)
    assert {run.site for run in runs} == {"north"}
    model = next(run for run in runs if run.role == "model")
    assert load_released(store, model.run_id).name == "released"
    assert verify_run(store, model.run_id, filled.protocol.keys).state == "verified"


def test_a_site_writes_nothing_of_the_study(north: Asker, places: dict[str, str]) -> None:
    """Not even in its own results: they were signed and verified, and stay so."""
    run, results, artifacts = places["run"], places["biolab/made-up/north"], places["artifacts"]
    metric = {"run_id": run, "key": "harrell_c", "value": 0.99, "timestamp": 1}
    attempts = [
        ("POST", f"{API}/runs/create", {"experiment_id": results}),
        ("POST", f"{API}/runs/log-metric", metric),
        ("POST", f"{API}/runs/set-tag", {"run_id": run, "key": "biolab.site", "value": "south"}),
        ("POST", f"{API}/runs/update", {"run_id": run, "status": "FAILED"}),
        ("POST", f"{API}/runs/delete", {"run_id": run}),
        ("POST", f"{API}/experiments/update", {"experiment_id": results, "new_name": "gone"}),
        ("POST", f"{API}/experiments/delete", {"experiment_id": results}),
        ("POST", f"{API}/experiments/create", {"name": "biolab/made-up/other"}),
        ("POST", f"{API}/registered-models/create", {"name": "biolab-made-up-age-south"}),
        ("POST", f"{API}/registered-models/set-tag", {"name": "biolab-made-up-age-north", "key": "a", "value": "b"}),
        ("POST", f"{API}/model-versions/create", {"name": "biolab-made-up-age-north", "source": "x", "run_id": run}),
        ("POST", f"{API}/logged-models", {"experiment_id": results, "name": "m"}),
        ("PUT", f"{FILES}/{artifacts}/protocol.json", {}),
        ("PUT", f"{FILES}/{artifacts}/new.json", {}),
        ("DELETE", f"{FILES}/{artifacts}/protocol.json", None),
    ]
    answers = {f"{method} {path}": north(method, path, content).status_code for method, path, content in attempts}
    assert set(answers.values()) == {403}, answers


def test_a_site_reads_and_writes_no_other_inbox(north: Asker, south: Asker, places: dict[str, str]) -> None:
    own, other = places["biolab-inbox/made-up/south"], places["biolab-inbox/made-up/north"]
    assert north("GET", f"{API}/experiments/get?experiment_id={other}").status_code == 200
    assert south("GET", f"{API}/experiments/get?experiment_id={other}").status_code == 403
    assert south("POST", f"{API}/runs/search", {"experiment_ids": [other]}).json() == {}
    assert south("POST", f"{API}/runs/create", {"experiment_id": other}).status_code == 403
    for path in (f"{other}/x.zip", f"{own}/../{other}/x.zip", f"{own}/%252e%252e/{other}/x.zip"):
        assert south("PUT", f"{FILES}/workspaces/made-up/{path}", {}).status_code == 403, path
    query = f'query {{ mlflowSearchRuns(input: {{experimentIds: ["{other}"]}}) {{ runs {{ info {{ runId }} }} }} }}'
    assert south("POST", "/graphql", {"query": query}).json()["data"] == {"mlflowSearchRuns": None}
    run = south("POST", f"{API}/runs/create", {"experiment_id": own}).json()["run"]["info"]["run_id"]
    assert south("POST", f"{API}/runs/delete", {"run_id": run}).status_code == 403


def test_a_site_manages_nobody(north: Asker, filled: JointServer, places: dict[str, str]) -> None:
    me, other = filled.hospitals["north"].invitation.account.name, filled.hospitals["south"].invitation.account.name
    grant = {"username": me, "resource_type": "experiment", "resource_id": places["run"], "permission": "MANAGE"}
    lent = {**grant, "username": other, "resource_id": places["biolab-inbox/made-up/north"], "permission": "EDIT"}
    attempts = [
        ("GET", f"{API}/users/list", None),
        ("POST", f"{API}/users/create", {"username": "someone", "password": "a long password"}),
        ("PATCH", f"{API}/users/update-password", {"username": other, "password": "a long password"}),
        ("PATCH", f"{API}/users/update-admin", {"username": me, "is_admin": True}),
        ("POST", "/api/3.0/mlflow/users/permissions/grant", grant),
        ("POST", "/api/3.0/mlflow/users/permissions/grant", lent),
        ("POST", "/api/3.0/mlflow/workspaces", {"name": "another"}),
        ("GET", "/signup", None),
    ]
    answers = {f"{method} {path}": north(method, path, content).status_code for method, path, content in attempts}
    assert set(answers.values()) == {403}, answers


def test_what_runs_programs_is_closed_to_everyone(filled: JointServer, north: Asker) -> None:
    """MLflow's assistant would run shell commands for whoever asks from the server's own address."""
    administrator = Asker(filled, read_server(filled.settings.folder).administrator, None)
    closed = [
        ("POST", "/ajax-api/3.0/mlflow/assistant/message"),
        ("PUT", "/ajax-api/3.0/mlflow/assistant/config"),
        ("POST", "/gateway/mlflow/v1/chat/completions"),
        ("POST", "/ajax-api/2.0/mlflow/gateway-proxy"),
        ("POST", "/ajax-api/3.0/jobs/"),
        ("POST", "/api/2.0/mlflow/webhooks"),
        ("POST", "/v1/traces"),
    ]
    for ask in (administrator, north):
        assert {f"{method} {path}": ask(method, path, {}).status_code for method, path in closed} == {
            f"{method} {path}": 403 for method, path in closed
        }


def test_another_study(filled: JointServer, identities, north_bundle: Path, tmp_path: Path) -> None:
    """An account of one study neither sees nor reaches another on the same server, nor the default workspace."""
    other = filled.protocol.model_copy(
        update={"protocol": filled.protocol.protocol.model_copy(update={"name": "Another_study"})}
    )
    stranger = invite(filled.settings.folder, other, "north").invitation
    mine = filled.hospitals["north"].invitation
    assert stranger.workspace != mine.workspace
    assert stranger.account.name != mine.account.name
    inside = Asker(filled, stranger.account, mine.workspace)
    own = filled.study.sites["north"].inbox
    assert inside("GET", f"{API}/experiments/get?experiment_id={own}").status_code == 403
    assert inside("POST", f"{API}/experiments/search", {"max_results": 100}).json() == {}
    assert inside("POST", f"{API}/runs/create", {"experiment_id": own}).status_code == 403
    swapped = replace(mine, account=stranger.account)
    report = push(tmp_path / "north", swapped, north_bundle, identities["north"])
    assert "may not do that" in str(report.fault)
    assert len(report.waiting) == 1
    assert Asker(filled, mine.account, None)("POST", f"{API}/experiments/search", {"max_results": 10}).json() == {}
    known = Asker(filled, mine.account, None)("GET", "/api/3.0/mlflow/workspaces").json()["workspaces"]
    assert [each["name"] for each in known] == [mine.workspace]


def test_wrong_password_and_renewed_password(filled: JointServer, bench: Bench, tmp_path: Path) -> None:
    hospital = filled.hospitals["east"]
    bundle = bench.bundle("east", "renewed", model=False)
    wrong = replace(hospital.invitation, account=replace(hospital.invitation.account, password="not this one"))
    report = push(tmp_path / "east", wrong, bundle, hospital.identity)
    assert "does not know this user or password" in str(report.fault)
    assert len(report.waiting) == 1
    with pytest.raises(ConfigError, match="--renew"):
        invite(filled.settings.folder, filled.protocol, "east")
    renewed = invite(filled.settings.folder, filled.protocol, "east", renew=True)
    assert renewed.renewed
    assert push(tmp_path / "east", hospital.invitation, None, hospital.identity).fault is not None
    assert len(push(tmp_path / "east", renewed.invitation, None, hospital.identity).sent) == 1
    withdraw(filled.settings.folder, filled.protocol.name, "east")
    assert push(tmp_path / "east", renewed.invitation, bundle, hospital.identity).fault is not None
    again = invite(filled.settings.folder, filled.protocol, "east")
    filled.hospitals["east"] = replace(hospital, invitation=again.invitation)  # for the tests to come
    assert len(push(tmp_path / "east", again.invitation, None, hospital.identity).present) == 1


def test_doors(filled: JointServer, north: Asker, places: dict[str, str]) -> None:
    path = f"{API}/experiments/get?experiment_id={places['biolab/made-up']}"
    address = filled.settings.address
    assert requests.get(address + path, timeout=60).status_code == 401
    assert Asker(filled, Account(name="admin", password="password1234"), None)("GET", path).status_code == 401
    rebound = north("GET", path, Host="evil.example.org")
    assert (rebound.status_code, "DNS rebinding" in rebound.text) == (403, True)
    assert north("POST", f"{API}/runs/search", {}, Origin="https://evil.example.org").status_code == 403
    assert north("GET", path).status_code == 200


def test_a_spoofed_user_is_found_by_the_signature(filled: JointServer) -> None:
    """Only the importer's account could change a run; even then the change is named."""
    store = filled.study.store
    run = next(run for run in find_runs(store, protocol="made-up", latest=False) if run.role == "model")
    with store.session() as client:
        client.set_tag(run.run_id, "mlflow.user", "south")
        assert verify_run(store, run.run_id, filled.protocol.keys).state == "verified"  # MLflow's tag proves nothing
        client.set_tag(run.run_id, "biolab.site", "south")
        changed = verify_run(store, run.run_id, filled.protocol.keys)
        client.set_tag(run.run_id, "biolab.site", "north")
    assert changed.state != "verified"
    assert verify_run(store, run.run_id, filled.protocol.keys).state == "verified"


def test_renamed_inbox_and_foreign_bundle(filled: JointServer, bench: Bench, north: Asker) -> None:
    """A site may rename its inbox (MLflow's EDIT allows it): that hides nothing and slips nothing in."""
    hospital = filled.hospitals["north"]
    north(
        "POST",
        f"{API}/experiments/update",
        {"experiment_id": hospital.invitation.inbox, "new_name": "biolab/made-up/x"},
    )

    foreign = bench.bundle("south", "through-the-wrong-door", model=False)

    digest = sha256_hex(foreign.read_bytes())
    deliver(hospital.invitation.store, hospital.invitation.inbox, foreign, digest, tags={"biolab.site": "south"})
    report = import_inbox(filled.study, filled.protocol)
    assert report.renamed == ("biolab/made-up/x",)
    found = next(each for each in report.received if each.sha256 == digest)
    assert found.state == "refused"
    assert "is of site 'south' and came through the inbox of 'north'" in found.reason
    told = push(hospital.folder, hospital.invitation, None, hospital.identity).inbox
    assert next(each.reason for each in told if each.sha256 == digest) == found.reason


def test_server_that_is_not_there(filled: JointServer) -> None:
    gone = replace(filled.hospitals["north"].invitation.store, tracking_uri="http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="cannot be reached"):
        gone.check()
