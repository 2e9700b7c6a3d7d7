import json
import socket
import urllib.request
from contextlib import closing

import polars as pl
import pytest

from biolab.core import ConfigError, TrackingError
from biolab.tracking import (
    Store,
    experiment_page,
    find_runs,
    load_released,
    log_model,
    open_store,
    read_table,
    recorded_run,
    serve_ui,
    ui_command,
)
from biolab.tracking.server_process import check_port
from biolab.tracking.ui import running_ui


@pytest.fixture
def busy_port():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_the_command_names_the_store_and_the_place(store):
    command = ui_command(store, port=5055)
    assert store.tracking_uri in command
    assert store.artifact_root in command
    assert command[-4:] == ["--port", "5055", "--workers", "1"]


def test_the_page_of_an_experiment_opens_its_runs(store, start):
    with start(experiment="biolab/paged") as run:
        pass
    page = f"/#/experiments/{run.experiment_id}/runs?workflowType=machine_learning"
    assert experiment_page(store, "biolab/paged", port=5055) == f"http://127.0.0.1:5055{page}"
    with pytest.raises(TrackingError, match="no experiment 'biolab/absent'"):
        experiment_page(store, "biolab/absent")


def test_a_server_needs_no_command():
    with pytest.raises(ConfigError, match="open that address"):
        ui_command(Store(tracking_uri="http://mlflow.example.org"))


def test_a_port_in_use_names_a_free_one(store, busy_port):
    with pytest.raises(
        ConfigError, match=rf"Port {busy_port} on 127.0.0.1 cannot be used .* Pass --port \d+"
    ) as caught:
        serve_ui(store, port=busy_port)
    free = int(str(caught.value).split("--port ")[1].rstrip("."))
    check_port("127.0.0.1", free)


@pytest.mark.parametrize("port", [0, -1, 70_000])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(ConfigError, match="does not exist"):
        check_port("127.0.0.1", port)


def test_another_computers_address_is_refused():
    with pytest.raises(ConfigError, match="cannot be used"):
        check_port("192.0.2.1", 5000)


def test_a_server_that_dies_at_once_is_told(store, monkeypatch, capfd):
    monkeypatch.setattr("biolab.tracking.ui.ui_command", lambda *_: ["python", "-c", "raise SystemExit(3)"])
    with pytest.raises(TrackingError, match="exit code 3"), running_ui(store, port=5987):
        pytest.fail("it cannot have started")


@pytest.mark.slow
def test_a_browser_and_a_client_can_work_through_the_server(store, make_tags, logged, patients, tmp_path):
    frame = pl.DataFrame({"site": ["gbsg"], "estimate": [0.68]})
    with recorded_run(store, experiment="biolab/pages", name="page", tags=make_tags(protocol="pages")) as run:
        run.text("page.html", "<h1>보고서</h1>")
        run.table("validation", frame)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with running_ui(store, port=port) as server:
        with browser.open(f"{address}/get-artifact?path=page.html&run_uuid={run.run_id}") as page:
            assert page.read().decode() == "<h1>보고서</h1>"
        with browser.open(f"{address}/") as page:
            assert b"<html" in page.read()
        query = urllib.request.Request(
            f"{address}/api/2.0/mlflow/runs/search",
            data=json.dumps({"experiment_ids": [run.experiment_id]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with browser.open(query) as answer:
            assert json.load(answer)["runs"][0]["info"]["run_id"] == run.run_id
        remote = open_store(address, tmp_path)
        remote.check()
        tags = make_tags(protocol="remote", site="gbsg")
        with recorded_run(remote, experiment="biolab/remote", name="over the wire", tags=tags) as wired:
            wired.table("validation", frame)
            wired.params({"a": 1})
            address_of_model = log_model(
                wired,
                name="cox",
                folder=load_released(store, logged[1]),
                signature_input=patients,
                signature_output=patients.select("age"),
                registered_name="biolab-remote-cox-gbsg",
                pip_requirements=["biolab"],
                loader_module="standin_model",
            )
        assert read_table(remote, wired.run_id, "validation").equals(frame)
        assert find_runs(remote, protocol="remote")[0].params == {"a": "1"}
        for reference in (wired.run_id, address_of_model, "models:/biolab-remote-cox-gbsg/1"):
            copied = load_released(remote, reference, destination=tmp_path / reference[-4:])
            assert json.loads((copied / "model.json").read_text()) == {"weight": 0.5}
    assert server.poll() is not None
    with pytest.raises(TrackingError, match="cannot be reached"):
        remote.check()
