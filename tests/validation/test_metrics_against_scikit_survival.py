"""Brier scores, AUC and Uno's index against scikit-survival on both real cohorts.

Conventions differ in three places. scikit-survival weighs an event at t by 1 / G(t), biolab (as R and the papers) by
1 / G(t-): they only differ where an event and a censoring share a time, so both agree to rounding once such ties are
broken (censored patients a thousandth of a day later, as the convention has it), and to the third decimal before.
scikit-survival takes scores within 1e-8 for ties, biolab compares exactly: the index here is exact in binary.
Its tau is exclusive, ours inclusive.
"""

import numpy as np
import pytest
from sksurv.metrics import brier_score as peer_brier
from sksurv.metrics import concordance_index_ipcw, cumulative_dynamic_auc
from sksurv.metrics import integrated_brier_score as peer_integrated
from survival.datasets import load_gbsg, load_rotterdam

from biolab.survival import brier_score, integrated_brier_score, survival_target, time_dependent_auc, uno_c

HORIZONS = [365.0, 1095.0, 1825.0]
GRID = np.linspace(180.0, 2000.0, 60)


def _cohorts():
    r, g = ({k: np.array(v) for k, v in load().items()} for load in (load_rotterdam, load_gbsg))
    yield "rotterdam", np.where(r["recur"] == 1, r["rtime"], r["dtime"]), np.maximum(r["recur"], r["death"]) == 1, r
    yield "gbsg", g["rfstime"], g["status"] == 1, g


def _prepared(*, ties):
    for name, time, event, columns in _cohorts():
        index = np.minimum(columns["nodes"], 20) / 16 - columns["age"] / 256
        shifted = time + (0.0 if ties else 1e-3) * ~event
        yield pytest.param(shifted.astype(float), event, index, id=name)


def _survival(index, times):
    return np.exp(-np.exp(index)[:, None] * np.atleast_1d(times) / 3000)


@pytest.mark.parametrize(("time", "event", "index"), [*_prepared(ties=False)])
def test_equal_where_no_event_and_censoring_share_a_time(time, event, index):
    y = survival_target((time, event)).structured()
    grid_scores = peer_integrated(y, y, _survival(index, GRID), GRID)
    assert integrated_brier_score(time, event, _survival(index, GRID), GRID).estimate == pytest.approx(grid_scores)
    for horizon in HORIZONS:
        theirs = peer_brier(y, y, _survival(index, horizon), horizon)[1][0]
        assert brier_score(time, event, _survival(index, horizon)[:, 0], horizon).estimate == pytest.approx(theirs)
        area = cumulative_dynamic_auc(y, y, index, horizon)[0][0]
        assert time_dependent_auc(time, event, index, horizon).estimate == pytest.approx(area)
        theirs = concordance_index_ipcw(y, y, index, tau=np.nextafter(horizon, np.inf), tied_tol=0.0)[0]
        assert uno_c(time, event, index, tau=horizon).estimate == pytest.approx(theirs)


@pytest.mark.parametrize(("time", "event", "index"), [*_prepared(ties=True)])
def test_close_on_the_times_as_recorded(time, event, index):
    y = survival_target((time, event)).structured()
    theirs = peer_integrated(y, y, _survival(index, GRID), GRID)
    assert integrated_brier_score(time, event, _survival(index, GRID), GRID).estimate == pytest.approx(theirs, abs=1e-3)
    theirs = concordance_index_ipcw(y, y, index, tau=1825.5, tied_tol=0.0)[0]
    assert uno_c(time, event, index, tau=1825.0).estimate == pytest.approx(theirs, abs=1e-3)


def test_censoring_weights_of_another_sample_are_those_of_the_training_set():
    (_, train_time, train_event, _), (_, time, event, columns) = _cohorts()
    index = columns["nodes"] / 16
    time, train = time + 1e-3 * ~event, train_time + 1e-3 * ~train_event
    y, y_train = survival_target((time, event)).structured(), survival_target((train, train_event)).structured()
    theirs = concordance_index_ipcw(y_train, y, index, tau=1825.0, tied_tol=0.0)[0]
    found = uno_c(time, event, index, tau=1825.0, censoring=(train, train_event))
    # the two cohorts' recorded days coincide, so events of one meet censorings of the other
    assert found.estimate == pytest.approx(theirs, abs=1e-4)
    assert found.estimate != uno_c(time, event, index, tau=1825.0).estimate
