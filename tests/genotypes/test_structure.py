"""Structure: matrices written out, relatives found, pruned sets free of pairs. PLINK: tests/validation."""

import numpy as np
import polars as pl
import pytest

from biolab import genotypes as gt
from biolab.core import DataError

from .draws import drawn


def linked(m=60, n=80, seed=3):
    """Neighbours in disequilibrium."""
    generator = np.random.default_rng(seed)
    latent, rows = generator.normal(size=(2, n)), []
    for _ in range(m):
        latent = 0.9 * latent + np.sqrt(1 - 0.81) * generator.normal(size=(2, n))
        rows.append((latent < generator.uniform(-0.7, 0.7)).sum(axis=0))
    return gt.genotypes_from_dosage(np.array(rows, dtype=float))


def test_no_pair_within_a_window_is_left_above_the_limit():
    genotypes = linked()
    found = gt.prune(genotypes, window=10, step=3, r2=0.3)
    kept = np.flatnonzero(found.kept)
    r2 = np.corrcoef(genotypes.dosage()[kept]) ** 2
    near = np.abs(kept[:, None] - kept[None, :]) < 7  # together in some window of 10 that steps by 3
    assert r2[near & ~np.eye(kept.size, dtype=bool)].max() <= 0.3
    removed = found.table().filter(~pl.col("kept"))
    assert (removed["r2"] > 0.3).all()
    assert removed["because_of"].null_count() == 0
    assert found.metrics == {"kept": float(kept.size), "removed": float(removed.height)}


def test_windows_do_not_cross_chromosomes_and_order_is_checked():
    genotypes = linked(6)
    twin = genotypes.dosage()[[0, 0]]
    names = pl.DataFrame({"chromosome": ["1", "2"], "position": [1, 1]})
    assert gt.prune(gt.genotypes_from_dosage(twin, variants=names)).kept.all()
    with pytest.raises(DataError, match="do not stand together"):
        gt.prune(
            gt.genotypes_from_dosage(genotypes.dosage()[:3], variants=pl.DataFrame({"chromosome": ["1", "2", "1"]}))
        )
    with pytest.raises(DataError, match="'v2' on chromosome 1 stands after a larger position"):
        gt.prune(gt.genotypes_from_dosage(genotypes.dosage()[:2], variants=pl.DataFrame({"position": [5, 4]})))


def test_clumps_share_no_member():
    genotypes = linked()
    p = np.random.default_rng(1).uniform(size=60) ** 3
    found = gt.clump(
        genotypes, pl.DataFrame({"variant_id": genotypes.variants["variant_id"], "p_value": p}), p1=0.1, r2=0.3
    )
    members = [name for ids in found["member_ids"] for name in ids.split(",") if name]
    assert len(members) == len(set(members))
    assert not set(members) & set(found["variant_id"])
    assert found["p_value"].is_sorted()


def test_relationships_are_the_products_written_out(genotypes):
    found = gt.relationship_matrix(genotypes)
    dosage = genotypes.dosage().astype(float)
    p = np.nanmean(dosage, axis=1, keepdims=True) / 2
    z = (dosage - 2 * p) / np.sqrt(2 * p * (1 - p))
    called = (~np.isnan(z)).astype(float)
    np.testing.assert_allclose(found.matrix, (np.nan_to_num(z).T @ np.nan_to_num(z)) / (called.T @ called), rtol=1e-10)
    np.testing.assert_array_equal(found.variants_of_pair, called.T @ called)
    assert found.table().height == 61 * 62 // 2


def test_components_are_leading_eigenvectors(genotypes):
    found = gt.pca(genotypes, components=3, seed=5)
    dosage = genotypes.dosage().astype(float)
    p = np.nanmean(dosage, axis=1, keepdims=True) / 2
    z = np.nan_to_num((dosage - 2 * p) / np.sqrt(2 * p * (1 - p)))
    values, vectors = np.linalg.eigh(z.T @ z / 40)
    np.testing.assert_allclose(found.eigenvalues, values[::-1][:3], rtol=1e-9)
    np.testing.assert_allclose(np.abs((found.components * vectors[:, ::-1][:, :3]).sum(axis=0)), 1, rtol=1e-9)
    np.testing.assert_allclose(found.loadings, z @ found.components, atol=1e-9)
    assert sum(found.metrics.values()) == pytest.approx(values[::-1][:3].sum() / values.sum())
    again = gt.pca(genotypes, components=3, seed=5)
    np.testing.assert_array_equal(found.components, again.components)
    with pytest.raises(DataError, match="expected 1 to 39"):
        gt.pca(genotypes, components=40)


def test_squares_of_pairs_agree_with_one(genotypes, monkeypatch):
    whole = gt.kinship(genotypes, at_least=None).sort("iid1", "iid2")
    monkeypatch.setattr("biolab.genotypes.relatedness.SQUARE", 20)
    parts = gt.kinship(genotypes, at_least=None).sort("iid1", "iid2")
    assert whole.height == 61 * 60 // 2
    assert parts.equals(whole)


def test_a_twin_has_kinship_one_half():
    dosage = drawn(500, 4, 2, missing=0.0)
    dosage[:, 3] = dosage[:, 0]
    found = gt.kinship(gt.genotypes_from_dosage(dosage), at_least=0.3)
    assert found.select("iid1", "iid2", "kinship").rows() == [("s1", "s4", 0.5)]


def test_no_relatives_stay_and_each_that_goes_has_one():
    dosage = drawn(500, 8, 2, missing=0.0)
    dosage[:, [3, 6]] = dosage[:, [0, 0]]  # three times the same person
    dosage[:, 5] = dosage[:, 1]
    dosage[:9, 1] = np.nan
    genotypes = gt.genotypes_from_dosage(dosage)
    found = gt.unrelated(genotypes, at_most=0.3)
    assert np.flatnonzero(~found.kept).tolist() == [1, 3, 6]  # of twins the one with fewer calls, else the later
    assert gt.kinship(genotypes.select(samples=found.kept), at_least=0.3).is_empty()
    gone = found.table().filter(~pl.col("kept"))
    assert gone["because_of_iid"].to_list() == ["s6", "s1", "s1"]
    np.testing.assert_allclose(gone["kinship"], 0.5)
    assert found.metrics == {"kept": 5.0, "removed": 3.0}
    assert found.table().filter("kept")["because_of_iid"].null_count() == 5
    limits = gt.QualityLimits(missing_of_variant=None, minor_allele_frequency=None, heterozygosity_sd=None, kinship=0.3)
    kept = gt.quality_control(genotypes, limits)
    assert kept.removed.select("step", "name").rows() == [("kinship", f"{name} {name}") for name in ("s2", "s4", "s7")]
    assert gt.unrelated(kept.genotypes).kept.all()
