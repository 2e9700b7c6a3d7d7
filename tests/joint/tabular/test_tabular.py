"""A class and a number go the whole way: run, validation, comparison, subgroups and page, on two real cohorts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score

from biolab.core import ConfigError, FitError
from biolab.joint import (
    Comparison,
    Protocol,
    compare,
    create_identity,
    export_site,
    import_bundle,
    load_cohort,
    load_lock,
    lock_protocol,
    run_experiment,
    sign_runs,
)
from biolab.joint.disclosure import check, rules_of
from biolab.joint.endpoints import Endpoint
from biolab.joint.model_specs import BoostedTreesSpec, RidgeSpec
from biolab.joint.tabular import ReleasedTabular, cross_validated, fit_tabular, judge_tabular, outcome_values
from biolab.reports import page
from biolab.tracking import Store, embedded_store, find_runs, load_released

from ..test_shipped_protocols import EXPERIMENTS  # noqa: TID252


def write_experiment(folder: Path, kind: str) -> Path:
    """Write the shipped classification protocol, quicker (fewer draws, no trees, two strengths), or one of a number."""
    text = (EXPERIMENTS / "breast-grade" / "protocol.toml").read_text(encoding="utf-8")
    trees, data = text.index('[[models]]\nkind = "boosted_trees"'), text.index("[codebook.patient]")
    text = text[:trees] + text[data:]
    text = text.replace("replicates = 500", "replicates = 100")
    text = text.replace('kind = "logistic"\n', 'kind = "logistic"\nstrengths = [1.0, 10.0]\n')
    if kind == "number":
        text = text.replace('kind = "binary"', 'kind = "number"').replace('kind = "logistic"', 'kind = "ridge"')
        text = text.replace('variable = "grade"\npositive = "3"', 'variable = "er"')
        text = text.replace(', { variable = "er", transform = "log1p" }', "")
        text = text.replace('  { variable = "er", transform = "log1p" },\n', "")
    folder.mkdir(parents=True)
    (folder / "protocol.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_experiment(tmp_path_factory.mktemp("experiments") / "breast-grade", "binary")


@pytest.fixture(scope="module")
def grade(experiment: Path) -> Protocol:
    """Return the shipped classification protocol, quicker."""
    return Protocol.load(experiment)


@pytest.fixture(scope="module")
def receptor() -> Protocol:
    """Return a regression on the same cohorts: the oestrogen receptor from age and the progesterone receptor."""
    whole = Protocol.load(EXPERIMENTS / "breast-grade")
    text = {"en": "x", "ko": "x"}
    named = {"label": text, "description": text}
    terms = [{"variable": "age"}, {"variable": "pgr", "transform": "log1p"}]
    trees = {"iterations": [30], "leaves": [4], "terms": terms, "name": "trees", "kind": "boosted_trees", **named}
    content = whole.model_dump(mode="json") | {
        "endpoint": {"kind": "number", "label": text, "variable": "er"},
        "models": [{"kind": "ridge", "name": "receptors", "terms": terms, **named}, trees],
        "evaluation": whole.evaluation.model_dump() | {"replicates": 100},
    }
    return Protocol.model_validate(content)


def of_a_class(protocol: Protocol) -> Protocol:
    """Return the same trees for a class: whether the grade is the highest."""
    whole = Protocol.load(EXPERIMENTS / "breast-grade")
    trees = protocol.model_dump(mode="json")["models"][1]
    content = whole.model_dump(mode="json") | {"models": [whole.models[0].model_dump(mode="json"), trees]}
    return Protocol.model_validate(content)


@pytest.fixture(scope="module")
def grade_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return embedded_store(tmp_path_factory.mktemp("grade"))


@pytest.fixture(scope="module")
def found(grade: Protocol, grade_store: Store) -> Comparison:
    return run_experiment(grade, grade_store)


@pytest.mark.slow
def test_discrimination_travels_and_probabilities_do_not(found: Comparison) -> None:
    value = {
        (row["metric"], row["train_site"], row["test_site"]): row["estimate"]
        for row in found.validation.filter(model="logistic").iter_rows(named=True)
    }
    assert value["auc", "rotterdam", "gbsg"] > value["auc", "gbsg", "gbsg"] - 0.03
    assert value["observed_expected", "rotterdam", "gbsg"] < 0.5
    assert value["observed_expected", "gbsg", "rotterdam"] > 2
    assert value["observed_expected", "gbsg", "gbsg"] == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_the_released_model_judged_abroad_is_the_one_in_the_store(
    grade: Protocol, found: Comparison, grade_store: Store
) -> None:
    runs = find_runs(grade_store, protocol="breast-grade", role="model", site="rotterdam")
    model = ReleasedTabular.load(
        load_released(grade_store, next(run.run_id for run in runs if run.model == "logistic"))
    )
    cohort = load_cohort(grade, "gbsg")
    auc = roc_auc_score(outcome_values(grade, cohort.frame), model.predict(cohort.frame))
    told = found.validation.filter(model="logistic", metric="auc", train_site="rotterdam", test_site="gbsg")
    assert told["estimate"][0] == pytest.approx(auc, abs=1e-12)


@pytest.mark.slow
def test_subgroups_are_judged_with_intervals_and_against_the_rest(found: Comparison) -> None:
    young = found.subgroups.filter(
        model="logistic", metric="auc", subgroup="<50", train_site="rotterdam", test_site="gbsg"
    ).row(0, named=True)
    assert young["patients"] == 268
    assert young["lower"] < young["estimate"] < young["upper"]
    assert found.subgroup_differences["adjusted_p_value"].drop_nulls().is_between(0, 1).all()


@pytest.mark.slow
def test_the_page_of_a_class_has_no_survival_and_says_what_its_measures_mean(found: Comparison) -> None:
    english = page(found)
    assert 'id="survival"' not in english
    assert "Of a patient who has the outcome and one who has not" in english
    assert "Age group: 50–&lt;65" in english
    assert "모두에게 똑같이 맞는가" in page(found, language="ko")


def carried(folder: Path, store: Store, place: Path) -> Comparison:
    """Lock the protocol, sign each site's runs, send them as bundles and compare what another store took in."""
    chair = create_identity("chair", place / "chair")
    lock = lock_protocol(folder, chair, unsigned_sites=True).lock
    assert load_lock(folder, coordinator_key=chair.public_key).protocol.sha256 == lock.latest.sha256
    name, joint, keys = lock.protocol.name, embedded_store(place / "joint"), {}
    people = {site: create_identity(site, place / site) for site in lock.protocol.sites}
    for site, identity in people.items():  # validations name the signed runs of the others' models
        runs = find_runs(store, protocol=name, site=site, latest=False)
        sign_runs(store, [run.run_id for run in runs if run.role != "validation"], identity)
        keys[site] = identity.public_key
    for site, identity in people.items():
        bundle = place / f"{site}.zip"
        assert export_site(store, name, identity, bundle, folder=place / site).traced
        import_bundle(joint, bundle, lock, keys=keys)
    found = compare(lock.protocol, joint, keys=keys)
    assert set(found.verdicts["state"]) == {"verified"}
    assert found.missing.is_empty()
    return found


