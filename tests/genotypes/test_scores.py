"""Polygenic scores: sums written out, one reason a row, and what must not change them."""

import gzip

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.genotypes import allele_frequency, genotypes_from_dosage, match_alleles, score

from .draws import drawn

VARIANTS = pl.DataFrame(
    {
        "variant_id": ["a", "b", "c", "d", "e", "f", "f2"],
        "chromosome": ["1"] * 7,
        "position": [1, 2, 3, 4, 5, 6, 6],
        "effect_allele": ["A", "C", "A", "AT", "G", "T", "T"],
        "other_allele": ["G", "T", "T", "A", "C", "C", "C"],
    }
)


def weights_of(genotypes, seed, columns=3):
    generator = np.random.default_rng(seed)
    swap = pl.Series(generator.random(genotypes.variants.height) < 0.5)
    return genotypes.variants.select(
        "variant_id",
        effect_allele=pl.when(swap).then("other_allele").otherwise("effect_allele"),
        other_allele=pl.when(swap).then("effect_allele").otherwise("other_allele"),
        **{f"w{k}": pl.Series(generator.normal(size=genotypes.variants.height)) for k in range(columns)},
    )


def written_out(genotypes, weights, missing, scaling):
    dosage = genotypes.dosage().astype(float)
    turned = (weights["effect_allele"] != genotypes.variants["effect_allele"]).to_numpy()
    dosage[turned] = 2 - dosage[turned]
    p = np.nanmean(dosage, axis=1, keepdims=True) / 2
    x = dosage if scaling is None else dosage - 2 * p
    x = x / np.sqrt(2 * p * (1 - p)) if scaling == "standardize" else x
    mean = np.where(scaling is None, 2 * p, 0.0)
    x = np.where(np.isnan(x), mean if missing == "mean" else 0.0, x)
    return x.T @ weights.select("^w.*$").to_numpy()


@pytest.mark.parametrize("missing", ["mean", "zero"])
@pytest.mark.parametrize("scaling", [None, "center", "standardize"])
def test_scores_are_the_sums_written_out(genotypes, missing, scaling):
    weights = weights_of(genotypes, 3)
    found = score(genotypes, weights, missing=missing, scaling=scaling)
    sums = written_out(genotypes, weights, missing, scaling)
    np.testing.assert_allclose(found.scores.select("w0", "w1", "w2").to_numpy(), sums, rtol=1e-12, atol=1e-12)
    called = 2 * (~np.isnan(genotypes.dosage())).sum(axis=0)
    assert found.scores["allele_count"].to_list() == called.tolist()
    alleles = called if missing == "zero" else 2 * genotypes.variants.height
    np.testing.assert_allclose(found.scores["w1_average"], sums[:, 1] / alleles, rtol=1e-12)


@settings(derandomize=True, max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(9)), st.integers(1, 11))
def test_order_of_samples_and_parts_of_variants(seed, order, cut):
    genotypes = genotypes_from_dosage(drawn(12, 9, seed, missing=0.1))
    weights = weights_of(genotypes, seed)
    whole = score(genotypes, weights).scores.select("w0", "w1", "w2").to_numpy()
    shuffled = score(genotypes.select(samples=list(order)), weights).scores.select("w0", "w1", "w2").to_numpy()
    np.testing.assert_allclose(shuffled, whole[list(order)], rtol=1e-12, atol=1e-12)
    parts = [score(genotypes, weights[:cut]), score(genotypes, weights[cut:])]
    total = sum(part.scores.select("w0", "w1", "w2").to_numpy() for part in parts)
    np.testing.assert_allclose(total, whole, rtol=1e-11, atol=1e-11)


