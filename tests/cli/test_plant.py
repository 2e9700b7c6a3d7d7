"""``biolab plant``: a batch from the command line to its record, and what goes wrong on the way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from biolab.bioprocess import BatchRecord, Recipe, batch_record
from biolab.bioprocess.faults import JacketFailure, ProbeDrift
from biolab.cli import main

from ..bioprocess.made_up_batch import made_up_batch  # noqa: TID252

ANSWERS = (
    "--impact",
    "none",
    "--root-cause",
    "electrode",
    "--corrective-action",
    "calibrated",
    "--preventive-action",
    "plan",
)


def code_of(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


def test_recipes_are_listed(capsys):
    assert code_of("plant", "recipes", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == [
        "cho-standard", "cho-temperature-shift", "ecoli-standard",
    ]  # fmt: skip
    assert code_of("plant", "recipes") == 0
    assert "CHO fed-batch" in capsys.readouterr().out


def test_a_recipe_is_checked(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text(Recipe.load("cho-standard").to_toml(), encoding="utf-8")
    assert code_of("plant", "check", file) == 0
    assert "a recipe that can be followed" in capsys.readouterr().out
    file.write_text(file.read_text(encoding="utf-8").replace("0.12", "0.9"), encoding="utf-8")
    assert code_of("plant", "check", file) == 3
    assert "the vessel holds vessel.max_volume_l = 5" in capsys.readouterr().err


def test_a_record_is_verified_assessed_and_reviewed(tmp_path, capsys):
    record = batch_record(made_up_batch(ph_drift_per_h=0.003), author="kim")
    folder = record.save(tmp_path / "record")
    assert code_of("plant", "verify", folder, "--head", record.trail.head, "--json") == 0
    assert json.loads(capsys.readouterr().out)["deviations"][0]["id"] == "DEV-001"
    assert code_of("plant", "review", folder, "--reviewer", "lee", "--decision", "approve", "--why", "fine") == 3
    assert "DEV-001 not assessed" in capsys.readouterr().err
    assert code_of("plant", "assess", folder, "DEV-001", "--who", "kim", *ANSWERS) == 0
    assert code_of("plant", "review", folder, "--reviewer", "kim", "--decision", "approve", "--why", "fine") == 3
    assert code_of("plant", "review", folder, "--reviewer", "lee", "--decision", "approve", "--why", "fine") == 0
    assert BatchRecord.load(folder).status == "approved"
    trail = folder / "trail.jsonl"
    trail.write_text(trail.read_text(encoding="utf-8").replace("electrode", "nothing"), encoding="utf-8")
    capsys.readouterr()
    assert code_of("plant", "verify", folder) == 3
    assert "its content was changed" in capsys.readouterr().err


def test_a_batch_is_run_and_published(tmp_path, capsys, monkeypatch):
    asked = {}

    def made_up(plant, recipe, *, hours, faults, seed):
        asked.update(plant=plant.name, recipe=recipe.name, hours=hours, faults=faults, seed=seed)
        return replace(made_up_batch(ph_drift_per_h=0.003), seed=seed, faults=faults)

    monkeypatch.setattr("biolab.bioprocess.simulate", made_up)
    fault = "probe-drift:probe=ph,start_h=120,per_h=0.003"
    file = tmp_path / "faults.toml"
    file.write_text("[[faults]]\nkind = 'jacket-failure'\nstart_h = 60\n", encoding="utf-8")
    words = (
        "--fault",
        fault,
        "--faults",
        file,
        "--seed",
        "3",
        "--operator",
        "kim",
        "--output",
        tmp_path,
        "--language",
        "ko",
        "--json",
    )
    assert code_of("plant", "run", "cho-standard", *words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (asked["plant"], asked["hours"], asked["seed"]) == ("cho-fed-batch", 336.0, 3)
    assert asked["faults"] == (ProbeDrift(probe="ph", start_h=120.0, per_h=0.003), JacketFailure(start_h=60))
    assert said["batch"] == "cho-standard-3"
    assert said["deviations"][0]["what"] == "ph"
    folder = Path(said["folder"])
    assert {"batch.ko.svg", "deviations.ko.md", "trail.jsonl"} <= {file.name for file in folder.iterdir()}
    BatchRecord.load(folder).verify(head=said["head"])


def test_what_cannot_be_run_is_said(tmp_path, capsys):
    assert code_of("plant", "run", "cho-standart", "--output", tmp_path) == 3
    assert "Did you mean 'cho-standard'" in capsys.readouterr().err
    assert code_of("plant", "run", "cho-standard", "--fault", "probe-drif:probe=ph", "--output", tmp_path) == 3
    assert "Did you mean 'probe-drift'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # compiles the plant
def test_a_real_batch_from_the_command_line_leaves_the_same_record_twice(tmp_path, capsys):
    fault = ("--fault", "jacket-failure:start_h=60,end_h=72", "--fault", "tampered-record:target=rewriting")
    heads = []
    for folder in ("a", "b"):
        assert (
            code_of("plant", "run", "cho-standard", *fault, "--hours", "96", "--output", tmp_path / folder, "--json")
            == 0
        )
        said = json.loads(capsys.readouterr().out)
        heads.append(said["head"])
    assert heads[0] == heads[1]
    assert code_of("plant", "verify", said["folder"]) == 0
    capsys.readouterr()
    assert code_of("plant", "verify", said["folder"], "--head", said["head"]) == 3
    assert "cut or rewritten" in capsys.readouterr().err
