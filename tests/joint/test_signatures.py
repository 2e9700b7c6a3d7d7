"""Signatures find planted features, stay small enough to leave, and release nothing of the other features."""

import numpy as np
import polars as pl
import pytest

from biolab.data import Panel, feature_digest
from biolab.joint import Protocol, fit_model
from biolab.joint.example import synthetic_patients
from biolab.survival import ReleasedModel, harrell_c

from .test_shipped_protocols import EXPERIMENTS

FEATURES = tuple(f"G{number:03d}" for number in range(200))
PATIENTS = 90


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    """Return the expression protocol with 200 made-up features, of which the index names the first three."""
    whole = Protocol.load(EXPERIMENTS / "breast-expression")
    genes = Panel(label=whole.panels["genes"].label, features=FEATURES, sha256=feature_digest(FEATURES))
    index, signature = whole.models
    models = (index.model_copy(update={"features": FEATURES[:3]}), signature)
    return whole.model_copy(update={"panels": {"genes": genes}, "models": models})


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    draw = np.random.default_rng(8)
    values = draw.normal(size=(PATIENTS, len(FEATURES)))
    time = draw.exponential(30 * np.exp(-values[:, :3].sum(axis=1)))
    base = {"patient": [f"p{n}" for n in range(PATIENTS)], "months": np.minimum(time, 60) + 0.1, "event": time < 60}
    return pl.DataFrame(base).hstack(pl.DataFrame(values, schema=[f"genes.{name}" for name in FEATURES]))


def test_a_signature_is_sparse_and_finds_what_was_planted(protocol: Protocol, frame: pl.DataFrame) -> None:
    fitted = fit_model(protocol, protocol.models[1], frame, site="unc")
    assert fitted.signature is not None
    kept = fitted.signature.sort(pl.col("log_hazard_ratio").abs(), descending=True)
    assert set(kept["feature"].head(3)) == set(FEATURES[:3])
    assert kept.height <= PATIENTS / 3
    score = fitted.released.predict(frame).risk_score
    assert harrell_c(frame["months"].to_numpy(), frame["event"].to_numpy(), score).estimate > 0.75


def test_the_limit_of_parameters_is_kept_even_where_more_would_fit_better(
    protocol: Protocol, frame: pl.DataFrame
) -> None:
    tight = protocol.model_copy(
        update={"release": protocol.release.model_copy(update={"parameters_per_patient": 0.05})}
    )
    fitted = fit_model(tight, tight.models[1], frame, site="unc")
    assert fitted.signature is not None
    assert 0 < fitted.signature.height <= 0.05 * PATIENTS


def test_what_is_released_names_only_its_own_features(protocol: Protocol, frame: pl.DataFrame, tmp_path) -> None:
    fitted = fit_model(protocol, protocol.models[1], frame, site="unc")
    text = fitted.released.save(tmp_path).read_text(encoding="utf-8")
    assert fitted.signature is not None
    left_out = set(FEATURES) - set(fitted.signature["feature"])
    assert left_out
    assert not any(name in text for name in left_out)
    again = ReleasedModel.load(tmp_path)
    np.testing.assert_array_equal(again.predict(frame).risk_score, fitted.released.predict(frame).risk_score)
    example = synthetic_patients(again.design)
    assert example.columns == [f"genes.{name}" for name in fitted.signature["feature"]]
    assert again.table(example).height == 2


def test_an_index_is_the_mean_of_its_features(protocol: Protocol, frame: pl.DataFrame) -> None:
    fitted = fit_model(protocol, protocol.models[0], frame, site="unc")
    mean = frame.select(f"genes.{name}" for name in FEATURES[:3]).to_numpy().mean(axis=1)
    score = fitted.released.predict(frame).risk_score
    np.testing.assert_allclose(score - score.mean(), mean - mean.mean(), atol=1e-9)
