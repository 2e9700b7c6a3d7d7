"""VCF, scoring files and phenotypes: real files, round trips, genotypes one by one, damaged files."""

import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import data
from biolab.core import ConfigError, DataError
from biolab.data.text_blocks import compression_of
from biolab.data.vcf_header import vcf_blocks

ALLEL = Path(__file__).parent / "real" / "scikit-allel"
HEAD = (
    '##fileformat=VCFv4.3\n##INFO=<ID=AF,Number=A,Type=Float,Description="a,b">\n##INFO=<ID=DP,Number=1,Type=Integer>\n'
)
HEAD += "##INFO=<ID=DB,Number=0,Type=Flag>\n##INFO=<ID=AA,Number=1,Type=String>\n"
SITE = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def vcf(folder: Path, body: str, samples: tuple[str, ...] = (), name: str = "x.vcf") -> Path:
    path = folder / name
    path.write_text(HEAD + "\t".join([SITE, *(["FORMAT"] if samples else []), *samples]) + "\n" + body)
    return path


def test_sites_of_a_real_file():
    for name in ("sample.vcf", "sample.vcf.gz"):
        found = data.read_vcf(ALLEL / name, info=["NS", "AF", "DB", "AA"]).collect()
        assert found["start"].to_list() == [110, 111, 14369, 17329, 1110695, 1230236, 1234566, 1235236, 9]
        assert found["end"].to_list()[-1] == 11
        assert found["alternate"].to_list()[4:6] == [["G", "T"], []]
        assert found["info_AF"].to_list()[2:5] == [[0.5], [0.017], [0.333, 0.667]]
        assert found["info_DB"].to_list()[2:5] == [True, False, True]
        assert found["info_NS"].to_list()[:3] == [None, None, 3]
        assert found["quality"].to_list()[7] is None
        assert found.filter(pl.col("filter") == "PASS").height == 5


def test_dosages_of_a_real_file_allele_by_allele():
    with pytest.raises(DataError, match=r"line \d+ \(X:10\), sample 'NA00001': genotype '0' has one allele"):
        data.read_vcf_genotypes(ALLEL / "sample.vcf")
    found = data.read_vcf_genotypes(ALLEL / "sample.vcf", haploid="count").collect()
    wide = found.pivot("sample", index=["chromosome", "start", "alternate"], values="dosage")
    assert wide.filter(start=110).rows() == [("19", 110, "C", 0, 0, 1)]
    assert wide.filter(start=1110695).rows() == [("20", 1110695, "G", 1, 1, 0), ("20", 1110695, "T", 1, 1, 2)]
    assert wide.filter(start=1234566).rows() == [("20", 1234566, "GA", 1, 0, None), ("20", 1234566, "GAC", 0, 1, None)]
    assert wide.filter(start=9).select("alternate", "NA00001", "NA00002", "NA00003").rows() == [
        ("A", 0, 1, 0), ("ATG", 0, 0, 1), ("C", 0, 0, 0),
    ]  # fmt: skip
    assert 1230236 not in wide["start"].to_list()


@pytest.mark.parametrize("name", ["sample.utf8.vcf", "altlen.vcf"])
def test_other_real_files_are_read_and_genotypes_counted_one_by_one(name):
    lines = [line.split("\t") for line in (ALLEL / name).read_text().splitlines() if line and not line.startswith("#")]
    found = data.read_vcf(ALLEL / name).collect()
    assert found["start"].to_list() == [int(line[1]) - 1 for line in lines]
    for block in data.read_vcf_dosages(ALLEL / name, haploid="double"):
        assert block.dosage.shape == (
            sum(0 if line[4] == "." else line[4].count(",") + 1 for line in lines),
            len(block.samples),
        )


def test_a_file_without_records_is_an_empty_frame():
    assert data.read_vcf(ALLEL / "empty.vcf").collect().height == 0
    with pytest.raises(DataError, match=r"sample 'NA00002': genotype '0/0/0' has 3 alleles"):
        data.read_vcf_genotypes(ALLEL / "test63.vcf", haploid="double")
    with pytest.raises(DataError, match="VCF file begins with"):
        data.read_vcf(ALLEL / "test48a.vcf")


