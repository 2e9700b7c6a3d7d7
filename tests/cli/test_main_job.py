"""The main job as a newcomer runs it: two real institutions, from the protocol to the report and MLflow."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.cli import main

pytestmark = pytest.mark.slow  # notebook 01 does the same with every test, and `make demo` before them
ROOT = Path(__file__).resolve().parents[2]


def biolab(*words: str | Path) -> str:
    """Run the command line in this process, expect success and return what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    assert not caught.value.code
    return printed.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the experiment with a fifth of its bootstrap draws: the intervals are rougher, all else is the same."""
    text = (ROOT / "experiments" / "breast-prognosis" / "protocol.toml").read_text(encoding="utf-8")
    assert text.count("replicates = 500") == 1
    copy = tmp_path_factory.mktemp("breast-prognosis") / "protocol.toml"
    copy.write_text(text.replace("replicates = 500", "replicates = 100"), encoding="utf-8")
    return copy.parent


@pytest.fixture(scope="module")
def outcome(experiment: Path, folder: Path) -> dict:
    return json.loads(biolab("run", experiment, "--json", "--output", folder))


def test_two_processes_find_what_one_finds(outcome: dict, experiment: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "biolab", "run", str(experiment), "--json", "--output", str(tmp_path)]
    surroundings = os.environ | {"OMP_NUM_THREADS": "2"}  # a process a site
    printed = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed)
    assert (found["cohorts"], found["best"]["model"]) == (outcome["cohorts"], outcome["best"]["model"])
    # another number of threads sums in another order: the last digit may differ
    assert_frame_equal(pl.DataFrame(found["validation"]), pl.DataFrame(outcome["validation"]), rel_tol=1e-12)


def test_cohorts_are_those_of_the_protocol(outcome: dict) -> None:
    assert outcome["cohorts"] == [
        {"site": "rotterdam", "patients": 1546, "events": 1059, "dropped": 1436},
        {"site": "gbsg", "patients": 686, "events": 299, "dropped": 0},
    ]
    assert outcome["protocol"]["name"] == "breast-prognosis"
    assert len(outcome["protocol"]["sha256"]) == 64


def test_every_role_has_its_runs(outcome: dict) -> None:
    roles = pl.DataFrame(outcome["runs"])["role"].value_counts().rows()
    assert dict(roles) == {"site": 2, "model": 8, "validation": 8, "comparison": 1}


def test_validation_matrix_is_full_and_plausible(outcome: dict) -> None:
    matrix = pl.DataFrame(outcome["validation"])
    assert matrix.height == 4 * 4 * 10
    assert matrix.filter((pl.col("lower") > pl.col("estimate")) | (pl.col("upper") < pl.col("estimate"))).is_empty()
    harrell = matrix.filter(pl.col("metric") == "harrell_c")
    assert harrell["estimate"].is_between(0.6, 0.72).all()


def test_covariates_add_to_age_and_nodes_abroad(outcome: dict) -> None:
    harrell = pl.DataFrame(outcome["validation"]).filter(pl.col("metric") == "harrell_c")
    by = {(row["model"], row["train_site"], row["test_site"]): row["estimate"] for row in harrell.iter_rows(named=True)}
    for train, test in (("rotterdam", "gbsg"), ("gbsg", "rotterdam")):
        assert by["cox", train, test] > by["age-nodes", train, test]


def test_what_others_read_of_a_comparison(outcome: dict) -> None:
    assert not outcome["signed"]
    assert (outcome["refused"], outcome["changed"], outcome["other_versions"]) == ([], [], [])
    cells = pl.DataFrame(outcome["matrix"])
    assert set(cells["status"]) == {"reported"}
    assert cells.height == len(outcome["validation"])
    assert cells.filter((pl.col("model") == "cox") & (pl.col("metric") == "harrell_c"))["difference"].is_finite().all()
    pooled = pl.DataFrame(outcome["meta"]["performance"])
    assert set(pooled["evidence"]) == {"internal", "external"}
    assert pooled.filter(pl.col("metric") == "harrell_c")["estimate"].is_between(0.6, 0.72).all()
    assert {row["term"] for row in outcome["meta"]["hazard_ratios"]} >= {"age", "log1p(nodes)"}
    best = outcome["best"]
    assert (best["metric"], best["evidence"], best["sites"]) == ("harrell_c", "external", ["gbsg", "rotterdam"])
    assert [row["rank"] for row in best["ranking"]] == [1, 2, 3, 4]
    assert best["ranking"][0]["model"] == best["model"] != best["reference"]


def test_page_is_written_and_speaks_korean_on_request(outcome: dict, folder: Path) -> None:
    english = Path(outcome["page"]).read_text(encoding="utf-8")
    assert "Prognosis in node-positive breast cancer" in english
    assert "biolab ui" in biolab("compare", "breast-prognosis", "--output", folder, "--language", "ko")
    korean = (folder / "breast-prognosis.ko.html").read_text(encoding="utf-8")
    assert "림프절 양성 유방암의 예후" in korean


def test_registered_model_predicts_in_a_fresh_process(outcome: dict, folder: Path) -> None:
    code = (
        "import sys, mlflow, pandas as pd\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model('models:/biolab-breast-prognosis-cox-rotterdam/1')\n"
        "frame = pd.DataFrame({name: [row] for name, row in "
        "{'age': 60.0, 'menopause': 'post', 'size': '20-50', 'grade': '3', 'nodes': 4, 'pgr': 30.0, 'er': 60.0, "
        "'hormone': 'no'}.items()})\n"
        "print(model.predict(frame).to_json())\n"
    )
    command = [sys.executable, "-c", code, outcome["tracking_uri"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    predicted = {name: column["0"] for name, column in json.loads(done.stdout.splitlines()[-1]).items()}
    assert set(predicted) == {"risk_score", "survival_24_months", "survival_36_months", "survival_60_months"}
    assert (
        0.9 > predicted["survival_24_months"] > predicted["survival_36_months"] > predicted["survival_60_months"] > 0.2
    )
