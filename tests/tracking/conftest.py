import json
import sys
from pathlib import Path

import polars as pl
import pytest

from biolab.tracking import embedded_store, log_model, recorded_run, registered_model_name, run_tags

LOADERS = Path(__file__).parent / "loaders"
PROTOCOL = "breast"


def tags_for(**words):
    return run_tags(**{"protocol": PROTOCOL, "version": "1.0", "sha256": "ab" * 32, "role": "site"} | words)


@pytest.fixture(scope="session")
def make_tags():
    return tags_for


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """One store for the room, in a folder whose name is as awkward as folders are."""
    return embedded_store(tmp_path_factory.mktemp("비오 랩 (1)"))


@pytest.fixture
def start(store, request):
    """Start a run in an experiment of the test's own."""

    def begin(name="run", experiment=f"biolab/{request.node.name}", parent=None, description=None, **words):
        tags = tags_for(**words)
        return recorded_run(store, experiment=experiment, name=name, tags=tags, parent=parent, description=description)

    return begin


@pytest.fixture(scope="session")
def patients():
    return pl.DataFrame({"age": [50.0, 60.0], "nodes": [1, 4], "grade": ["2", "3"], "hormones": [True, False]})


@pytest.fixture(scope="session")
def loader():
    sys.path.insert(0, str(LOADERS))
    yield "standin_model"
    sys.path.remove(str(LOADERS))


@pytest.fixture(scope="session")
def logged(store, loader, patients, tmp_path_factory):
    """Return the run and address of one logged model."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "model.json").write_text(json.dumps({"weight": 0.5}))
    tags = tags_for(role="model", site="gbsg", model="cox", model_site="gbsg")
    with recorded_run(store, experiment=f"biolab/{PROTOCOL}", name="gbsg cox", tags=tags) as run:
        run.metrics({"harrell_c": 0.68})
        address = log_model(
            run,
            name="cox",
            folder=folder,
            signature_input=patients,
            signature_output=pl.DataFrame({"risk_score": [25.0, 30.0], "survival_60": [0.75, 0.7]}),
            registered_name=registered_model_name(PROTOCOL, "cox", "gbsg"),
            pip_requirements=["biolab==0.1.0"],
            loader_module=loader,
        )
    return run, address
