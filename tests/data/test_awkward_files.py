"""Files as they come from other machines and careless hands, and rows that no file can hold: refused, never misread."""

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab import data
from biolab.core import BiolabError, ConfigError, DataError
from biolab.data.pgen import read_psam, read_pvar
from biolab.genotypes import genotypes_from_dosage, read_plink
from biolab.sequences import quality_profile

BIOPYTHON = Path(__file__).parent / "real" / "biopython"
PLINK = Path(__file__).parents[1] / "validation" / "plink"
FASTA = ">a\nACGT\n>b\nGG\n"
FASTQ = "@a\nAC\n+\nII\n@b\nG\n+\nI\n"
GFF = "c\tx\tgene\t1\t9\t.\t+\t.\tID=a\nc\tx\tgene\t2\t9\t.\t+\t.\tID=b\n"
BED = "c\t1\t2\nc\t2\t3\n"
SAM = "@SQ\tSN:c\tLN:90\nq\t0\tc\t1\t60\t5M\t*\t0\t0\tACGTN\tII5#I\nr\t0\tc\t2\t60\t5M\t*\t0\t0\tACGTN\tII5#I\n"
HEAD = '##fileformat=VCFv4.2\n##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
RECORDS = "1\t5\tr\tA\tG\t.\t.\tDP=3\tGT\t0/1\t0|1\n1\t6\ts\tA\tG\t.\t.\tDP=4\tGT\t1/1\t./.\n"
VCF = HEAD + COLUMNS + RECORDS
SCORES = "#pgs_id=P\nrsID\teffect_allele\teffect_weight\nrs1\tA\t1\nrs2\tC\t2\n"
PEOPLE = "#IID\tx\na\t1\nb\t2\n"
READERS = {
    "fasta": (FASTA, lambda path: data.read_fasta(path).collect()),
    "fastq": (FASTQ, lambda path: data.read_fastq(path).collect()),
    "profile": (FASTQ, lambda path: quality_profile(path).table()),
    "gff": (GFF, lambda path: data.read_gff(path).collect()),
    "bed": (BED, lambda path: data.read_bed(path).collect()),
    "sam": (SAM, lambda path: data.read_alignments(path).collect()),
    "vcf": (VCF, lambda path: data.read_vcf(path, info=["DP"]).collect()),
    "genotypes": (VCF, lambda path: data.read_vcf_genotypes(path).collect()),
    "scores": (SCORES, lambda path: data.read_scoring_file(path).variants.collect()),
    "people": (PEOPLE, lambda path: data.read_phenotypes(path).collect()),
    "genbank": ((BIOPYTHON / "iro.gb").read_text(), lambda path: data.read_genbank(path).collect()),
    "structure": ((BIOPYTHON / "1SSU_mod.pdb").read_text(), lambda path: data.read_structure(path).collect()),
}


def written(folder: Path, content: str | bytes, name: str = "file.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", READERS)
def test_line_ends_of_old_macs_are_refused_and_trailing_blank_lines_are_not(tmp_path, name):
    text, read = READERS[name]
    whole = read(written(tmp_path, text))
    lines = text.rstrip("\n").split("\n")
    for broken, line in (
        (text.replace("\n", "\r"), 1),
        ("\n".join([*lines[:-2], lines[-2] + "\r" + lines[-1]]), len(lines) - 1),
    ):
        with pytest.raises(DataError, match=rf"file.txt, line {line} holds a carriage return"):
            read(written(tmp_path, broken))
    assert read(written(tmp_path, "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n")).equals(whole)
    for byte in (b"\xe9", b"\x00"):
        with pytest.raises(DataError, match=r"file\.txt, line"):
            read(written(tmp_path, text.encode()[:-2] + byte + text.encode()[-1:]))


