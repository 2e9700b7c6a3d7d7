"""PLINK files: what is read is what was written, and every damaged file is named with its fault."""

import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from biolab.core import DataError, MissingExtraError
from biolab.data.bed import open_bed, pack, write_bed
from biolab.data.pgen import read_psam, read_pvar
from biolab.data.plink import open_plink, read_bim, read_fam
from biolab.genotypes import genotypes_from_dosage, read_plink

DOSAGES = st.integers(1, 9).flatmap(
    lambda n: st.integers(1, 6).flatmap(
        lambda m: arrays(np.float64, (m, n), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan]))
    )
)
BIM = "1 rs1 0 100 A G\n1 rs2 0 200 C T\n"
FAM = "f1 i1 0 0 1 -9\nf2 i2 0 0 2 1.5\nf3 i3 i1 i2 0 NA\nf4 i4 0 0 1 2\nf5 i5 0 0 1 2\n"
HEADER = b"\x6c\x1b\x01"


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy.bim").write_text(BIM)
    (tmp_path / "toy.fam").write_text(FAM)
    (tmp_path / "toy.bed").write_bytes(HEADER + bytes([0b11_10_01_00, 0b10, 0b00_00_11_11, 0b01]))
    return tmp_path / "toy"


@settings(derandomize=True, max_examples=20, deadline=None)
@given(DOSAGES)
def test_what_is_packed_is_what_is_read(dosage):
    np.testing.assert_array_equal(genotypes_from_dosage(dosage).dosage(), dosage)


@settings(derandomize=True, max_examples=5, deadline=None)
@given(DOSAGES)
def test_files_are_read_as_written(tmp_path_factory, dosage):
    prefix = tmp_path_factory.mktemp("bed") / "some.name"
    written = genotypes_from_dosage(dosage)
    written.write(prefix)
    found = read_plink(prefix)
    np.testing.assert_array_equal(found.dosage(), dosage)
    assert found.variants.equals(written.variants)
    assert found.samples.equals(written.samples)


def test_codes_mean_what_plink_says(toy):
    found = read_plink(toy)
    np.testing.assert_array_equal(found.dosage(), [[2, np.nan, 1, 0, 1], [0, 0, 2, 2, np.nan]])
    assert found.samples["sex"].to_list() == ["male", "female", None, "male", "male"]
    assert found.samples["phenotype"].to_list() == [None, 1.5, None, 2.0, 2.0]
    assert found.samples["father"].to_list() == [None, None, "i1", None, None]


def test_phenotypes_of_text_are_kept_and_written_back(toy, tmp_path):
    toy.with_suffix(".fam").write_text(FAM.replace("2 1.5", "2 case").replace("1 2\n", "1 control\n"))
    found = read_plink(toy)
    assert found.samples["phenotype"].to_list() == [None, "case", None, "control", "control"]
    found.write(tmp_path / "again")
    assert read_plink(tmp_path / "again").samples.equals(found.samples)


def test_an_ending_may_be_given(toy):
    assert read_plink(f"{toy}.bed").shape == read_plink(toy).shape == (2, 5)


def test_chromosomes_have_one_name(tmp_path):
    lines = [f"{name} rs{k} 0 {k} A 0" for k, name in enumerate(["chr1", "23", "24", "25", "26", "chrM", "0"])]
    (tmp_path / "a.bim").write_text("\n".join(lines))
    found = read_bim(tmp_path / "a.bim")
    assert found["chromosome"].to_list() == ["1", "X", "Y", "XY", "MT", "MT", None]
    assert found["other_allele"].null_count() == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 bytes; a .bed begins with three"),
        (b"\x6c\x1b", "cut off"),
        (b"\x1f\x8b\x01" + bytes(4), "begins with 1f 8b"),
        (b"\x6c\x1b\x00" + bytes(4), "sample-major"),
        (b"\x6c\x1b\x02" + bytes(4), "third byte is 02"),
        (HEADER + bytes(3), "has 6 bytes, expected 7 for 2 variants .* 1 whole variants and 1 of 2 bytes"),
        (HEADER + bytes(6), "has 9 bytes, expected 7 .* holds 3 whole variants"),
    ],
)
def test_damaged_bed_is_refused(toy, content, said):
    toy.with_suffix(".bed").write_bytes(content)
    with pytest.raises(DataError, match=rf"toy\.bed.*{said}"):
        read_plink(toy)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"1 rs1 0 100 A G\n1 rs2 0 200 C\n", "line 2: 5 fields, expected 6"),
        (b"1\trs1\t0\t100\tA\tG\n1\trs2\t0\t200\tC\n", "line 2: 5 fields"),
        (b"1\trs1\t0\t100\tA\tG\n1\trs2\t0\t2e2\tC\tT\n", "line 2: position is '2e2'"),
        (b"1\trs1\t0\t100\tA\tG\n1\trs1\t0\t200\tC\tT\n", "'rs1' stands on lines 1, 2 .*--set-all-var-ids"),
        (b"1\trs1\t0\t100\tA\tG\n1\trs\xe9\t0\t200\tC\tT\n", "line 2: byte 0xe9 .* is not UTF-8"),
    ],
)
def test_damaged_bim_is_refused(toy, content, said):
    toy.with_suffix(".bim").write_bytes(content)
    with pytest.raises(DataError, match=rf"toy\.bim.*{said}"):
        read_plink(toy)


