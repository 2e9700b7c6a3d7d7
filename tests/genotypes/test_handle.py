"""The handle: selections agree with arrays, streams agree with wholes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.genotypes import genotypes_from_dosage, read_plink

from .draws import drawn


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 11), min_size=1, max_size=15), st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_selections_are_those_of_the_array(variants, samples):
    dosage = drawn(12, 10, 1)
    found = genotypes_from_dosage(dosage).dosage(variants=variants, samples=samples)
    np.testing.assert_array_equal(found, dosage[np.ix_(variants, samples)])


def test_selections_of_selections_by_name_mask_and_expression(genotypes):
    whole = genotypes.dosage()
    twice = genotypes.select(variants=["v3", "v1", "v9"], samples=[5, 4, 3]).select(variants=[1, 2], samples=["s4"])
    np.testing.assert_array_equal(twice.dosage(), whole[[0, 8]][:, [3]])
    mask = np.arange(61) % 2 == 0
    np.testing.assert_array_equal(genotypes.dosage(samples=mask), whole[:, mask])
    np.testing.assert_array_equal(genotypes.dosage(variants=pl.col("position") > 30), whole[30:])
    np.testing.assert_array_equal(genotypes.dosage(samples=[("s2", "s2")]), whole[:, [1]])


def test_unknown_names_and_places_are_refused(genotypes):
    with pytest.raises(DataError, match=r"variant_id 'v411' is not here \(1 of 2 unknown\)\. Did you mean 'v"):
        genotypes.dosage(variants=["v1", "v411"])
    with pytest.raises(DataError, match="Places go from 0 to 60"):
        genotypes.dosage(samples=[61])
    with pytest.raises(DataError, match="mask has 3 entries"):
        genotypes.dosage(samples=np.array([True, False, True]))
    with pytest.raises(DataError, match=r"Rows are chosen by 0\.5 and so on"):
        genotypes.dosage(variants=[0.5])


def test_one_name_or_place_is_a_choice_of_one(genotypes):
    np.testing.assert_array_equal(genotypes.dosage("v2", 3), genotypes.dosage([1], ["s4"]))


def test_blocks_cover_every_variant_once(genotypes, tmp_path):
    genotypes.write(tmp_path / "x")
    on_disk = read_plink(tmp_path / "x")
    for source in (genotypes, on_disk, on_disk.select(variants=np.arange(39, -1, -1))):
        parts = list(source.blocks(block_bytes=16 * 7))
        assert [part.start for part in parts] == list(range(0, 40, 7))
        whole = np.concatenate([source.decoded(part) for part in parts])
        np.testing.assert_array_equal(whole, source.dosage())


def test_tidy_frames_push_down(genotypes):
    tidy = genotypes.tidy()
    whole = tidy.collect()
    np.testing.assert_array_equal(
        whole["dosage"].fill_null(float("nan")).to_numpy().reshape(40, 61), genotypes.dosage()
    )
    found = tidy.filter(pl.col("iid") == "s7").select("variant_id", "dosage").collect()
    assert found.shape == (40, 2)
    assert found["dosage"].equals(whole.filter(pl.col("iid") == "s7")["dosage"])
    assert tidy.head(70).collect().equals(whole.head(70))


def test_printing_shows_no_sample(genotypes):
    assert repr(genotypes) == "Genotypes(40 variants of 61 samples)"
