"""Quality control: counts written out, and every removal with its reason. PLINK: tests/validation."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import genotypes as gt
from biolab.core import ConfigError

from .draws import drawn


@settings(derandomize=True, max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_frequencies_are_means_and_flip_with_the_allele(seed):
    dosage = drawn(8, 15, seed, missing=0.2)
    one = gt.allele_frequency(gt.genotypes_from_dosage(dosage)).table()["effect_allele_frequency"].fill_null(np.nan)
    two = gt.allele_frequency(gt.genotypes_from_dosage(2 - dosage)).table()["effect_allele_frequency"].fill_null(np.nan)
    called = ~np.isnan(dosage)
    mean = np.where(called, dosage, 0).sum(axis=1) / np.maximum(2 * called.sum(axis=1), 1)
    np.testing.assert_allclose(one, np.where(called.any(axis=1), mean, np.nan))
    np.testing.assert_allclose(two, 1 - one.to_numpy())


def test_ploidy_of_sex_chromosomes():
    variants = pl.DataFrame({"chromosome": ["X", "Y", "MT"]})
    samples = pl.DataFrame({"fid": list("abcd"), "iid": list("abcd"), "sex": ["male", "male", "female", "female"]})
    dosage = [[2, 1, 1, 0], [2, 0, 2, 2], [2, 1, 0, 2]]
    table = gt.allele_frequency(gt.genotypes_from_dosage(dosage, variants=variants, samples=samples)).table()
    assert table["effect_allele_count"].to_list() == [2, 1, 2]
    assert table["observed_alleles"].to_list() == [5, 2, 3]
    assert table["haploid_heterozygous"].to_list() == [1, 0, 1]


def test_children_are_not_counted_unless_asked():
    samples = pl.DataFrame(
        {"fid": ["f"] * 3, "iid": ["m", "d", "c"], "father": [None, None, "d"], "mother": [None, None, "m"]}
    )
    genotypes = gt.genotypes_from_dosage([[2, 0, 2]], samples=samples)
    found = [
        gt.allele_frequency(genotypes, founders_only=only).table()["effect_allele_frequency"][0]
        for only in (True, False)
    ]
    assert found == [0.5, 2 / 3]


def test_limits_that_are_no_shares_are_refused():
    with pytest.raises(ConfigError, match="missing_of_variant is 5; expected 0 to 1, or none"):
        gt.QualityLimits(missing_of_variant=5)
    with pytest.raises(ConfigError, match=r"minor_allele_frequency is nan; expected 0 to 0\.5"):
        gt.QualityLimits(minor_allele_frequency=float("nan"))


def test_every_removal_has_a_step_a_value_and_a_limit():
    dosage = drawn(60, 50, 4, missing=0.0)
    dosage[3, :10], dosage[:, 7] = np.nan, np.nan
    dosage[11] = np.r_[np.zeros(25), np.full(25, 2.0)]
    dosage[:, 20] = 1.0
    dosage[9] = 0.0
    found = gt.quality_control(gt.genotypes_from_dosage(dosage), gt.QualityLimits(heterozygosity_sd=3.0))
    rows = {(step, name) for step, name in found.removed.select("step", "name").iter_rows()}
    assert rows == {
        ("missing_of_variant", "v4"), ("missing_of_sample", "s8 s8"), ("minor_allele_frequency", "v10"),
        ("hardy_weinberg", "v12"), ("heterozygosity_sd", "s21 s21"),
    }  # fmt: skip
    assert found.genotypes.shape == (57, 48)
    assert found.table()["removed"].to_list() == [1, 1, 1, 1, 1]
    assert found.metrics["variants_removed"] == 3
    nothing = gt.QualityLimits(
        missing_of_variant=None, missing_of_sample=None, minor_allele_frequency=None, hardy_weinberg=None,
        heterozygosity_sd=None,
    )  # fmt: skip
    assert gt.quality_control(found.genotypes, nothing).removed.is_empty()
