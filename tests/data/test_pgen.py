"""PLINK 2's .pgen. What needs pgenlib is slow, for `make check` installs it: these tests never skip there."""

import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab import data
from biolab.core import ConfigError, DataError
from biolab.data.pgen_dosages import holds_dosages
from biolab.genotypes import read_plink

GOLD = Path(__file__).parents[1] / "validation" / "plink"


def test_a_header_says_whether_there_are_dosages(tmp_path):
    assert holds_dosages(GOLD / "imputed.pgen")
    assert not holds_dosages(GOLD / "toy2.pgen")
    path, variants = tmp_path / "a.pgen", (1 << 16) + 5
    for control, kinds, expected in (
        (0b00_00_0100, bytes(variants), False),  # eight bits a variant, a byte a length
        (0b00_00_0100, bytes(variants - 1) + b"\x60", True),
        (0b11_01_0101, bytes(variants - 1) + b"\x20", True),  # two bytes a length, one of alleles, flags
        (0b11_01_0101, bytes(variants - 1) + b"\x10", False),  # phased
        (0b00_00_0000, bytes(variants), False),
    ):
        beside = (control & 3) + 1 + (control >> 4 & 3)
        parts = [
            part + b"\xff" * (len(part) * beside + (-(-len(part) // 8) if control >> 6 == 3 else 0))
            for part in (kinds[: 1 << 16], kinds[1 << 16 :])
        ]
        path.write_bytes(b"\x6c\x1b\x10" + struct.pack("<IIB", variants, 3, control) + bytes(16) + b"".join(parts))
        assert holds_dosages(path) == expected
    path.write_bytes(b"\x6c\x1b\x03" + struct.pack("<IIB", 1, 3, 0))
    assert holds_dosages(path)
    path.write_bytes(b"\x6c\x1b")
    assert not holds_dosages(path)


@pytest.mark.slow
def test_dosages_are_those_that_plink_writes():
    theirs = data.read_vcf_genotypes(GOLD / "imputed-out.vcf", format=["DS"]).collect()
    blocks = list(data.read_pgen_dosages(GOLD / "imputed"))
    found = np.concatenate([block.dosage for block in blocks])
    expected = theirs["format_DS"].list.first().fill_null(theirs["dosage"]).to_numpy().reshape(found.shape)
    np.testing.assert_allclose(found, expected, atol=2**-15 + 1e-6)  # stored to 2^-14, written with four digits
    assert (found % 1 > 0).any()
    assert (
        pl.concat([block.variants for block in blocks])["start"].to_list() == theirs["start"].unique().sort().to_list()
    )
    (some,) = data.read_pgen_dosages(GOLD / "imputed.pgen", samples=["i5", "i2"])
    np.testing.assert_array_equal(some.dosage, found[:, [5, 2]])
    with pytest.raises(ConfigError, match="no sample 'x5'"):
        next(data.read_pgen_dosages(GOLD / "imputed", samples=["x5"]))
    with pytest.warns(UserWarning, match=r"imputed\.pgen holds imputed dosages; read here are the hard calls"):
        calls = read_plink(GOLD / "imputed").dosage()
    called = ~np.isnan(calls)
    assert np.abs(calls - found)[called].max() <= 0.1 + 1e-4  # PLINK's limit of a hard call
    assert np.isnan(found[~called]).sum() < (~called).sum()


@pytest.mark.slow
def test_a_damaged_pgen_is_refused(tmp_path):
    (tmp_path / "a.pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\t7\trs1\tG\tA\n")
    (tmp_path / "a.psam").write_text("#IID\ns1\n")
    (tmp_path / "a.pgen").write_bytes(b"no pgen at all")
    with pytest.raises(DataError, match=r"a\.pgen cannot be read as \.pgen of 1 samples and 1 variants"):
        read_plink(tmp_path / "a")
