"""A joint experiment from files to comparison: complete, repeatable, safe to interrupt, and free of patients."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab.core import DataError, TrackingError
from biolab.joint import Comparison, Protocol, compare, plan, recorded_protocol, run_experiment
from biolab.tracking import Store, embedded_store, find_runs, store_files, store_texts

from .conftest import made_up


def test_matrix_is_complete(protocol: Protocol, comparison: Comparison) -> None:
    models, sites, metrics = len(protocol.models), 2, 4 + 2 * len(protocol.endpoint.horizons)
    assert comparison.validation.height == models * sites * sites * metrics
    assert comparison.validation["estimate"].is_finite().all()
    assert (comparison.validation["lower"] <= comparison.validation["estimate"]).all()
    assert (comparison.validation["upper"] >= comparison.validation["estimate"]).all()
    assert comparison.differences["model"].n_unique() == models - 1
    assert set(comparison.pooled["term"]) == {"age"}


def test_planted_effects_are_found(comparison: Comparison) -> None:
    found = {
        (row["model"], row["train_site"], row["test_site"]): row["estimate"]
        for row in comparison.validation.filter(pl.col("metric") == "harrell_c").iter_rows(named=True)
    }
    for train, test in (("north", "south"), ("south", "north")):
        assert found["ridge", train, test] > found["age", train, test] + 0.03
        assert found["ridge", train, test] > 0.62


def test_runs_stand_in_mlflow_as_designed(protocol: Protocol, store: Store, comparison: Comparison) -> None:
    runs = find_runs(store, protocol="made-up", status=None, latest=False)
    roles = pl.Series([run.role for run in runs]).value_counts().rows()
    assert dict(roles) == {"site": 2, "model": 6, "validation": 6}
    assert {run.experiment for run in runs} == {"biolab/made-up"}
    assert {run.status for run in runs} == {"FINISHED"}
    assert {run.protocol_sha256 for run in runs} == {protocol.sha256}
    parents = {run.run_id for run in runs if run.role == "site"}
    assert {run.parent_id for run in runs if run.role == "model"} == parents
    assert all(
        f"{name}.{end}" in run.metrics
        for run in runs
        if run.role == "validation"
        for name in ("harrell_c", "uno_c")
        for end in ("lower", "upper")
    )
    assert comparison.runs.height == len(runs)


def test_no_patient_is_anywhere_in_the_store(store: Store, comparison: Comparison) -> None:
    assert comparison.cohorts["patients"].sum() > 500
    needles = set()
    for seed in (1, 2):
        frame = made_up(seed)
        needles |= set(frame["patient"])
        for column in ("age", "marker", "time_months"):
            needles |= {f"{value:.9f}"[:10] for value in frame[column].drop_nulls()}
    text = "\n".join(found.text for found in store_texts(store))
    raw = [path.read_bytes().decode("latin-1") for path in store_files(store)]
    assert len(raw) > 60
    haystack = pl.Series(["\n".join([text, *raw])])
    assert haystack.str.extract_many(sorted(needles)).to_list() == [[]]
    assert haystack.str.extract_many(["north", *needles]).list.unique().to_list() == [["north"]]


def test_the_search_for_patients_would_find_one(store: Store, comparison: Comparison) -> None:
    raw = "".join(path.read_bytes().decode("latin-1") for path in store_files(store))
    estimate = comparison.validation["estimate"][0]
    assert f"{estimate:.9f}"[:10] in raw
    assert re.search(r"\bnorth\b", raw)


def test_interrupted_run_is_failed_and_the_next_gives_identical_numbers(
    protocol: Protocol, files: dict[str, Path], comparison: Comparison, tmp_path: Path
) -> None:
    store, steps = embedded_store(tmp_path), []
    two = protocol.model_copy(update={"models": protocol.models[:2]})
    of_two = pl.col("model").is_in([spec.name for spec in two.models])

    def stop(step: str) -> None:
        if "releasing ridge" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(two, store, files=files, advance=stop)
    states = {(run.role, run.status) for run in find_runs(store, protocol="made-up", status=None, latest=False)}
    assert ("site", "FAILED") in states
    assert ("site", "FINISHED") not in states
    with pytest.raises(TrackingError, match="No site has a complete run"):
        compare(two, store)
    again = run_experiment(two, store, files=files, advance=steps.append)
    assert len(steps) == plan(two).total
    for name in ("validation", "differences", "coefficients", "pooled", "calibration", "survival_curves", "cohorts"):
        whole = getattr(comparison, name)
        assert getattr(again, name).equals(whole.filter(of_two) if "model" in whole.columns else whole), name


def test_protocol_is_read_back_from_the_store(protocol: Protocol, store: Store, comparison: Comparison) -> None:
    assert recorded_protocol("made-up", store).sha256 == protocol.sha256 == comparison.protocol.sha256
    with pytest.raises(TrackingError, match="Run the experiment first"):
        recorded_protocol("other", store)


def test_runs_of_another_protocol_are_never_compared(protocol: Protocol, store: Store, comparison: Comparison) -> None:
    with pytest.raises(TrackingError, match="No site has a complete run"):
        compare(protocol.with_seed(99), store)


def test_bad_data_stop_before_anything_is_written(protocol: Protocol, files: dict[str, Path], tmp_path: Path) -> None:
    frame = pl.read_csv(files["north"]).with_columns(
        time_days=pl.when(pl.int_range(pl.len()) == 6).then(-3.0).otherwise("time_days")
    )
    frame.write_csv(tmp_path / "north.csv")
    store = embedded_store(tmp_path / "out")
    with pytest.raises(DataError, match=r"north\.csv.*row 7.*time_days") as caught:
        run_experiment(protocol, store, files=files | {"north": tmp_path / "north.csv"})
    assert "CANARY" not in str(caught.value)
    assert find_runs(store, protocol="made-up", status=None, latest=False) == []


def test_model_survives_the_way_through_mlflow(
    protocol: Protocol, files: dict[str, Path], store: Store, comparison: Comparison
) -> None:
    from biolab.joint import fit_model, load_cohort
    from biolab.survival import ReleasedModel
    from biolab.tracking import load_released

    cohort = load_cohort(protocol, "north", file=files["north"])
    runs = find_runs(store, protocol="made-up", role="model", site="north")
    for run in runs:
        spec = next(spec for spec in protocol.models if spec.name == run.model)
        stored = ReleasedModel.load(load_released(store, run.run_id)).predict(cohort.frame)
        fresh = fit_model(protocol, spec, cohort.frame, site="north").released.predict(cohort.frame)
        np.testing.assert_array_equal(stored.survival, fresh.survival)
    assert len(runs) == 3
