"""Files from other systems, or cut off on the way: the right content, or one error that names file and place."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from biolab import data
from biolab.core import DataError
from biolab.data.plink import open_plink, read_bim, read_fam

BIM = "1\trs1\t0\t100\tA\tG\n1\trs2\t0\t200\tC\tT\n"
FAM = "f1\ti1\t0\t0\t1\t-9\nf2\ti2\t0\t0\t2\t1.5\n"
SITES = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
CALLS = "1\t100\trs1\tA\tG\t.\tPASS\t.\tGT\t0/1\t1/1\n1\t200\trs2\tC\tT\t.\tPASS\t.\tGT\t0/0\t./.\n"
REAL = Path(__file__).parent / "real"
READERS = {
    "x.fasta": (">a\nAC\n", lambda path: data.read_fasta(path).collect()),
    "x.fastq": ("@a\nAC\n+\nII\n", lambda path: data.read_fastq(path).collect()),
    "x.vcf": (SITES + CALLS, lambda path: data.read_vcf_genotypes(path).collect()),
    "x.bim": (BIM, read_bim),
    "x.fam": (FAM, read_fam),
    "blanks.bim": (BIM.replace("\t", " "), read_bim),
    "x.txt": ("FID IID y\nf1 i1 1\n", lambda path: data.read_phenotypes(path).collect()),
    "pgs.txt": (
        "rsID\teffect_allele\teffect_weight\nrs1\tA\t0.5\n",
        lambda path: data.read_scoring_file(path).variants.collect(),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(tmp_path, name):
    text, read = READERS[name]
    path = tmp_path / name
    path.write_bytes(text.encode())
    expected = read(path)
    for content in (text.replace("\n", "\r\n").encode(), text.encode("utf-8-sig")):
        path.write_bytes(content)
        assert read(path).equals(expected)


@pytest.mark.parametrize("name", READERS)
def test_utf16_is_refused_by_name(tmp_path, name):
    text, read = READERS[name]
    path = tmp_path / name
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(DataError, match=rf"{name} is UTF-16, not UTF-8"):
        read(path)


@pytest.mark.parametrize(("text", "read"), [(BIM, read_bim), (FAM, read_fam)])
def test_blanks_at_the_ends_of_fields_are_no_part_of_them(tmp_path, text, read):
    path = tmp_path / "x"
    path.write_text(text)
    expected = read(path)
    for spoilt in (
        text.replace("\n", " \n"),
        text[:-1] + "  \n",
        text.replace("\n", "\t\n"),
        text.replace("1\t", "1 \t"),
    ):
        path.write_text(spoilt)
        assert read(path).equals(expected)


def test_a_bed_of_other_samples_is_refused(tmp_path):
    (tmp_path / "x.bim").write_text(BIM)
    (tmp_path / "x.fam").write_text(FAM)
    (tmp_path / "x.bed").write_bytes(b"\x6c\x1b\x01" + bytes(4))
    with pytest.raises(DataError, match=r"x\.bed"):
        open_plink(tmp_path / "x")


@pytest.mark.parametrize("text", [SITES, SITES.rstrip(), SITES.replace("\n", "\r\n")])
def test_a_vcf_of_a_header_alone_holds_nothing(tmp_path, text):
    path = tmp_path / "x.vcf"
    path.write_bytes(text.encode())
    assert data.read_vcf(path).collect().is_empty()
    assert data.read_vcf_genotypes(path).collect().is_empty()
    assert list(data.read_vcf_dosages(path)) == []


def test_a_packed_vcf_cut_off_in_the_middle_is_refused(tmp_path):
    names = np.random.default_rng(1).integers(0, 1 << 30, 3000)
    text = SITES + "".join(f"1\t{k + 1}\trs{name}\tA\tG\t.\tPASS\t.\tGT\t0/1\t1/1\n" for k, name in enumerate(names))
    whole = gzip.compress(text.encode())
    path = tmp_path / "x.vcf.gz"
    for content in (whole[: len(whole) // 2], whole[:-4]):
        path.write_bytes(content)
        for read in (data.read_vcf, data.read_vcf_genotypes):
            with pytest.raises(DataError, match=r"x\.vcf\.gz is truncated after [\d,]+ bytes"):
                read(path).collect()


@pytest.mark.parametrize(
    ("place", "read"), [("htslib/wide.bcf", data.read_vcf), ("biopython/bam1.bam", data.read_alignments)]
)
def test_binary_files_cut_off_are_refused(tmp_path, place, read):
    whole = (REAL / place).read_bytes()
    path = tmp_path / Path(place).name
    for size in (len(whole) // 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=rf"{path.name} is truncated"):
            read(path).collect()
