"""A site with too few events is withheld, not fatal; what the others know is pooled without rows."""

import numpy as np
import polars as pl
import pytest

from biolab.joint import Comparison, Protocol, load_cohort, pool_predictions, run_experiment, transport
from biolab.joint.outcomes import outcome_kind
from biolab.reports import legend_of, page, plates
from biolab.survival import ReleasedModel
from biolab.tracking import Store, embedded_store, find_runs, load_released, store_texts

from .test_shipped_protocols import EXPERIMENTS

SITES = ("inst-01", "inst-12", "inst-13", "inst-33")


@pytest.fixture(scope="module")
def lung() -> Protocol:
    """Return the lung protocol with three larger institutions and a tiny one, and one model."""
    whole = Protocol.load(EXPERIMENTS / "lung-ncctg")
    rules = whole.evaluation.model_copy(update={"replicates": 100})
    sites = {name: whole.sites[name] for name in SITES}
    return whole.model_copy(update={"sites": sites, "evaluation": rules, "models": whole.models[:1]})


@pytest.fixture(scope="module")
def lung_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return embedded_store(tmp_path_factory.mktemp("lung"))


@pytest.fixture(scope="module")
def found(lung: Protocol, lung_store: Store) -> Comparison:
    return run_experiment(lung, lung_store)


def test_the_tiny_site_is_named_and_nothing_of_it_is_shown(found: Comparison, lung_store: Store) -> None:
    assert found.withheld.rows() == [("inst-33", None, "events")]
    assert set(found.cohorts["site"]) == set(SITES[:3])
    for name in ("characteristics", "flow", "survival_curves", "at_risk", "coefficients"):
        assert "inst-33" not in set(getattr(found, name)["site"])
    run = find_runs(lung_store, protocol="lung-ncctg", role="site", site="inst-33")[0]
    assert dict(run.metrics) == {}
    texts = [told.text for told in store_texts(lung_store) if run.run_id in str(told)]
    assert not any("patients" in text and '"data"' in text for text in texts)


def test_models_of_all_others_are_pooled_by_averaging_log_hazards(
    lung: Protocol, found: Comparison, lung_store: Store
) -> None:
    trained = found.validation.filter(model="ecog", metric="harrell_c")["train_site"].to_list()
    assert sorted(trained) == sorted([*SITES[:3], *["others"] * 3])
    cohort = load_cohort(lung, "inst-13")
    runs = [find_runs(lung_store, protocol="lung-ncctg", role="model", site=site) for site in SITES[:2]]
    models = [next(run for run in several if run.model == "ecog") for several in runs]
    members = [ReleasedModel.load(load_released(lung_store, run.run_id)) for run in models]
    patients = dict(found.cohorts.select("site", "patients").iter_rows())
    pooled = pool_predictions(
        [member.predict(cohort.frame) for member in members], np.array([patients[site] for site in SITES[:2]], float)
    )
    evaluation = outcome_kind(lung).judge(cohort, {"ecog": pooled}, test_site="inst-13")
    told = found.validation.filter(model="ecog", metric="harrell_c", train_site="others", test_site="inst-13")
    assert evaluation.estimate("ecog", "harrell_c").estimate == pytest.approx(told["estimate"][0], abs=1e-12)


def test_counts_that_would_give_the_censored_away_are_withheld(found: Comparison) -> None:
    first = found.cohorts.filter(site="inst-01").row(0, named=True)
    assert (first["patients"], first["events"], first["median_follow_up"]) == (36, None, None)


def test_the_page_says_what_was_withheld(found: Comparison) -> None:
    drawn = plates(found, legend_of(found))
    assert "Fewer than 10 events" in page(found, drawn=drawn)
    assert "공개하지 않은 것" in page(found, language="ko", drawn=drawn)


def test_transport_keeps_the_error_of_one_cohort_however_many_models_it_judges() -> None:
    rows = [("m", train, "b", "harrell_c", 0.7, 0.04) for train in ("a", "c", "d")]
    columns = ["model", "train_site", "test_site", "metric", "estimate", "standard_error"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(horizon=pl.lit(None, dtype=pl.Float64))
    one, three = (transport(part).row(0, named=True) for part in (frame.head(1), frame))
    assert (three["setting"], three["directions"], three["test_sites"]) == ("abroad", 3, 1)
    assert (one["lower"], one["upper"]) == pytest.approx((three["lower"], three["upper"]))
    assert one["estimate"] == pytest.approx(0.7)