CALL = st.sampled_from(["0/0", "0|1", "1/1", "./.", ".|0", "1|2", "2/2", "0/10", "10|11", "1", ".", "0", "2"])
FORMAT = st.sampled_from(["GT", "GT:DP", "GT:AD:GQ", "DP"])


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.lists(st.tuples(FORMAT, st.lists(CALL, min_size=3, max_size=3)), min_size=1, max_size=8), st.booleans())
def test_dosages_are_those_of_a_plain_reading(tmp_path_factory, rows, double):
    alternates = [f"A{'C' * k}" for k in range(1, 12)]
    body, expected = "", []
    for k, (form, calls) in enumerate(rows):
        rest = ":7" * form.count(":")
        fields = ["5" if form == "DP" else call + rest for call in calls]
        body += "\t".join(["1", str(k + 1), ".", "A", ",".join(alternates), ".", ".", ".", form, *fields]) + "\n"
        for allele in range(1, 12):
            expected.append([plain(call, allele, double=double) if form != "DP" else np.nan for call in calls])
    path = vcf(tmp_path_factory.mktemp("vcf"), body, ("a", "b", "c"))
    (block,) = data.read_vcf_dosages(path, haploid="double" if double else "count")
    np.testing.assert_array_equal(block.dosage, np.array(expected, dtype=np.float32))
    some = next(data.read_vcf_dosages(path, samples=["c", "a"], haploid="double" if double else "count"))
    np.testing.assert_array_equal(some.dosage, block.dosage[:, [2, 0]])


def plain(call: str, allele: int, *, double: bool) -> float:
    alleles = re.split(r"[/|]", call)
    if "." in alleles:
        return np.nan
    return sum(one == str(allele) for one in alleles) * (2 if double and len(alleles) == 1 else 1)


def test_plain_lines_take_the_short_way_and_agree(tmp_path):
    generator = np.random.default_rng(0)
    calls = np.array(["0|0", "0|1", "1/1", ".|.", "0/."])[generator.integers(0, 5, (400, 7))]
    rows = "".join(f"1\t{k + 1}\trs{k}\tA\tG\t.\tPASS\t.\tGT\t{chr(9).join(one)}\n" for k, one in enumerate(calls))
    path = vcf(tmp_path, rows, tuple("abcdefg"))
    (block,) = data.read_vcf_dosages(path)
    np.testing.assert_array_equal(block.dosage, [[plain(call, 1, double=False) for call in line] for line in calls])
    tidy = data.read_vcf_genotypes(path, samples=["g", "b"]).collect()
    assert tidy["sample"].to_list()[:3] == ["g", "b", "g"]
    assert tidy["dosage"].null_count() == int(np.isnan(block.dosage[:, [6, 1]]).sum())
    means = data.read_vcf_genotypes(path).group_by("sample").agg(pl.col("dosage").mean()).sort("sample")
    np.testing.assert_allclose(means.collect(engine="streaming")["dosage"], np.nanmean(block.dosage, axis=0))


ALLELE = st.text("ACGT", min_size=1, max_size=4)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("1X"), st.integers(0, 9999), ALLELE, st.lists(ALLELE, max_size=3)), min_size=1)
)
def test_sites_come_back_as_written(tmp_path_factory, rows):
    frame = pl.DataFrame(
        rows,
        schema={"chromosome": pl.String, "start": pl.Int64, "reference": pl.String, "alternate": pl.List(pl.String)},
        orient="row",
    )  # fmt: skip
    path = data.write_vcf(tmp_path_factory.mktemp("vcf") / "x.vcf.gz", frame)
    assert data.read_vcf(path).select(frame.columns).collect().equals(frame)


ROW = "1\t5\t.\tA\tG\t.\t.\t.\n"
FAULTS = {
    "cut record": ((ROW + "1\t6\t.\tA\n", ()), "line 8 has 4 tab-separated field"),
    "cut genotypes": (
        ("1\t5\t.\tA\tG\t.\t.\t.\tGT\t0|0\t0|1\n1\t6\t.\tA\tG\t.\t.\t.\tGT\t0|0\n", ("a", "b")),
        "line 8 has 10",
    ),
    "position": ((ROW + "1\tx\t.\tA\tG\t.\t.\t.\n", ()), "line 8: field 2 .start. is 'x'"),
    "no reference": ((ROW + "1\t5\t.\t.\tG\t.\t.\t.\n", ()), "line 8: POS is 5, REF None"),
    "position below 1": ((ROW + "1\t-5\t.\tA\tG\t.\t.\t.\n", ()), "line 8: POS is -5, REF 'A'"),
    "second header": ((ROW + "#CHROM\tPOS\n" + ROW, ()), "line 8: a second #CHROM line"),
    "quality": (("1\t5\t.\tA\tG\tbad\t.\t.\n", ()), "field 6 .quality. is 'bad'"),
    "INFO": (("1\t5\t.\tA\tG\t.\t.\tDP=x\n", ()), "INFO DP is 'x'"),
    "INFO list": (("1\t5\t.\tA\tG\t.\t.\tAF=0.5,y\n", ()), "INFO AF is '0.5,y'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_record_is_named(tmp_path, name):
    (body, samples), expected = FAULTS[name]
    path = vcf(tmp_path, body, samples)
    with pytest.raises(DataError, match=expected):
        data.read_vcf(path, info=["DP", "AF"])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("0/1/1", "has 3 alleles"), ("x/1", "'x/1' is not a genotype"),
        ("0/7", "line 7 .1:5., sample 'b': the genotype names an allele past the 1 alternate"),
        ("1", "has one allele"), ("", "'' is not a genotype"), ("0\\1", "is not a genotype"),
    ],
)  # fmt: skip
def test_a_faulty_genotype_is_named(tmp_path, call, expected):
    path = vcf(tmp_path, f"1\t5\t.\tA\tG\t.\t.\t.\tGT\t0|0\t{call}\n", ("a", "b"))
    with pytest.raises(DataError, match=expected):
        next(data.read_vcf_dosages(path))