@settings(derandomize=True, max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_the_effect_allele_flips_centred_scores(seed):
    genotypes = genotypes_from_dosage(drawn(12, 9, seed, missing=0.1))
    weights = weights_of(genotypes, seed)
    turned = weights.rename({"effect_allele": "other_allele", "other_allele": "effect_allele"})
    one, two = (score(genotypes, w, scaling="center").scores["w0"].to_numpy() for w in (weights, turned))
    np.testing.assert_allclose(one, -two, rtol=1e-12, atol=1e-12)


def test_every_row_has_one_reason():
    weights = pl.DataFrame(
        [
            ("a", "A", "G"), ("b", "T", "C"), ("b", "C", "T"), ("c", "A", "T"), ("d", "AT", "A"),
            ("e", "A", "C"), ("x", "A", "G"), ("f", "A", "G"), ("a", "G", "A"),
        ],
        schema=["variant_id", "effect_allele", "other_allele"], orient="row",
    )  # fmt: skip
    found = match_alleles(weights, VARIANTS)
    expected = [
        "matched",
        "swapped",
        "duplicate",
        "ambiguous",
        "matched",
        "mismatched",
        "absent",
        "flipped",
        "duplicate",
    ]
    assert found.table["reason"].to_list() == expected
    assert found.table["used"].to_list() == [reason in {"matched", "swapped", "flipped"} for reason in expected]
    assert dict(zip(found.weight_rows.tolist(), found.swapped.tolist(), strict=True)) == {
        0: False,
        1: True,
        4: False,
        7: False,
    }
    assert sum(found.counts.values()) == weights.height


def test_several_variants_at_a_place_are_told_apart_by_alleles_or_said_to_be_multiallelic():
    rows = [("1", 4, "A", "AT"), ("1", 6, "T", "C"), ("2", 4, "A", "AT"), ("1", 4, "A", "G")]
    weights = pl.DataFrame(rows, schema=["chromosome", "position", "effect_allele", "other_allele"], orient="row")
    found = match_alleles(weights, VARIANTS, by="position").table["reason"].to_list()
    assert found == ["swapped", "multiallelic", "absent", "mismatched"]


def test_ambiguous_alleles_are_kept_if_asked_and_flips_can_be_forbidden():
    weights = pl.DataFrame({"variant_id": ["c", "f"], "effect_allele": ["T", "A"], "other_allele": ["A", "G"]})
    kept = match_alleles(weights, VARIANTS, ambiguous="keep", flip=False)
    assert kept.table["reason"].to_list() == ["ambiguous", "mismatched"]
    assert kept.swapped.tolist() == [True]


def test_catalogue_files_are_matched_by_harmonised_position(tmp_path):
    genotypes = genotypes_from_dosage([[0, 1, 2], [2, 1, 0]])
    text = (
        "#pgs_id=PGS0\n#HmPOS_build=GRCh38\nrsID\teffect_allele\tother_allele\teffect_weight\thm_chr\thm_pos\n"
        "rs1\tA\tG\t0.5\t1\t1\n\tG\tA\t2\tchr1\t2\n"
    )
    (tmp_path / "p.txt.gz").write_bytes(gzip.compress(text.encode()))
    found = score(genotypes, tmp_path / "p.txt.gz")
    assert found.scores["weight"].to_list() == [0.0, 2.5, 5.0]
    assert found.settings["match_by"] == "position"
    assert found.metrics["rows.swapped"] == 1


def test_percentiles_of_a_reference_group(genotypes):
    found = score(genotypes, weights_of(genotypes, 1, 1))
    placed = found.percentiles(pl.col("iid").is_in([f"s{k}" for k in range(1, 31)]))
    values = found.scores["w0"].to_numpy()
    reference = values[:30]
    np.testing.assert_allclose(placed["w0_z"], (values - reference.mean()) / reference.std(ddof=1), rtol=1e-12)
    assert placed["w0_percentile"][:30].mean() == pytest.approx(50)
    assert placed["w0_percentile"].is_between(0, 100).all()


def test_frequencies_of_another_group(genotypes):
    weights = weights_of(genotypes, 2)
    own = allele_frequency(genotypes).table()
    given = score(genotypes, weights, scaling="center", frequencies=own).scores
    np.testing.assert_allclose(given["w0"], score(genotypes, weights, scaling="center").scores["w0"], rtol=1e-12)
    with pytest.raises(DataError, match="frequencies lacks a value"):
        score(genotypes, weights, frequencies=own.head(3))


def test_nothing_matched_and_broken_weights_are_said(genotypes):
    with pytest.raises(
        DataError, match=r"be used: 1 absent\. Their first variant is called no, that of the genotypes v1"
    ):
        score(genotypes, pl.DataFrame({"variant_id": ["no"], "effect_allele": ["A"], "w": [1.0]}))
    with pytest.raises(DataError, match=r"be used: 1 mismatched\. Are these weights for the same genome build"):
        score(
            genotypes, pl.DataFrame({"variant_id": ["v1"], "effect_allele": ["T"], "w": [1.0]}), plink_compatible=True
        )
    with pytest.raises(DataError, match="do not name their variants: expected variant_id, or chromosome and position"):
        score(genotypes, pl.DataFrame({"rsid": ["v1"], "effect_allele": ["A"], "w": [1.0]}))
    with pytest.raises(DataError, match=r"have no column 'effect_allele'\. Did you mean 'effect_alele'"):
        score(genotypes, pl.DataFrame({"variant_id": ["v1"], "effect_alele": ["A"], "w": [1.0]}))
    with pytest.raises(DataError, match="no column of numbers"):
        score(genotypes, pl.DataFrame({"variant_id": ["v1"], "effect_allele": ["A"]}))
    with pytest.raises(DataError, match="Weight 'w' is inf in row 0"):
        score(genotypes, pl.DataFrame({"variant_id": ["v1"], "effect_allele": ["A"], "w": [np.inf]}))


def test_a_row_given_twice_counts_once_and_no_allele_is_a_mismatch():
    genotypes = genotypes_from_dosage([[0, 1, 2], [2, 1, 0]])
    weights = pl.DataFrame(
        {"variant_id": ["v1", "v1", "v2"], "effect_allele": ["A", "A", "banana"], "weight": [1.0, 1.0, 5.0]}
    )
    found = score(genotypes, weights)
    assert found.matching["reason"].to_list() == ["matched", "duplicate", "mismatched"]
    assert found.scores["weight"].to_list() == [0.0, 1.0, 2.0]


def test_weights_that_are_not_additive_are_refused(tmp_path):
    path = tmp_path / "PGS1.txt"
    path.write_text(
        "#pgs_id=PGS1\nrsID\teffect_allele\tother_allele\teffect_weight\tis_dominant\n"
        "v1\tA\tG\t0.5\tFalse\nv2\tA\tG\t0.5\tTrue\n"
    )
    with pytest.raises(DataError, match=r"1 variant.s. have is_dominant true, the first is row 2 .*only additive"):
        score(genotypes_from_dosage([[0, 1], [1, 2]]), path)
    path.write_text(path.read_text().replace("True", "False"))
    assert score(genotypes_from_dosage([[0, 1], [1, 2]]), path).counts["matched"] == 2