def test_a_link_to_nothing_a_long_name_and_a_file_of_others_are_said(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(DataError, match="link to gone, which does not exist"):
        data.read_fasta(tmp_path / "link")
    with pytest.raises(DataError, match="cannot be looked up: File name too long"):
        data.read_fasta(tmp_path / ("x" * 5000))
    with pytest.raises(DataError, match="cannot be looked up: File name too long"):
        read_plink(tmp_path / ("x" * 5000))
    path = written(tmp_path, FASTA)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(DataError, match="may not be read by you"):
        data.read_fasta(path)
    with pytest.raises(DataError, match=r"none\.fa does not exist"):  # its folder may not be listed
        data.read_fasta(tmp_path / "none.fa")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VCF + VCF, "line 8: a second #CHROM line"),
        (VCF.replace("1\t6\t", ".\t6\t"), "line 5: CHROM is missing"),
        (VCF.replace("\tA\t", "\t<DEL>\t"), r"line 4: REF is '<DEL>'"),
        (VCF.replace("\tG\t", "\tG,,C\t"), r"line 4: ALT is 'G,,C'; an allele between its commas"),
        (VCF.replace("./.", "0/99999"), r"line 5 \(1:6\), sample 'b': the genotype names an allele past the 1"),
    ],
)
def test_records_of_a_vcf_that_would_be_misread_are_refused(tmp_path, text, expected):
    with pytest.raises(DataError, match=expected):
        data.read_vcf_genotypes(written(tmp_path, text)).collect()


def test_letters_that_part_lines_elsewhere_do_not_in_a_header(tmp_path):
    odd = HEAD + "##note=a\u2028b\x0bc\x85d\n" + COLUMNS + RECORDS
    path = written(tmp_path, odd, "odd.vcf")
    assert data.read_vcf(path).collect()["start"].to_list() == [4, 5]
    assert data.subset_vcf(path, tmp_path / "out.vcf") == 2
    assert (tmp_path / "out.vcf").read_text() == odd


def test_a_blank_line_before_the_first_record_is_no_fault(tmp_path):
    path = written(tmp_path, HEAD + COLUMNS + "\n" + RECORDS)
    assert data.read_vcf(path).collect().height == 2
    assert data.read_vcf_genotypes(path).collect().height == 4


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (1, "-1", "FLAG is '-1'"),
        (3, "1_0", "POS is '1_0'"),
        (3, "-7", "POS is '-7'"),
        (4, "256", "MAPQ is '256'"),
        (5, "7M", "5 bases, of which CIGAR 7M tells 7"),
        (5, "", "CIGAR '' cannot be read"),
        (0, "", "QNAME is empty"),
        (9, "AC GT", "no base or no quality"),
        (10, "II\x01II", "no base or no quality"),
    ],
)
def test_a_faulty_alignment_is_named(tmp_path, field, value, expected):
    fields = SAM.split("\n")[1].split("\t")
    fields[field] = value
    with pytest.raises(DataError, match=f"file.txt, line 2, read .*{expected}"):
        data.read_alignments(written(tmp_path, SAM.split("\n", maxsplit=1)[0] + "\n" + "\t".join(fields) + "\n"))
    with pytest.raises(DataError, match="neither a header nor an alignment"):
        data.read_alignments(written(tmp_path, "\n\n"))


def bam(*records: bytes) -> bytes:
    text = b"@SQ\tSN:c\tLN:900000\n"
    head = b"BAM\x01" + struct.pack("<i", len(text)) + text + struct.pack("<ii", 1, 2) + b"c\x00"
    return head + struct.pack("<i", 900_000) + b"".join(struct.pack("<i", len(one)) + one for one in records)


