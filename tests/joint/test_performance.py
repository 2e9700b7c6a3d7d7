"""Internal performance is out of fold: models never see the patients they are judged on."""

import numpy as np
import polars as pl

from biolab.data import Cohort
from biolab.joint import Protocol, cross_validated_predictions, fit_model, judge
from biolab.joint.performance import calibration_table


def quiet(_: str) -> None:
    """Say nothing."""


def test_predictions_do_not_depend_on_the_own_outcome(protocol: Protocol, north: Cohort) -> None:
    spec = protocol.models[0]
    one = protocol.model_copy(update={"models": (spec,)})
    before = cross_validated_predictions(one, north, "north", advance=quiet)[spec.name].risk_score
    times = north.frame["months"].to_numpy().copy()
    times[7] *= 0.5
    changed = Cohort(frame=north.frame.with_columns(months=times), flow=north.flow, codebook=north.codebook)
    after = cross_validated_predictions(one, changed, "north", advance=quiet)[spec.name].risk_score
    assert before[7] == after[7]
    assert (before != after).any()


def test_folds_are_judged_by_models_of_the_other_folds(protocol: Protocol, north: Cohort) -> None:
    spec = protocol.models[0]
    one = protocol.model_copy(update={"models": (spec,)})
    out_of_fold = cross_validated_predictions(one, north, "north", advance=quiet)[spec.name]
    everybody = fit_model(protocol, spec, north.frame, site="north").released.predict(north.frame)
    assert not np.allclose(out_of_fold.survival, everybody.survival, rtol=1e-6)
    np.testing.assert_allclose(out_of_fold.survival, everybody.survival, atol=0.1)


def test_draws_are_those_of_the_cohort_not_of_the_models(protocol: Protocol, north: Cohort) -> None:
    predictions = {
        spec.name: fit_model(protocol, spec, north.frame, site="north").released.predict(north.frame)
        for spec in protocol.models[:2]
    }
    both = judge(protocol, north, predictions, test_site="north").table()
    reference = {name: predictions[name] for name in [protocol.evaluation.reference]}
    alone = judge(protocol, north, reference, test_site="north").table()
    assert both.filter(pl.col("model") == protocol.evaluation.reference).equals(alone)


def test_calibration_groups_cover_the_cohort(protocol: Protocol, north: Cohort) -> None:
    prediction = fit_model(protocol, protocol.models[1], north.frame, site="north").released.predict(north.frame)
    table = calibration_table(protocol, north, prediction)
    assert table.group_by("horizon").agg(pl.col("patients").sum())["patients"].to_list() == [north.patients] * 2
    assert table["predicted"].is_between(0, 1).all()
    assert "events" not in table.columns
