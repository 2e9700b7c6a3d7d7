"""A released model predicts like the fitted one on its grid, survives its file, and refuses other files."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.data import Codebook, synthetic_cohort
from biolab.survival import CoxPH, CoxPHCV, Design, DiscreteTimeHazard, ReleasedModel, RiskModel, Term, release
from biolab.survival.released_trees import ReleasedTrees

GRID = (6.0, 12.0, 24.0)
BOOK = Codebook.model_validate(
    {
        "patient": {"type": "text", "role": "id"},
        "time_months": {"type": "number", "unit": "month", "role": "time"},
        "event": {"type": "boolean", "role": "event"},
        "x": {"type": "number"},
        "z": {"type": "number"},
    }
)
ESTIMATORS = {
    "cox": CoxPH(),
    "ridge": CoxPHCV(strengths=[1.0, 100.0], seed=1),
    "trees": DiscreteTimeHazard(intervals=(6, 12, 24)),
}


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    frame = synthetic_cohort(301, log_hazard_ratios={"x": 0.8, "z": -0.4}, seed=3)
    return frame.with_columns(z=pl.when(pl.int_range(pl.len()) % 17 == 0).then(None).otherwise("z"))


def fitted(cohort: pl.DataFrame, name: str) -> RiskModel:
    design = Design([Term(variable="x"), Term(variable="z")], BOOK)
    return RiskModel(design, ESTIMATORS[name]).fit(cohort, (cohort["time_months"], cohort["event"]))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_release_predicts_like_the_model(cohort: pl.DataFrame, name: str) -> None:
    model = fitted(cohort, name)
    prediction = release(model, grid=GRID, horizons=(12.0,)).predict(cohort)
    exact = model.predict_survival_function(cohort, np.asarray(GRID))
    known = cohort["z"].is_not_null().to_numpy()
    if name == "trees":  # splits are rounded: who stands at one may change sides
        assert np.isclose(prediction.survival, exact, rtol=1e-9).mean() > 0.9
        return
    np.testing.assert_allclose(prediction.survival, exact, rtol=0.01)
    np.testing.assert_allclose(prediction.survival[known], exact[known], rtol=1e-9)
    np.testing.assert_allclose(prediction.risk_score[known], np.log(-np.log(exact[known, -1])), rtol=1e-8)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_file_round_trip_is_exact(cohort: pl.DataFrame, name: str, tmp_path: Path) -> None:
    released = release(fitted(cohort, name), grid=GRID, horizons=(12.0, 24.0))
    released.save(tmp_path)
    again = ReleasedModel.load(tmp_path)
    np.testing.assert_array_equal(again.predict(cohort).survival, released.predict(cohort).survival)
    assert again.table(cohort).columns == ["risk_score", "survival_12_months", "survival_24_months"]
    assert again.horizons == (12.0, 24.0)


def test_no_exact_median_and_no_event_time_is_kept(cohort: pl.DataFrame, tmp_path: Path) -> None:
    release(fitted(cohort, "cox"), grid=GRID, horizons=(12.0,)).save(tmp_path)
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    for column in ("x", "z", "time_months"):
        assert not [value for value in cohort[column].drop_nulls() if repr(value) in text]


def test_no_tree_splits_at_a_patient(cohort: pl.DataFrame) -> None:
    released = release(fitted(cohort, "trees"), grid=GRID, horizons=(12.0,))
    assert isinstance(released.hazard, ReleasedTrees)
    columns = released.design.columns_
    splits = {
        (columns[feature].variable, columns[feature].natural(threshold))
        for tree in released.hazard.trees
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True)
        if 0 <= feature < len(columns)
    }
    assert len(splits) > 20
    values = {name: cohort[name].drop_nulls().to_numpy() for name in ("x", "z")}
    assert not [name for name, split in splits if np.isclose(values[name], split, rtol=1e-9, atol=0).any()]
    assert all(np.isclose(float(f"{split:.3g}"), split) for _, split in splits)


@pytest.mark.parametrize("content", ["not json", json.dumps({"format": "something-else/9"})])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"model\.json"):
        ReleasedModel.load(tmp_path)
    with pytest.raises(ConfigError, match="not a released model"):
        ReleasedModel.load(tmp_path / "nothing")