def test_headers_and_names_are_checked(tmp_path):
    with pytest.raises(DataError, match="two samples are called 'a'"):
        data.read_vcf(vcf(tmp_path, "", ("a", "a")))
    with pytest.raises(ConfigError, match="no INFO field 'DQ'"):
        data.read_vcf(vcf(tmp_path, ""), info=["DQ"])
    with pytest.raises(ConfigError, match="no sample 'z'"):
        data.read_vcf_genotypes(vcf(tmp_path, "", ("a",)), samples=["z"])
    with pytest.raises(DataError, match="no samples"):
        data.read_vcf_genotypes(vcf(tmp_path, ""))
    (tmp_path / "y.vcf").write_text("##fileformat=VCFv4.3\n##x\n")
    with pytest.raises(DataError, match="no line that begins with #CHROM"):
        data.read_vcf(tmp_path / "y.vcf")
    with pytest.raises(ConfigError, match="haploid"):
        data.read_vcf_genotypes(vcf(tmp_path, "", ("a",)), haploid="once")
    with pytest.raises(DataError, match="lack alternate"):
        data.write_vcf(tmp_path / "z.vcf", pl.DataFrame({"chromosome": ["1"], "start": [1], "reference": ["A"]}))


SCORE = "###PGS CATALOG SCORING FILE\n#pgs_id=PGS000001\n#genome_build=GRCh37\n#variants_number=2\n"
SCORE += "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"


def test_a_scoring_file(tmp_path):
    path = tmp_path / "PGS000001.txt"
    path.write_text(SCORE + "rs1\t1\t100\ta\tG\t0.5\nrs2\tX\t7\tT\t\t-1e-3\n")
    found = data.read_scoring_file(path)
    assert (found.score_id, found.genome_build) == ("PGS000001", "GRCh37")
    assert found.variants.collect().row(0) == ("rs1", "1", 100, "A", "G", 0.5)
    assert found.variants.collect().row(1) == ("rs2", "X", 7, "T", None, -0.001)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SCORE + "rs1\t1\t100\tA\tG\t0.5\n", "holds 1 variants, its header tells 2"),
        (SCORE + "rs1\t1\t100\tA\tG\t0.5\nrs2\t1\t7\tT\tC\tbig\n", "line 7: effect_weight is 'big'"),
        (SCORE + "rs1\t1\t100\tA\tG\t0.5\nrs2\t1\t7\tT\n", "line 7 has 4 column"),
        (SCORE + "rs1\t1\t100\tA\tG\t0.5\nrs2\t1\t7\t\tC\t1\n", "line 7: a variant has no effect_allele"),
        ("#pgs_id=x\n", "no line of column names"),
        ("a\tb\n1\t2\n", "line 1 names the columns a, b"),
    ],
)
def test_a_damaged_scoring_file_is_refused(tmp_path, content, expected):
    path = tmp_path / "score.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=expected):
        data.read_scoring_file(path)


def test_phenotypes_of_plink(tmp_path):
    path = tmp_path / "x.pheno"
    path.write_text("#FID IID  height case site\nf1 i1 170.5 1 A\nf1 i2 -9 2 NA\n\n")
    found = data.read_phenotypes(path).collect()
    assert found.rows() == [("f1", "i1", 170.5, 1, "A"), ("f1", "i2", None, 2, None)]
    assert data.read_phenotypes(path, missing=["NA"]).collect()["height"].to_list() == [170.5, -9.0]
    path.write_text("#IID\tbmi\n001\t22\n")
    assert data.read_phenotypes(path).collect().rows() == [("001", 22)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a b\n1 2\n", "expected IID"), ("FID IID x\nf i\n", "line 2 has 2 column"), ("FID IID x\n", "holds no person"),
        ("FID\tIID\tx\nf\ti\t1\nf\t\t2\n", "line 3: a person has no IID"),
        ("FID IID x\nf i 1\nf i 2\n", "line 3: 'f i' stands a second time"),
        ("IID x x\ni 1 2\n", "two columns are called 'x'"),
    ],
)  # fmt: skip
def test_damaged_phenotypes_are_refused(tmp_path, content, expected):
    path = tmp_path / "x.pheno"
    path.write_text(content)
    with pytest.raises(DataError, match=expected):
        data.read_phenotypes(path)


