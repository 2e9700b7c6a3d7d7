"""Scans: least squares written out, sites pooled, and what must not change them. R and PLINK: tests/validation."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError, DataError, FitError
from biolab.genotypes import associate, combine, genomic_inflation, genotypes_from_dosage, linear_statistics

from .draws import drawn

LONG = pytest.mark.slow  # its kernel takes long to compile in a fresh clone


def cohort(m=9, n=60, seed=0, missing=0.08):
    dosage = drawn(m, n, seed, missing)
    dosage[4] = 1.0
    genotypes = genotypes_from_dosage(dosage)
    generator = np.random.default_rng(seed + 1)
    people = genotypes.samples.select(
        "fid",
        "iid",
        y=pl.Series(generator.normal(170, 9, size=n) + np.nan_to_num(dosage[0])),
        age=pl.Series(generator.normal(1960, 12, size=n)),
        centre=pl.Series(generator.choice(["x", "y", "z"], size=n).tolist()),
        ill=pl.Series((generator.random(n) < 0.4).astype(int)),
        time=pl.Series(generator.exponential(size=n)),
    )
    return genotypes, people


def least_squares(dosage, people, missing):
    columns = [people["age"].to_numpy(), *[(people["centre"] == level).to_numpy() for level in ("y", "z")]]
    found = []
    for row in dosage.astype(float):
        called = ~np.isnan(row) if missing == "complete" else np.ones(row.size, dtype=bool)
        x = np.where(np.isnan(row), np.nanmean(row), row)[called]
        design = np.column_stack([np.ones(called.sum()), *[c[called] for c in columns], x])
        beta, _, rank, _ = np.linalg.lstsq(design, people["y"].to_numpy()[called])
        rest = people["y"].to_numpy()[called] - design @ beta
        error = (
            np.sqrt(rest @ rest / (called.sum() - 5) * np.linalg.inv(design.T @ design)[-1, -1])
            if rank == 5
            else np.nan
        )
        found.append((beta[-1] if rank == 5 else np.nan, error, called.sum()))
    return np.array(found).T


@pytest.mark.parametrize("missing", ["complete", "mean"])
def test_linear_scan_is_least_squares(missing):
    genotypes, people = cohort()
    found = associate(genotypes, people, outcome="y", covariates=["age", "centre"], missing=missing)
    beta, error, n = least_squares(genotypes.dosage(), people, missing)
    assert found["reason"].to_list() == ["ok"] * 4 + ["constant"] + ["ok"] * 4
    np.testing.assert_allclose(found["beta"].fill_null(np.nan), np.where(np.arange(9) == 4, np.nan, beta), rtol=1e-8)
    np.testing.assert_allclose(found["standard_error"][:4], error[:4], rtol=1e-8)
    assert found["n"].to_list() == n.astype(int).tolist()


@settings(derandomize=True, max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.integers(15, 45))
def test_sums_of_sites_are_the_scan_of_all(seed, cut):
    genotypes, people = cohort(seed=seed)
    people = people.with_columns(centre=(pl.col("centre") == "x").cast(pl.Float64))
    order = np.random.default_rng(seed).permutation(9)
    first = genotypes.select(samples=np.arange(cut))
    second = genotypes.select(samples=np.arange(cut, 60), variants=order)
    sites = [linear_statistics(part, people, outcome="y", covariates=["age", "centre"]) for part in (first, second)]
    pooled = combine(sites).table()
    whole = associate(genotypes, people, outcome="y", covariates=["age", "centre"])
    assert pooled["variant_id"].to_list() == whole["variant_id"].to_list()
    assert pooled["n"].to_list() == whole["n"].to_list()
    for name in ("beta", "standard_error", "p_value"):
        np.testing.assert_allclose(pooled[name].fill_null(np.nan), whole[name].fill_null(np.nan), rtol=1e-6)


def test_sites_may_count_the_other_allele():
    genotypes, people = cohort()
    dosage = genotypes.dosage()
    other = {"effect_allele": "other_allele", "other_allele": "effect_allele"}
    turned = genotypes_from_dosage(2 - dosage, variants=genotypes.variants.rename(other), samples=genotypes.samples)
    sites = [
        linear_statistics(genotypes.select(samples=np.arange(30)), people, outcome="y"),
        linear_statistics(turned.select(samples=np.arange(30, 60)), people, outcome="y"),
    ]
    whole = associate(genotypes, people, outcome="y")
    np.testing.assert_allclose(combine(sites).table()["beta"].fill_null(0), whole["beta"].fill_null(0), rtol=1e-7)


@pytest.mark.parametrize("model", ["linear", *(pytest.param(name, marks=LONG) for name in ("logistic", "cox"))])
def test_swapping_alleles_flips_the_sign_and_order_does_not_matter(model):
    genotypes, people = cohort()
    outcome = {"linear": "y", "logistic": "ill", "cox": ("time", "ill")}[model]
    found = associate(genotypes, people, outcome=outcome, covariates=["age"], model=model)
    dosage = genotypes.dosage()
    turned = genotypes_from_dosage(2 - dosage[:, ::-1], samples=genotypes.samples[::-1])
    other = associate(turned, people, outcome=outcome, covariates=["age"], model=model)
    np.testing.assert_allclose(other["beta"].fill_null(0), -found["beta"].fill_null(0), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(other["p_value"].fill_null(0), found["p_value"].fill_null(0), rtol=1e-5)
    assert found.columns[:10] == [
        "chromosome", "position", "variant_id", "effect_allele", "other_allele", "n", "beta", "standard_error",
        "statistic", "p_value",
    ]  # fmt: skip


@LONG
def test_plink_coding_of_cases_and_imputed_cox():
    genotypes, people = cohort()
    coded = people.with_columns(ill2=pl.col("ill") + 1)
    one = associate(genotypes, people, outcome="ill", model="logistic")
    assert one.equals(associate(genotypes, coded, outcome="ill2", model="logistic"))
    found = associate(genotypes, people, outcome=("time", "ill"), model="cox", missing="mean")
    assert found["n"].unique().to_list() == [60]
    assert found["p_value"].null_count() == 1


def test_samples_without_an_outcome_are_left_out():
    genotypes, people = cohort()
    fewer = people.with_columns(y=pl.when(pl.col("iid") == "s3").then(None).otherwise("y")).sample(
        fraction=1, shuffle=True, seed=1
    )
    found = associate(genotypes, fewer, outcome="y", missing="mean")
    assert found["n"].unique().to_list() == [59]
    without = genotypes.select(samples=pl.col("iid") != "s3")
    np.testing.assert_allclose(
        found["beta"].fill_null(0),
        associate(without, people, outcome="y", missing="mean")["beta"].fill_null(0),
        rtol=1e-10,
    )


def test_wrong_requests_are_named():
    genotypes, people = cohort()
    with pytest.raises(DataError, match="no column 'hight'"):
        associate(genotypes, people, outcome="hight")
    with pytest.raises(ConfigError, match="Did you mean 'linear'"):
        associate(genotypes, people, outcome="y", model="linaer")  # ty: ignore[invalid-argument-type]
    with pytest.raises(ConfigError, match="a cox model takes two columns, time and event"):
        associate(genotypes, people, outcome="y", model="cox")
    with pytest.raises(DataError, match="logistic model takes 0 and 1"):
        associate(genotypes, people, outcome="y", model="logistic")
    with pytest.raises(DataError, match=r"Event 'y' holds .*expected 0 \(censored\) and 1"):
        associate(genotypes, people.with_columns(time=1.0), outcome=("time", "y"), model="cox")
    with pytest.raises(ConfigError, match="'y' is the outcome and a covariate"):
        associate(genotypes, people, outcome="y", covariates=["y"])
    with pytest.raises(ConfigError, match="'age' is named twice among the covariates"):
        associate(genotypes, people, outcome="y", covariates=["age", "age"])
    site = linear_statistics(genotypes, people, outcome="y")
    with pytest.raises(DataError, match="Sites 1 and 2 have the very same sums"):
        combine([site, site])
    same = people.with_columns(again=pl.col("age") * 2)
    with pytest.raises(FitError, match="covariate"):
        associate(genotypes, same, outcome="y", covariates=["age", "again"])
    with pytest.raises(DataError, match="name a sample twice"):
        associate(genotypes, pl.concat([people, people[:1]]), outcome="y")
    with pytest.raises(DataError, match="No sample"):
        associate(genotypes, people.with_columns(iid=pl.lit("?") + pl.col("iid")), outcome="y")


def test_inflation_of_chance_is_one():
    even = (np.arange(4001) + 0.5) / 4001
    assert genomic_inflation(even) == pytest.approx(1.0, abs=1e-3)
    assert genomic_inflation(pl.DataFrame({"p_value": [0.05, None, 0.05]})) == pytest.approx(3.8415 / 0.45494, rel=1e-4)


def test_words_are_refused_as_outcome_and_are_levels_as_covariate():
    genotypes = genotypes_from_dosage([[0, 1, 2, 0, 1, 2, 1, 0]])
    people = genotypes.samples.select(
        "iid",
        status=pl.Series(["case", "control"] * 4),
        code=pl.Series(["1", "2"] * 4),
        height=pl.Series([1.0, 2.0, 3.5, 0.5, 2.0, 3.0, 1.0, 4.0]),
        site=pl.Series(["Busan", "Seoul", "Seoul", "Busan"] * 2),
    ).with_columns(seoul=(pl.col("site") == "Seoul").cast(pl.Float64))
    for model in ("linear", "logistic"):
        with pytest.raises(DataError, match=r"Outcome 'status' holds words \('case', 'control'\)"):
            associate(genotypes, people, outcome="status", model=model)
    assert associate(genotypes, people, outcome="code", model="logistic")["n"][0] == 8
    by_word, by_number = (
        associate(genotypes, people, outcome="height", covariates=[name]) for name in ("site", "seoul")
    )
    assert by_word.equals(by_number)
    with pytest.raises(DataError, match="name a sample twice"):
        associate(genotypes, pl.concat([people, people[:1]]), outcome="height")