def bam_record(operations: list[int], bases: int, tags: bytes = b"") -> bytes:
    core = struct.pack("<iiBBHHHiiii", 0, 9, 2, 60, 0, len(operations), 0, bases, -1, -1, 0)
    cigar = struct.pack(f"<{len(operations)}I", *operations)
    return core + b"q\x00" + cigar + b"\x11" * ((bases + 1) // 2) + b"\x1e" * bases + tags


def test_a_bam_needs_no_packing_and_long_cigars_are_those_of_their_tag(tmp_path):
    cigar = [1 << 4, 1 << 4 | 1] * 40_000  # 1M1I again and again
    tags = b"CGBI" + struct.pack("<i", len(cigar)) + struct.pack(f"<{len(cigar)}I", *cigar)
    long = bam_record([80_000 << 4 | 4, 40_000 << 4 | 3], 80_000, tags)
    path = written(tmp_path, bam(bam_record([3 << 4], 3), long), "x.bam")
    found = data.read_alignments(path).collect()
    assert found["cigar"].to_list() == ["3M", "1M1I" * 40_000]
    assert found["tags"].to_list() == [None, None]
    assert found["end"].to_list() == [12, 40_009]
    with pytest.raises(DataError, match=r"record 1 .*3 bases, of which CIGAR 4M tells 4"):
        data.read_alignments(written(tmp_path, bam(bam_record([4 << 4], 3)), "y.bam"))
    with pytest.raises(DataError, match="a length is -5; the file is damaged"):
        data.read_alignments(written(tmp_path, bam() + struct.pack("<i", -5), "z.bam"))


def test_whole_numbers_in_arrays_of_bam_keep_their_digits(tmp_path):
    tags = b"XIBI" + struct.pack("<iII", 2, 1, 4_000_000_000) + b"XGBf" + struct.pack("<if", 1, 1.5)
    found = data.read_alignments(written(tmp_path, bam(bam_record([3 << 4], 3, tags)), "x.bam")).collect()
    assert found["tags"].to_list() == ["XI:B:I,1,4000000000\tXG:B:f,1.5"]


def test_a_header_of_bcf_that_is_no_text_is_refused(tmp_path):
    text = (HEAD + COLUMNS).encode().replace(b"##INFO", b"##\xff\xff")
    path = written(tmp_path, gzip.compress(b"BCF\x02\x02" + struct.pack("<I", len(text)) + text), "x.bcf")
    with pytest.raises(DataError, match="header is not UTF-8"):
        data.read_vcf(path)


def test_a_line_among_the_features_that_is_none_is_refused(tmp_path):
    text = (BIOPYTHON / "cor6_6.gb").read_text()
    at = text.index("     CDS  ")
    with pytest.raises(DataError, match=r"line 1: record 'X55053.1' is damaged: line too short .*'junk junk'"):
        data.read_genbank(written(tmp_path, text[:at] + "junk junk\n" + text[at:]))


def test_a_broken_loop_of_mmcif_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read as mmCIF"):
        data.read_structure(written(tmp_path, "data_x\nloop_\n1 2\n"))


def test_an_indented_table_of_features_is_refused(tmp_path):
    text = (BIOPYTHON / "cor6_6.gb").read_text()
    line = text[: text.index("FEATURES ")].count("\n") + 1
    with pytest.raises(DataError, match=rf"line {line}: FEATURES is indented"):
        data.read_genbank(written(tmp_path, text.replace("FEATURES ", " FEATURES ")))


def test_a_feature_without_a_place_is_refused(tmp_path):
    text = (BIOPYTHON / "cor6_6.gb").read_text()
    at = text.index("     CDS  ")
    line = text[at : text.index("\n", at)]
    with pytest.raises(DataError, match=r"record 1 \(line 1 and following\), a CDS: Could not parse feature location"):
        data.read_genbank(written(tmp_path, text.replace(line, line[:21] + "12..x9")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SCORES.replace("\t1\n", "\tnan\n"), "line 3: effect_weight is 'nan'"),
        (SCORES.replace("\t1\n", "\tinf\n"), "line 3: effect_weight is 'inf'"),
        (SCORES.replace("\t2\n", "\t\n"), "line 4: a variant has no effect_weight"),
        (SCORES.replace("weight\n", "weight\teffect_weight\n"), "two columns are called 'effect_weight'"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(tmp_path, text, expected):
    with pytest.raises(DataError, match=expected):
        data.read_scoring_file(written(tmp_path, text))


def test_missing_phenotypes_are_null_however_they_are_written(tmp_path):
    path = written(tmp_path, "IID x y\na NaN -9.0\nb na 1.5\nc 3 2\n")
    assert data.read_phenotypes(path).collect().rows() == [("a", None, None), ("b", None, 1.5), ("c", 3, 2.0)]
    with pytest.raises(DataError, match="line 2: x is 'inf'"):
        data.read_phenotypes(written(tmp_path, "IID x\na inf\n"))
    with pytest.raises(DataError, match="line 3: a person has no IID"):
        data.read_phenotypes(written(tmp_path, "#IID\tx\na\t1\n\t2\n"))


def test_names_of_chromosomes_are_no_lines_for_a_browser_and_needed(tmp_path):
    text = "track name=x\nbrowser position c\ntracker\t1\t2\nbrowser_1\t2\t3\n"
    assert data.read_bed(written(tmp_path, text)).collect()["chromosome"].to_list() == ["tracker", "browser_1"]
    with pytest.raises(DataError, match="line 2: the interval has no chromosome"):
        data.read_bed(written(tmp_path, "c\t1\t2\n\t1\t2\n"))
    with pytest.raises(DataError, match="line 1: the feature has no chromosome"):
        data.read_gff(written(tmp_path, GFF[1:]))


def test_gtf_is_seen_where_its_first_attribute_is_a_number(tmp_path):
    text = 'c\tx\texon\t1\t9\t.\t+\t.\texon_number 3; gene_id "g";\n'
    assert data.read_gff(written(tmp_path, text)).collect()["gene_id"].to_list() == ["g"]


@pytest.fixture
def plink(tmp_path) -> Path:
    dosage = np.array([[0, 1, 2, 1, 1, 1], [2, 2, 1, 0, 1, 0.0]])
    genotypes_from_dosage(dosage).write(tmp_path / "x")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("x.fam", lambda text: "FID IID PAT MAT SEX PHENO\n" + text, "line 1 is a header"),
        ("x.bim", lambda text: "#CHROM\tID\tCM\tPOS\tA1\tA2\n" + text, "line 1 is a header"),
        ("x.fam", lambda text: text[: text.rstrip().rindex("\n") + 1], "calls beyond the 5 samples of its .fam"),
        ("x.fam", lambda text: text.replace("\n", "\r"), "line 1 holds a carriage return"),
        ("x.bim", lambda text: text[:-3] + "\x00" + text[-2:], r"x\.bim, line 2 is not text"),
        ("x.fam", lambda text: "\x00" + text[1:], r"x\.fam, line 1 is not text"),
    ],
)
def test_a_fam_or_bim_of_other_lines_is_refused_though_the_bed_fits(plink, name, change, expected):
    path = plink / name
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=expected):
        read_plink(plink / "x")
    path.write_bytes(gzip.compress(b"1 2 3\n"))
    with pytest.raises(DataError, match="packed with gzip"):
        read_plink(plink / "x")


