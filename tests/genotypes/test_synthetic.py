"""Drawn genotypes have the frequencies, drift and linkage asked for, and files of sums hold what was added."""

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError, DataError
from biolab.genotypes import linear_statistics, pca, project, read_sums, synthetic_genotypes, write_sums


def test_frequencies_drift_and_linkage_are_those_asked_for():
    drawn = synthetic_genotypes(1_500, 400, shares=(0.5, 0.5), drift=0.1, linkage=0.9, missing=0.02, seed=3)
    dosage, population = drawn.genotypes.dosage(), drawn.population
    assert np.isnan(dosage).mean() == pytest.approx(0.02, abs=0.002)
    for k in (0, 1):
        seen = np.nanmean(dosage[:, population == k], axis=1) / 2
        assert np.abs(seen - drawn.frequency[:, k]).mean() < 0.02
    p, q = drawn.frequency.T
    between = ((p - q) ** 2).mean() / (p * (1 - q) + q * (1 - p)).mean()  # Hudson's F between the two
    assert between == pytest.approx(0.1, abs=0.02)
    chromosome = drawn.genotypes.variants["chromosome"].to_numpy()
    full = np.nan_to_num(dosage[:, population == 0]).astype(float)
    z = (full - full.mean(axis=1, keepdims=True)) / np.maximum(full.std(axis=1, keepdims=True), 1e-9)
    near, far = (
        np.abs((z[:-gap] * z[gap:]).mean(axis=1))[chromosome[:-gap] == chromosome[gap:]].mean() for gap in (1, 40)
    )
    assert near > 4 * far


def test_the_same_seed_gives_the_same_and_wrong_numbers_are_refused():
    one, two = (synthetic_genotypes(30, 20, seed=7).genotypes.dosage() for _ in range(2))
    np.testing.assert_array_equal(one, two)
    with pytest.raises(ConfigError, match=r"drift is 0\.0"):
        synthetic_genotypes(3, 2, drift=0.0, seed=1)
    with pytest.raises(ConfigError, match="0 variants"):
        synthetic_genotypes(0, 2, seed=1)
    with pytest.raises(ConfigError, match="shares"):
        synthetic_genotypes(3, 2, shares=(), seed=1)


def test_components_of_a_panel_place_others():
    drawn = synthetic_genotypes(600, 120, shares=(0.5, 0.5), drift=0.15, seed=2)
    panel, others = np.arange(120) < 70, np.arange(120) >= 70
    found = pca(drawn.genotypes.select(samples=panel), components=2)
    again = project(drawn.genotypes.select(samples=panel), found.weights())
    np.testing.assert_allclose(again.select("pc1", "pc2").to_numpy(), found.components, atol=1e-9)
    placed = project(drawn.genotypes.select(samples=others, variants=np.arange(599, -1, -1)), found.weights())
    assert abs(np.corrcoef(placed["pc1"].to_numpy(), drawn.population[others])[0, 1]) > 0.95


def test_sums_come_back_from_a_file(tmp_path):
    genotypes = synthetic_genotypes(40, 50, missing=0.1, seed=1).genotypes
    chance = np.random.default_rng(1)
    people = genotypes.samples.select(
        "fid", "iid", y=pl.Series(chance.normal(size=50)), age=pl.Series(chance.random(50))
    )
    sums = linear_statistics(genotypes, people, outcome="y", covariates=["age"])
    path = write_sums(sums, tmp_path / "a.parquet")
    assert read_sums(path).table().equals(sums.table())
    with pytest.raises(DataError, match="does not exist"):
        read_sums(tmp_path / "b.parquet")
    pl.read_parquet(path).drop("age*outcome").write_parquet(tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"lacks the column 'age\*outcome'"):
        read_sums(tmp_path / "c.parquet")
    pl.read_parquet(path).with_columns(n=pl.lit(None, dtype=pl.Int64)).write_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match="row 1: a sum is missing"):
        read_sums(tmp_path / "d.parquet")
    with pytest.raises(ConfigError, match=r"a\.tsv: sums are written as \.parquet"):
        write_sums(sums, tmp_path / "a.tsv")
    with pytest.raises(DataError, match="called 'outcome'"):
        write_sums(
            linear_statistics(genotypes, people.rename({"age": "outcome"}), outcome="y", covariates=["outcome"]), path
        )