@pytest.mark.slow
def test_a_class_goes_through_lock_bundle_import_and_compare(
    experiment: Path, found: Comparison, grade_store: Store, tmp_path: Path
) -> None:
    there = carried(experiment, grade_store, tmp_path)
    assert there.metrics == found.metrics
    for table in ("validation", "differences", "calibration", "subgroups", "cohorts"):
        assert_frame_equal(getattr(there, table), getattr(found, table), check_exact=True, check_row_order=False)


@pytest.mark.slow
def test_a_number_goes_through_lock_bundle_import_and_compare(tmp_path: Path) -> None:
    folder = write_experiment(tmp_path / "breast-grade", "number")
    store = embedded_store(tmp_path / "store")
    found = run_experiment(Protocol.load(folder), store)
    assert carried(folder, store, tmp_path).metrics == found.metrics
    assert "r2/receptors/rotterdam_to_gbsg" in found.metrics


def test_a_number_is_predicted_released_and_judged(receptor: Protocol, tmp_path) -> None:
    assert isinstance(receptor.models[0], RidgeSpec)
    home, abroad = (load_cohort(receptor, site) for site in ("rotterdam", "gbsg"))
    predictions = {}
    for spec in receptor.models:
        assert isinstance(spec, RidgeSpec | BoostedTreesSpec)
        model = fit_tabular(receptor, spec, home.frame, seed=1)
        model.save(tmp_path)
        predictions[spec.name] = ReleasedTabular.load(tmp_path).predict(abroad.frame)
        np.testing.assert_array_equal(predictions[spec.name], model.predict(abroad.frame))
    evaluation = judge_tabular(receptor, abroad, predictions, test_site="gbsg")
    assert set(evaluation.table()["metric"]) == {"r2", "rmse", "mae", "calibration_slope"}
    assert evaluation.estimate("receptors", "mae").estimate > 10
    inside = cross_validated(receptor, receptor.models[0], home, site="rotterdam")
    assert np.corrcoef(inside, outcome_values(receptor, home.frame))[0, 1] > 0.2


