"""The workflow runs whole on its toy data, refuses faulty settings before the first step, and plans for SLURM."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("snakemake") is None, reason="needs snakemake: pip install 'biolab[pipelines]'"),
]
PIPELINE = Path(__file__).resolve().parents[2] / "pipelines" / "genotype-scores"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline") / "genotype-scores"
    shutil.copytree(PIPELINE, folder, ignore=shutil.ignore_patterns("toy-data", "results", ".snakemake"))
    subprocess.run([sys.executable, "toy/make_toy.py", "toy-data"], cwd=folder, check=True)
    return folder


def snakemake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_it_runs_whole(copied):
    done = snakemake(copied)
    assert done.returncode == 0, done.stderr[-3000:]
    results = copied / "results"
    for cohort, persons in (("north", 360), ("south", 240)):
        kept = json.loads((results / cohort / "clean.json").read_text())["metrics"]
        assert persons - 10 < kept["samples"] <= persons
        page = (results / cohort / "page.html").read_text()
        assert "PGS900001" in page
        assert json.loads((results / cohort / "run.json").read_text())["run_id"] in page
    scores = pl.read_csv(results / "north" / "scores.tsv", separator="\t")
    people = pl.read_csv(copied / "toy-data" / "north.people.tsv", separator="\t").rename({"IID": "iid"})
    both = scores.join(people, on="iid")
    assert both.select(pl.corr("PGS900001", "value")).item() > 0.4
    assert both.select(pl.corr("PGS900001", "opposite")).item() > 0.9
    inside = both.filter("in_reference")
    assert abs(inside["PGS900001_percentile"].mean() - 50) < 1e-6
    scans = {
        name: json.loads((results / "north" / f"scan.{name}.json").read_text()) for name in ("value", "ill", "relapse")
    }
    assert all(0.7 < scan["metrics"]["inflation"] < 1.4 for scan in scans.values())
    pooled = json.loads((results / "pooled" / "value.json").read_text())["metrics"]
    assert pooled["samples"] > scans["value"]["metrics"]["samples"]
    assert not list(results.glob("*/logs/*Traceback*"))


def test_nothing_is_left_to_do_and_slurm_is_planned(copied):
    assert "Nothing to be done" in snakemake(copied).stderr
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs snakemake-executor-plugin-slurm")
    planned = snakemake(copied, "--workflow-profile", "profiles/slurm", "--dry-run", "--forceall")
    assert planned.returncode == 0, planned.stderr[-3000:]
    assert "slurm_partition=main" in planned.stdout + planned.stderr


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("model: linear", "model: lineer", "lineer"),
        ("seed: 1", "sead: 1", "sead"),
        ("panel: north", "panel: east", "components.panel is 'east'"),
        ("cohorts: config/cohorts.tsv", "cohorts: config/none.tsv", "none.tsv"),
    ],
)
def test_faulty_settings_are_refused_before_the_first_step(copied, tmp_path, before, after, said):
    text = (copied / "config" / "config.yaml").read_text()
    faulty = tmp_path / "config.yaml"
    faulty.write_text(text.replace(before, after))
    done = snakemake(copied, "--dry-run", "--configfile", str(faulty))
    assert done.returncode != 0
    assert said in done.stderr + done.stdout