SUBSET = (
    "1\t5\trs1\tA\tG\t50\tPASS\tDP=9;AF=0.1\tGT:DP\t0|1:3\t1/1:4\t./.:.\n"
    "2\t7\t.\tC\tT,G\t.\tq10\tDP=3\tGT\t0|2\t1|1\t0|0\n"
    "2\t9\trs3\tG\tGA\t9\tPASS\tDP=7\tGT\t0|0\t.|.\t0|1\n"
)


def test_a_subset_keeps_records_and_fields_as_they_stood(tmp_path):
    given = vcf(tmp_path, SUBSET, ("a", "b", "c"))
    made = tmp_path / "made.vcf.gz"
    count = data.subset_vcf(
        given, made, samples=["c", "a"], keep=(pl.col("info_DP") > 5) & (pl.col("filter") == "PASS"), info=["DP"]
    )
    assert count == 2
    raw = gzip.decompress(made.read_bytes()).decode().splitlines()
    assert raw[-3].split("\t")[-2:] == ["c", "a"]
    assert raw[-2].endswith("GT:DP\t./.:.\t0|1:3")
    assert raw[-1] == "2\t9\trs3\tG\tGA\t9\tPASS\tDP=7\tGT\t0|1\t0|0"
    assert compression_of(made) == "bgzip"
    assert data.subset_vcf(given, tmp_path / "all.vcf") == 3
    assert (tmp_path / "all.vcf").read_text() == given.read_text()
    assert data.subset_vcf(given, tmp_path / "sites.vcf", samples=[]) == 3
    assert data.read_vcf(tmp_path / "sites.vcf").collect().equals(data.read_vcf(given).collect())
    with pytest.raises(ConfigError, match="no sample 'd'"):
        data.subset_vcf(given, made, samples=["d"])
    with pytest.raises(ConfigError, match="no INFO field 'DX'"):
        data.subset_vcf(given, made, info=["DX"])


def test_dosages_come_back_as_written(tmp_path):
    given = vcf(tmp_path, SUBSET, ("a", "b", "c"))
    blocks = list(data.read_vcf_dosages(given))
    assert data.write_vcf_dosages(tmp_path / "d.vcf.gz", blocks) == 4
    (again,) = data.read_vcf_dosages(tmp_path / "d.vcf.gz")
    np.testing.assert_array_equal(again.dosage, np.concatenate([block.dosage for block in blocks]))
    assert again.variants.equals(pl.concat([block.variants for block in blocks]))
    one = blocks[0]
    with pytest.raises(DataError, match=r"site 'rs1', sample 2 .* is 0\.5"):
        data.write_vcf_dosages(
            tmp_path / "e.vcf", [replace(one, dosage=np.where(np.isnan(one.dosage), 0.5, one.dosage))]
        )
    with pytest.raises(DataError, match="no block of dosages"):
        data.write_vcf_dosages(tmp_path / "e.vcf", [])
    with pytest.raises(DataError, match="differ in samples"):
        data.write_vcf_dosages(tmp_path / "e.vcf", [one, replace(one, samples=("x", "y", "z"))])
    assert not (tmp_path / "e.vcf").exists()


BCF = Path(__file__).parent / "real" / "htslib"


@pytest.mark.parametrize("name", ["sample", "wide"])
def test_bcf_is_read_as_its_vcf(name):
    binary, text = BCF / f"{name}.bcf", BCF / f"{name}.vcf.gz"
    keys = list(vcf_blocks(text)[0].info)
    assert data.read_vcf(binary, info=keys).collect().equals(data.read_vcf(text, info=keys).collect())
    one, two = (list(data.read_vcf_dosages(path, haploid="count")) for path in (binary, text))
    assert [block.samples for block in one] == [block.samples for block in two]
    np.testing.assert_array_equal(one[0].dosage, two[0].dosage)
    tidy = [data.read_vcf_genotypes(path, haploid="double").collect() for path in (binary, text)]
    assert tidy[0].equals(tidy[1])


def test_damaged_bcf_is_refused(tmp_path):
    whole = gzip.decompress((BCF / "sample.bcf").read_bytes())
    path = tmp_path / "x.bcf"
    cases = {
        "record 9 is cut off": whole[:-3],
        "its header is cut off": whole[:200],
        "another version": b"BCF\x04" + whole[4:],
    }
    for said, content in cases.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            data.read_vcf(path)
    end = 9 + int.from_bytes(whole[5:9], "little")
    path.write_bytes(whole[: end + 8] + b"\x63" + whole[end + 9 :])
    with pytest.raises(DataError, match=r"record 1 is damaged"):
        data.read_vcf(path)