def test_released_trees_are_those_of_scikit_learn_where_splits_are_short(receptor: Protocol) -> None:
    spec = receptor.models[1]
    assert isinstance(spec, BoostedTreesSpec)
    age = spec.model_copy(update={"terms": spec.terms[:1]})  # whole years split at halves: three digits say them
    cohort = load_cohort(receptor, "gbsg")
    model = fit_tabular(receptor, age, cohort.frame, seed=7)
    matrix = model.design.transform(cohort.frame)
    trees = HistGradientBoostingRegressor(
        max_iter=30, max_leaf_nodes=4, learning_rate=0.05, min_samples_leaf=20, max_bins=32, early_stopping=False,
        random_state=7,
    ).fit(matrix, outcome_values(receptor, cohort.frame))  # fmt: skip
    np.testing.assert_allclose(model.predict(cohort.frame), trees.predict(matrix), rtol=1e-10)


@pytest.mark.parametrize("kind", ["binary", "number"])
def test_released_trees_split_at_no_patients_value(receptor: Protocol, tmp_path: Path, kind: str) -> None:
    protocol = receptor if kind == "number" else of_a_class(receptor)
    spec = protocol.models[1]
    assert isinstance(spec, BoostedTreesSpec)
    cohort = load_cohort(protocol, "gbsg")
    model = fit_tabular(protocol, spec, cohort.frame, seed=7)
    splits = {
        model.design.columns_[feature].natural(threshold)
        for tree in model.trees
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True)
        if feature >= 0
    }
    assert max(splits) > 100
    assert all(value == pytest.approx(float(f"{value:.3g}"), rel=1e-9) for value in splits)
    model.save(tmp_path)
    rules = replace(rules_of(protocol), cohort_size=cohort.patients)
    assert check(tmp_path, rules) == ()


def test_an_outcome_that_does_not_vary_cannot_be_fitted(receptor: Protocol) -> None:
    cohort = load_cohort(receptor, "gbsg")
    with pytest.raises(FitError, match="varies too little"):
        fit_tabular(receptor, receptor.models[0], cohort.frame.head(3), seed=1)


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "binary", "label": "x", "variable": "grade"},
        {"kind": "number", "label": "x"},
        {"kind": "number", "label": "x", "variable": "er", "horizons": [12], "tau": 12},
        {"kind": "survival", "label": "x", "variable": "er"},
        {"label": "x"},
    ],
)
def test_an_endpoint_fits_its_kind(content: dict) -> None:
    with pytest.raises((ValueError, ConfigError)):
        Endpoint.model_validate(content)


@pytest.mark.slow
def test_the_page_of_a_number_speaks_of_numbers(receptor: Protocol, tmp_path) -> None:
    found = run_experiment(receptor, embedded_store(tmp_path))
    assert found.best.metric == "r2"
    assert set(found.meta.pooled["metric"]) == {"r2", "calibration_slope"}
    english = page(found)
    assert 'id="survival"' not in english
    assert "Patients are grouped by what was predicted" in english
    assert "rank" not in english.partition('id="methods"')[0].partition("<body>")[2].lower()
    assert "묶음" in page(found, language="ko")
