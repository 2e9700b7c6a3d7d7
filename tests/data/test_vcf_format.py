"""Fields of samples beside the calls: VCF as written, BCF as its VCF; faults by line and sample."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from biolab import data
from biolab.core import ConfigError, DataError
from biolab.data.vcf_header import vcf_blocks

BCF = Path(__file__).parent / "real" / "htslib"
KEYS = ("GT", "DP", "AD", "DS", "GP", "FT")
HEAD = """##fileformat=VCFv4.3
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths, by allele">
##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">
##FORMAT=<ID=GP,Number=G,Type=Float,Description="Probabilities">
##FORMAT=<ID=FT,Number=1,Type=String,Description="Filter">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb
"""
ROWS = (
    "1\t5\trs1\tA\tG\t.\t.\t.\tGT:DP:AD:DS\t0|1:9:4,5:1.02\t1/1:.:.,3\n"
    "1\t7\trs2\tC\tT,G\t.\t.\t.\tGT:AD:GP:FT\t0|2:1,2,3:0.1,0.9,0,0,0,0:PASS\t./.\n"
    "1\t9\trs3\tC\tT\t.\t.\t.\tDS:DP\t0.5:7\t.:8\n"
    "1\t11\trs4\tC\tT\t.\t.\t.\tGT\t0/0\t0/1\n"
)


@pytest.fixture
def imputed(tmp_path) -> Path:
    path = tmp_path / "x.vcf"
    path.write_text(HEAD + ROWS)
    return path


def test_fields_stand_beside_the_calls_of_each_variant_and_sample(imputed):
    found = data.read_vcf_genotypes(imputed, format=KEYS).collect()
    shown = found.select("variant_id", "alternate", "sample", "dosage", *[f"format_{key}" for key in KEYS]).rows()
    second = ("0|2", None, [1, 2, 3], None, [0.1, 0.9, 0.0, 0.0, 0.0, 0.0], "PASS")
    nothing = (None, None, None, None)
    assert shown == [
        ("rs1", "G", "a", 1, "0|1", 9, [4, 5], [1.02], None, None),
        ("rs1", "G", "b", 2, "1/1", None, [None, 3], None, None, None),
        ("rs2", "T", "a", 0, *second),
        ("rs2", "T", "b", None, "./.", None, *nothing),
        ("rs2", "G", "a", 1, *second),
        ("rs2", "G", "b", None, "./.", None, *nothing),
        ("rs3", "T", "a", None, None, 7, None, [0.5], None, None),
        ("rs3", "T", "b", None, None, 8, *nothing),
        ("rs4", "T", "a", 0, "0/0", None, *nothing),
        ("rs4", "T", "b", 1, "0/1", None, *nothing),
    ]
    some = data.read_vcf_genotypes(imputed, samples=["b"], format=["DP"]).select("format_DP").collect()
    assert some["format_DP"].to_list() == [None, None, None, 8, None]
    deep = data.read_vcf_genotypes(imputed, format=["DP"]).filter(pl.col("format_DP") > 7).select("sample").collect()
    assert deep["sample"].to_list() == ["a", "b"]


@pytest.mark.parametrize("name", ["sample", "wide"])
def test_fields_of_bcf_are_those_of_its_vcf(name):
    binary, text = BCF / f"{name}.bcf", BCF / f"{name}.vcf.gz"
    keys = list(vcf_blocks(text)[0].format)
    assert {"GT", "DP"} <= set(keys)
    one, two = (data.read_vcf_genotypes(path, haploid="count", format=keys).collect() for path in (binary, text))
    assert one.equals(two)
    assert one["format_DP"].null_count() < one.height


@pytest.mark.parametrize("name", ["sample", "wide"])
def test_a_subset_of_bcf_is_what_htslib_wrote_as_vcf(name, tmp_path):
    count = data.subset_vcf(BCF / f"{name}.bcf", tmp_path / "made.vcf")
    written = gzip.decompress((BCF / f"{name}.vcf.gz").read_bytes()).decode().splitlines()
    records = [line for line in written if not line.startswith("#")]
    made = (tmp_path / "made.vcf").read_text().splitlines()
    assert [line for line in made if not line.startswith("#")] == records
    assert (count, made[: len(made) - count]) == (len(records), written[: len(written) - count])
    with pytest.raises(ConfigError, match=r"y\.bcf would be VCF"):
        data.subset_vcf(BCF / f"{name}.bcf", tmp_path / "y.bcf")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("DP:GT\t7:0/1\t8:1/1", r"line 9: FORMAT is 'DP:GT'; GT, where there is one, must stand first"),
        ("GT:DP\t0/1:7\t1/1:x", r"line 9, sample 'b': FORMAT DP is 'x'; the header declares int64"),
        ("GT:AD\t0/1:7,y\t1/1:1", r"line 9, sample 'a': FORMAT AD is '7,y'"),
    ],
)
def test_faults_are_named_by_line_and_sample(tmp_path, row, said):
    path = tmp_path / "x.vcf"
    path.write_text(f"{HEAD}1\t5\t.\tA\tG\t.\t.\t.\t{row}\n")
    with pytest.raises(DataError, match=said):
        data.read_vcf_genotypes(path, format=["DP", "AD"])


def test_keys_that_the_header_does_not_declare_are_refused(imputed):
    with pytest.raises(ConfigError, match=r"declares no FORMAT field 'DPP'. Did you mean 'DP'"):
        data.read_vcf_genotypes(imputed, format=["DPP"])


@pytest.mark.parametrize("number", ["1", "A"])
def test_numbers_are_read_as_python_reads_them(tmp_path, number):
    texts = [
        "0",
        "2",
        ".",
        "0.5",
        "1.02",
        "1.234567",
        "9.999999",
        "0.12345678",
        "12.5",
        "1e-5",
        "-1.5",
        ".5",
        "1.",
        "3",
    ]
    texts += [f"{k / 7:.{k % 7}f}" for k in range(86)]
    rows = [
        f"1\t{k + 1}\t.\tA\tG\t.\t.\t.\tDS:XX\t{a}:7\t{b}"
        for k, (a, b) in enumerate(zip(texts[::2], texts[1::2], strict=True))
    ]
    head = HEAD.replace("ID=DS,Number=A", f"ID=DS,Number={number}").replace("ID=AD", "ID=XX")
    (tmp_path / "x.vcf").write_text(head + "\n".join(rows) + "\n")
    found = data.read_vcf_genotypes(tmp_path / "x.vcf", format=["DS"]).collect()["format_DS"].to_list()
    expected = [float(text) if text != "." else None for text in texts]
    assert found == (expected if number == "1" else [None if x is None else [x] for x in expected])