def test_blank_lines_at_the_end_of_a_bim_are_no_variants(plink):
    (plink / "x.bim").write_text((plink / "x.bim").read_text() + "\n \n")
    assert read_plink(plink / "x").variants.height == 2


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.pvar", "#CHROM\tPOS\tID\tID\tALT\n1\t5\tv\tA\tC\n", "two columns are called 'ID'"),
        ("x.pvar", "#CHROM\tPOS\tID\tREF\tALT\n1\t5\tv\tA\t\n", "line 2: ALT is empty"),
        ("x.pvar", "#CHROM\tPOS\tID\tREF\tALT\r1\t5\tv\tA\tC\r", "carriage return"),
        ("x.psam", "#FID\tSEX\nf\t1\n", "column IID is missing"),
    ],
)
def test_tables_of_a_pgen_that_do_not_tell_are_refused(tmp_path, name, text, expected):
    path = written(tmp_path, text, name)
    with pytest.raises(DataError, match=expected):
        (read_pvar if name == "x.pvar" else read_psam)(path)
    told = written(tmp_path, "\ufeff##x=a\u2028b\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\tv\tA\tC\n\n", "y.pvar")
    assert read_pvar(told)["variant_id"].to_list() == ["v"]


@pytest.mark.slow
def test_a_pgen_cut_off_is_refused_where_it_is_read(tmp_path):
    for ending in ("pgen", "pvar", "psam"):
        whole = (PLINK / f"imputed.{ending}").read_bytes()
        (tmp_path / f"x.{ending}").write_bytes(whole[:-40] if ending == "pgen" else whole)
    with pytest.raises(DataError, match=r"x\.pgen is damaged or cut off"):
        list(data.read_pgen_dosages(tmp_path / "x"))