def test_samples_named_twice_are_refused(tmp_path):
    (tmp_path / "a.fam").write_text("f i 0 0 1 1\ng i 0 0 1 1\nf i 0 0 2 1\n")
    with pytest.raises(DataError, match=r"fid iid 'f i' stands on lines 1, 3"):
        read_fam(tmp_path / "a.fam")


def test_repeated_names_can_be_made_of_positions(toy):
    toy.with_suffix(".bim").write_text(BIM.replace("rs1", ".").replace("rs2", "."))
    with pytest.raises(DataError, match="variant_ids='position'"):
        read_plink(toy)
    assert read_plink(toy, variant_ids="position").variants["variant_id"].to_list() == ["1:100:G:A", "1:200:T:C"]


def test_a_missing_file_names_its_neighbours(toy):
    with pytest.raises(DataError, match=r"In .* there are: toy\.bed"):
        open_plink(toy.with_name("toi"))
    toy.with_suffix(".fam").unlink()
    with pytest.raises(DataError, match=r"toy\.fam does not exist"):
        open_plink(toy)


def test_other_dosages_are_refused():
    with pytest.raises(DataError, match=r"0\.5 for variant 0, sample 1"):
        pack(np.array([[1.0, 0.5]]))


def test_a_bed_appears_whole_or_not(tmp_path):
    blocks = iter([np.zeros((1, 2), dtype=np.uint8), np.zeros((1, 3), dtype=np.uint8)])
    with pytest.raises(DataError, match="expected uint8"):
        write_bed(tmp_path / "a.bed", blocks, samples=7)
    assert list(tmp_path.iterdir()) == []


def test_bits_beyond_the_last_sample_are_cleared(tmp_path):
    write_bed(tmp_path / "a.bed", [np.full((2, 1), 0xFF, dtype=np.uint8)], samples=3)
    assert (open_bed(tmp_path / "a.bed", samples=3, variants=2).rows(0, 2) == 0b00_11_11_11).all()


def test_white_space_in_a_name_is_refused(tmp_path):
    made = genotypes_from_dosage([[0, 1]], samples=pl.DataFrame({"fid": ["a b", "c"], "iid": ["a", "c"]}))
    with pytest.raises(DataError, match="holds white space"):
        made.write(tmp_path / "a")


def test_pgen_tables(tmp_path):
    (tmp_path / "a.pvar").write_text("##x\n#CHROM\tPOS\tID\tREF\tALT\nchr1\t7\trs1\tG\tA\n")
    (tmp_path / "a.psam").write_text("#IID\tSEX\tPHENO1\ns1\t1\t1\ns2\tNA\tNA\ns3\tF\t2.5\n")
    assert read_pvar(tmp_path / "a.pvar").row(0) == ("1", "rs1", 0.0, 7, "A", "G")
    assert read_psam(tmp_path / "a.psam").select("fid", "iid", "sex", "phenotype").rows() == [
        ("0", "s1", "male", 1.0), ("0", "s2", None, None), ("0", "s3", "female", 2.5),
    ]  # fmt: skip
    (tmp_path / "b.pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\t7\trs1\tG\tA,C\n")
    with pytest.raises(DataError, match=r"line 2: variant 'rs1' has several ALT"):
        read_pvar(tmp_path / "b.pvar")


