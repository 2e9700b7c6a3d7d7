import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biolab.core import ConfigError, TrackingError
from biolab.tracking import load_released, log_model, mark_abandoned, store_files

FRESH = """
import os, sys
from pathlib import Path
import mlflow
import pandas as pd
from biolab.tracking import embedded_store, recorded_run
mlflow.set_tracking_uri(os.environ["STORE"])
model = mlflow.pyfunc.load_model(sys.argv[1])
frame = pd.DataFrame({"age": [40.0], "nodes": [2], "grade": ["2"], "hormones": [True]})
print(model.predict(frame).to_json(orient="records"))
store = embedded_store(Path(os.environ["FOLDER"]))
with recorded_run(store, experiment="biolab/killed", name="killed", tags={}) as run:
    print(run.run_id, flush=True)
    os._exit(9)
"""


def test_a_model_has_a_signature_an_example_requirements_and_no_pickle(store, logged):
    run, address = logged
    model = store.client().get_logged_model(address.removeprefix("models:/"))
    assert (str(model.status), model.source_run_id) == ("READY", run.run_id)
    folder = next(path for path in store.artifacts.rglob("MLmodel") if model.model_id in str(path)).parent
    assert "biolab==0.1.0" in (folder / "requirements.txt").read_text().split()
    assert json.loads((folder / "input_example.json").read_text())["columns"][0] == "age"
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle", ".pyc"}]
    described = (folder / "MLmodel").read_text()
    assert "survival_60" in described
    assert "loader_module: standin_model" in described
    assert str(store.artifacts) not in described


def test_the_model_shows_its_runs_metrics_and_tags(store, logged):
    run, address = logged
    model = store.client().get_logged_model(address.removeprefix("models:/"))
    assert {metric.key: metric.value for metric in model.metrics} == {"harrell_c": 0.68}
    assert model.tags["biolab.site"] == "gbsg"
    assert store.client().get_run(run.run_id).outputs.model_outputs[0].model_id == model.model_id


def test_versions_are_registered_and_counted(store, logged, start, loader, patients, tmp_path):
    (tmp_path / "model.json").write_text('{"weight": 0.25}')
    with start(role="model", model="cox", site="gbsg") as run:
        for _ in range(2):
            log_model(
                run,
                name="cox",
                folder=tmp_path,
                signature_input=patients,
                signature_output=patients.select("age"),
                registered_name="biolab-breast-cox-gbsg",
                pip_requirements=["biolab"],
                loader_module=loader,
            )
    versions = store.client().search_model_versions("name = 'biolab-breast-cox-gbsg'")
    assert sorted(int(version.version) for version in versions) == [1, 2, 3]
    assert json.loads((load_released(store, "models:/biolab-breast-cox-gbsg/2") / "model.json").read_text()) == {
        "weight": 0.25
    }
    with pytest.raises(TrackingError, match="has 2 models"):
        load_released(store, run.run_id)


@pytest.mark.parametrize("by", ["run", "address", "version", "copy"])
def test_another_site_gets_the_very_files(store, logged, by, tmp_path):
    run, address = logged
    reference = {"run": run.run_id, "version": "models:/biolab-breast-cox-gbsg/1"}.get(by, address)
    folder = load_released(store, reference, destination=tmp_path / "copy" if by == "copy" else None)
    assert json.loads((folder / "model.json").read_text()) == {"weight": 0.5}
    assert folder.is_relative_to(tmp_path) == (by == "copy")


@pytest.mark.parametrize("reference", ["models:/m-absent", "models:/absent/1", "0" * 32])
def test_an_absent_model_is_told(store, reference):
    with pytest.raises(TrackingError):
        load_released(store, reference)


def test_an_empty_folder_is_no_model(start, patients, tmp_path):
    with start() as run, pytest.raises(ConfigError, match="no saved model"):
        log_model(
            run,
            name="cox",
            folder=tmp_path,
            signature_input=patients,
            signature_output=patients,
            registered_name="x",
            pip_requirements=[],
        )


@pytest.mark.slow
def test_a_fresh_process_predicts_and_its_death_is_noticed(store, logged, loader):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "loaders"), *sys.path]),
        "STORE": store.tracking_uri,
        "FOLDER": str(store.database.parent),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.run(
        [sys.executable, "-c", FRESH, logged[1]], env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 9, process.stderr
    prediction, killed = process.stdout.split()
    assert json.loads(prediction) == [{"risk_score": 20.0, "survival_60": 0.8}]
    assert mark_abandoned(store, "biolab/killed") == [killed]


def test_logging_a_model_leaves_nothing_beside_the_store(store, logged):
    inside = {store.database.parent}
    assert all(any(folder in path.parents for folder in inside) for path in store_files(store))