SITE = {"chromosome": ["1"], "start": [1], "reference": ["A"], "alternate": ["G"]}
WRITES = {
    "fasta without sequences": (data.write_fasta, {"id": ["a"]}, "no column 'sequence'"),
    "fasta of numbers": (data.write_fasta, {"id": [1], "sequence": ["A"]}, "'id' is Int64; expected text"),
    "fasta in lines": (data.write_fasta, {"id": ["a"], "sequence": ["A\n>b\nC"]}, "would break the lines"),
    "fasta description": (data.write_fasta, {"id": ["a"], "sequence": ["A"], "description": ["x\n>y"]}, "would break"),
    "fasta letters": (data.write_fasta, {"id": ["a"], "sequence": ["A1"]}, "'a': its sequence holds '1'"),
    "fastq without": (data.write_fastq, {"id": ["a"], "sequence": ["A"]}, "no column 'quality'"),
    "fastq of nothing": (data.write_fastq, {"id": ["a"], "sequence": [None], "quality": [None]}, "Read 'a'"),
    "fastq quality": (data.write_fastq, {"id": ["a"], "sequence": ["AC"], "quality": ["I "]}, "Read 'a'"),
    "bed tab": (data.write_bed, {"chromosome": ["1"], "start": [1], "end": [2], "name": ["a\tb"]}, "would break"),
    "bed text": (data.write_bed, {"chromosome": ["1"], "start": ["1"], "end": ["2"]}, "'start' is String"),
    "bed comment": (data.write_bed, {"chromosome": ["#1"], "start": [1], "end": [2]}, "begins without #"),
    "bed nowhere": (data.write_bed, {"chromosome": [None], "start": [1], "end": [2]}, "chromosome is None"),
    "bed strand": (
        data.write_bed,
        {"chromosome": ["1"], "start": [1], "end": [2], "name": ["n"], "score": [1.0], "strand": ["x"]},
        "strand is 'x'",
    ),
    "vcf tab": (data.write_vcf, SITE | {"info": ["a\tb"]}, "would break"),
    "vcf comment": (data.write_vcf, SITE | {"chromosome": ["#1"]}, "begins without #"),
    "vcf place": (data.write_vcf, SITE | {"start": [-3]}, "below 0"),
    "vcf half": (data.write_vcf, SITE | {"start": [1.5]}, "'start' is Float64"),
    "vcf list": (data.write_vcf, SITE | {"filter": [["PASS"]]}, "'filter' is List"),
}


@pytest.mark.parametrize("name", WRITES)
def test_rows_that_a_file_cannot_hold_are_refused_and_leave_nothing(tmp_path, name):
    write, rows, expected = WRITES[name]
    with pytest.raises(BiolabError, match=expected):
        write(tmp_path / "out.txt", pl.DataFrame(rows))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "samples", "expected"),
    [
        ({}, ("a", "a"), "the name of another one"),
        ({}, ("a\tx", "b"), "would break"),
        ({}, ("a", "b", "c"), r"shape \(1, 2\); expected 1 variants by 3"),
        ({"variant_id": ["r\ts"]}, ("a", "b"), "would break"),
        ({"alternate": ["G,T"]}, ("a", "b"), "expected one allele"),
        ({"alternate": [None]}, ("a", "b"), "expected one allele"),
    ],
)
def test_dosages_that_a_vcf_cannot_hold_are_refused(tmp_path, change, samples, expected):
    sites = pl.DataFrame(SITE | {"variant_id": ["r"]} | change)
    block = data.DosageBlock(variants=sites, samples=samples, dosage=np.array([[0.0, 1.0]]))
    with pytest.raises(DataError, match=expected):
        data.write_vcf_dosages(tmp_path / "out.vcf", [block])
    assert not list(tmp_path.iterdir())


def test_a_subset_asked_for_wrongly_is_refused_and_bgz_is_packed(tmp_path):
    path, out = written(tmp_path, VCF, "in.vcf"), tmp_path / "out.vcf.bgz"
    for settings, expected in (
        ({"samples": ["a", "a"]}, "asked for twice"),
        ({"keep": pl.col("info_DP") > 3}, "Keys of INFO must stand in info"),
        ({"keep": pl.col("start")}, "keep is no condition"),
    ):
        with pytest.raises(ConfigError, match=expected):
            data.subset_vcf(path, out, **settings)
    assert not out.exists()
    assert data.subset_vcf(path, out) == 2
    assert zlib.decompressobj(wbits=31).decompress(out.read_bytes()).decode() == VCF