def test_pgen_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pgenlib", None)
    (tmp_path / "a.pvar").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\t7\trs1\tG\tA\n")
    (tmp_path / "a.psam").write_text("#IID\ns1\n")
    (tmp_path / "a.pgen").write_bytes(b"l\x1b\x10")
    with pytest.raises(MissingExtraError, match=r"biolab\[genomics\]"):
        read_plink(tmp_path / "a")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"f1 i1 0 0 1\n", "line 1: 5 fields, expected 6"),
        (b"f1\ti1\t0\t0\t1\t-9\nf2\ti2\t0\t0\t2\n", "line 2: 5 fields"),
        (b"f1 i1 0 0 1 -9\nf2 \xff 0 0 1 -9\n", "line 2: byte 0xff .* is not UTF-8"),
        (b"f1\ti1\t0\t0\t1\t-9\nf1\ti1\t0\t0\t1\t-9\n", "'f1 i1' stands on lines 1, 2"),
        (FAM.encode()[:-15], "4 samples .*Does it belong"),
    ],
)
def test_damaged_fam_is_refused(toy, content, said):
    toy.with_suffix(".fam").write_bytes(content)
    toy.with_suffix(".bed").write_bytes(HEADER + bytes(5))
    with pytest.raises(DataError, match=rf"toy\.(fam|bed).*{said}"):
        read_plink(toy)


def test_tables_exchanged_or_of_another_kind_are_refused(toy, tmp_path):
    bim, fam = toy.with_suffix(".bim"), toy.with_suffix(".fam")
    kept = bim.read_bytes()
    bim.write_bytes(fam.read_bytes())
    with pytest.raises(DataError, match=r"toy\.bim.*position"):
        read_plink(toy)
    bim.write_bytes(kept)
    with pytest.raises(DataError, match=r"x\.vcf is a VCF or BCF file"):
        read_plink(tmp_path / "x.vcf")
    (tmp_path / "y.bed").write_text("chr1\t10\t20\n")
    for ending in (".bim", ".fam"):
        (tmp_path / f"y{ending}").write_bytes(toy.with_suffix(ending).read_bytes())
    with pytest.raises(DataError, match=r"y\.bed begins with 63 68; .* If it holds intervals"):
        read_plink(tmp_path / "y")


@pytest.mark.parametrize(
    ("pvar", "psam", "said"),
    [
        ("1\t7\trs1\tG\tA\n", "#IID\ns1\n", r"a\.pvar, line 1: expected a header"),
        ("#CHROM\tPOS\tID\tREF\n1\t7\trs1\tG\n", "#IID\ns1\n", r"a\.pvar, line 1: column ALT is missing"),
        ("#CHROM\tPOS\tID\tREF\tALT\n1\t7\trs1\tG\n", "#IID\ns1\n", r"a\.pvar, line 2: 4 fields, expected 5"),
        ("#CHROM\tPOS\tID\tREF\tALT\n1\tx\trs1\tG\tA\n", "#IID\ns1\n", r"a\.pvar, line 2: position is 'x'"),
        (
            "#CHROM\tPOS\tID\tREF\tALT\n1\t7\trs1\tG\tA\n",
            "#FID\tIID\nf\ts\nf\ts\n",
            r"a\.psam: fid iid 'f s' stands",
        ),
    ],
)
def test_damaged_tables_of_a_pgen_are_refused(tmp_path, pvar, psam, said):
    (tmp_path / "a.pvar").write_text(pvar)
    (tmp_path / "a.psam").write_text(psam)
    (tmp_path / "a.pgen").write_bytes(b"l\x1b\x10")
    with pytest.raises(DataError, match=said):
        read_plink(tmp_path / "a")


def test_rows_chosen_are_those_at_their_places(tmp_path):
    genotypes_from_dosage(np.random.default_rng(0).integers(0, 3, size=(50, 9))).write(tmp_path / "a")
    bed = open_bed(tmp_path / "a.bed", samples=9, variants=50)
    for places in ([3, 4, 5, 9, 2, 2, 49], [0], []):
        np.testing.assert_array_equal(bed.chosen(np.array(places, dtype=int)), bed.rows(0, 50)[places])
    with (tmp_path / "a.bed").open("r+b") as handle:
        handle.truncate(20)
    with pytest.raises(DataError, match=r"a\.bed has become shorter since it was opened"):
        bed.chosen(np.array([49]))
