"""Imputed dosages: whole ones give what calls give, others the sums written out, whatever the blocks."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import genotypes as gt
from biolab.core import DataError
from biolab.genotypes import dosages as module

from .draws import drawn


def both(m=14, n=40, seed=1, **frames):
    dosage = drawn(m, n, seed, missing=0.1)
    return gt.genotypes_from_dosage(dosage, **frames), gt.dosages_from_array(dosage, **frames)


def weights_of(genotypes, seed):
    generator = np.random.default_rng(seed)
    swap = pl.Series(generator.random(genotypes.variants.height) < 0.5)
    return genotypes.variants.select(
        "variant_id",
        effect_allele=pl.when(swap).then("other_allele").otherwise("effect_allele"),
        w0=pl.Series(generator.normal(size=genotypes.variants.height)),
        w1=pl.Series(generator.normal(size=genotypes.variants.height)),
    )


def numbers(frame):
    return frame.select(pl.selectors.numeric()).cast(pl.Float64).to_numpy()


def people_of(genotypes, seed=2):
    generator, n = np.random.default_rng(seed), genotypes.samples.height
    return genotypes.samples.select("iid").with_columns(
        y=pl.Series(generator.normal(size=n)),
        age=pl.Series(generator.normal(55, 9, size=n)),
        case=pl.Series(generator.integers(2, size=n)),
        time=pl.Series(generator.exponential(size=n)),
    )


@pytest.mark.parametrize("missing", ["mean", "zero"])
@pytest.mark.parametrize("scaling", [None, "center", "standardize"])
@pytest.mark.parametrize("plink_compatible", [False, True])
def test_scores_of_whole_dosages_are_those_of_calls(missing, scaling, plink_compatible):
    calls, dosages = both()
    options = {"missing": missing, "scaling": scaling, "plink_compatible": plink_compatible}
    for given_frequencies in (None, gt.allele_frequency(dosages).table()):
        one, two = (
            gt.score(source, weights_of(calls, 3), frequencies=given_frequencies, **options)
            for source in (calls, dosages)
        )
        np.testing.assert_allclose(numbers(two.scores), numbers(one.scores), rtol=1e-11, atol=1e-11)
        assert two.matching.equals(one.matching)


def test_scores_of_parts_of_copies_are_the_sums_written_out():
    generator = np.random.default_rng(5)
    dosage = generator.uniform(0, 2, size=(9, 7))
    dosage[2, 3] = np.nan
    made = gt.dosages_from_array(dosage)
    weights = weights_of(made, 4)
    x = np.where((weights["effect_allele"] == "A").to_numpy()[:, None], dosage, 2 - dosage)
    x[2, 3] = np.nanmean(x[2])
    found = gt.score(made, weights).scores
    np.testing.assert_allclose(found["w0"], x.T @ weights["w0"].to_numpy(), rtol=1e-12)
    assert found["allele_count"].to_list() == [18, 18, 18, 16, 18, 18, 18]


SEXED = {
    "variants": pl.DataFrame({"chromosome": ["1"] * 5 + ["X"] * 3 + ["Y"] * 3 + ["MT"] * 3}),
    "samples": pl.DataFrame({"sex": ["male", "female", None, "female"] * 10}),
}


@pytest.mark.parametrize("model", ["linear", "logistic", "cox"])
@pytest.mark.parametrize("missing", ["complete", "mean"])
def test_scans_of_whole_dosages_are_those_of_calls(model, missing):
    calls, dosages = both()
    outcome = {"linear": "y", "logistic": "case", "cox": ("time", "case")}[model]
    people = people_of(calls)[3:]
    one, two = (
        gt.associate(source, people, outcome=outcome, covariates=["age"], model=model, missing=missing)
        for source in (calls, dosages)
    )
    assert two["reason"].to_list() == one["reason"].to_list()
    np.testing.assert_allclose(numbers(two), numbers(one), rtol=1e-9, atol=1e-12)


def test_frequencies_count_copies_by_sex():
    calls, dosages = both(**SEXED)
    male = (calls.samples["sex"] == "male").fill_null(value=False).to_numpy()
    found = gt.allele_frequency(dosages).counts
    x, known = np.nan_to_num(dosages.dosage()), ~np.isnan(dosages.dosage())
    copies = {"1": np.full(40, 2), "X": 2 - male, "Y": 1 * male, "MT": np.ones(40)}
    for j, chromosome in enumerate(calls.variants["chromosome"]):
        assert found.observed[j] == known[j] @ copies[chromosome]
        assert found.effect[j] == pytest.approx(x[j] @ copies[chromosome] / 2)
    plain = gt.allele_frequency(calls).counts
    np.testing.assert_allclose(found.frequency[:5], plain.frequency[:5], rtol=1e-14)
    assert found.missing.tolist() == plain.calls[:, 3].tolist()
    assert np.isnan(found.imputation_r2[5:]).all()


def test_imputation_r2_is_one_where_proportions_are_those_of_hardy_and_weinberg():
    genotypes = np.repeat([0.0, 1, 2], [25, 50, 25])
    r2 = gt.allele_frequency(gt.dosages_from_array([genotypes, 1 + 0.5 * (genotypes - 1), np.ones(100)])).counts
    np.testing.assert_allclose(r2.imputation_r2, [1, 0.25, 0], atol=1e-15)
    assert (
        gt.allele_frequency(gt.dosages_from_array([[0.0, 0], [2, 2]])).table()["imputation_r2"].to_list() == [None] * 2
    )


def test_frequencies_and_scores_are_of_founders():
    samples = pl.DataFrame({"iid": ["a", "b", "c"], "fid": ["f"] * 3, "father": [None, None, "a"]})
    made = gt.dosages_from_array([[0.5, 1.5, 2.0], [0.1, np.nan, 2.0]], samples=samples)
    assert gt.allele_frequency(made).counts.frequency == pytest.approx([0.5, 0.05])
    assert gt.allele_frequency(made, founders_only=False).counts.frequency == pytest.approx([4 / 6, 2.1 / 4])
    weights = made.variants.select("variant_id", "effect_allele", w=pl.lit(1.0))
    assert gt.score(made, weights).scores["w"].to_list() == pytest.approx([0.6, 1.6, 4.0])


def test_blocks_change_nothing(monkeypatch):
    calls, dosages = both()
    weights, people = weights_of(calls, 3), people_of(calls)

    def everything():
        return [
            numbers(gt.allele_frequency(dosages).table()),
            numbers(gt.score(dosages, weights, scaling="standardize").scores),
            numbers(gt.associate(dosages, people, outcome="y")),
            numbers(gt.linear_statistics(dosages, people, outcome="y").table()),
        ]

    whole = everything()
    monkeypatch.setattr(module.Dosages.blocks, "__kwdefaults__", {"block_bytes": 3 * 4 * 40})
    assert sum(1 for _ in dosages.blocks()) == 5
    for one, two in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-12, atol=1e-12)


@settings(derandomize=True, max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(9)))
def test_selections_are_those_of_the_matrix(seed, order):
    dosage = drawn(12, 9, seed) * 0.9
    made = gt.dosages_from_array(dosage)
    kept = made.select(variants=["v9", "v2", "v4"]).select(samples=order)
    assert kept.variants["variant_id"].to_list() == ["v2", "v4", "v9"]  # in the file's order
    np.testing.assert_array_equal(kept.dosage(), dosage[[1, 3, 8]][:, order].astype(np.float32))
    np.testing.assert_array_equal(
        kept.dosage(pl.col("position") > 3, [kept.samples["iid"][2]]), dosage[[3, 8]][:, [order[2]]].astype(np.float32)
    )
    assert repr(kept) == "Dosages(3 variants of 9 samples)"


def test_what_dosages_cannot_be_used_for_is_said():
    dosages = gt.dosages_from_array([[0.1, 1.2, 0.3], [1.0, 2.0, 0.0]])
    for step in (gt.hardy_weinberg, gt.missingness, gt.pca, gt.prune, gt.kinship):
        with pytest.raises(DataError, match=r"imputed dosages, .* this step takes hard calls"):
            step(dosages)
    with pytest.raises(DataError, match=r"A dosage is 2\.1; expected 0 to 2"):
        gt.dosages_from_array([[2.1]])
    with pytest.raises(DataError, match=r"The frame of samples has 1 rows; dosage has 2 samples"):
        gt.dosages_from_array([[2, 1]], samples=pl.DataFrame({"iid": ["a"]}))
