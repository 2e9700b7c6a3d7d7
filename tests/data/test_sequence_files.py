"""FASTA, FASTQ, BED, GFF, GenBank, EMBL, structures, SAM and BAM: round trips, Biopython's answers, damaged files."""

import gzip
import io
import itertools
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import data
from biolab.core import BiolabError, ConfigError, DataError
from biolab.data.text_blocks import byte_blocks, compression_of, line_blocks

REAL = Path(__file__).parent / "real"
BIOPYTHON, ALLEL = REAL / "biopython", REAL / "scikit-allel"
NAME = st.text("abcXYZ019_|:-", min_size=1, max_size=8)
BASES = st.text("ACGTNacgt", min_size=1, max_size=130)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@settings(derandomize=True, max_examples=15, deadline=None)
@given(
    st.dictionaries(NAME, st.tuples(BASES, st.none() | st.text("ab c", min_size=1).map(str.strip))), st.integers(1, 70)
)
def test_fasta_comes_back_as_written(tmp_path_factory, records, width):
    rows = [(name, said or None, bases) for name, (bases, said) in records.items()]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("id", "description", "sequence"), pl.String), orient="row")
    path = tmp_path_factory.mktemp("fasta") / "some.fa.gz"
    data.write_fasta(path, frame, width=width)
    if rows:
        assert data.read_fasta(path).collect().equals(frame)
    else:
        with pytest.raises(DataError, match="holds no record"):
            data.read_fasta(path)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(NAME, st.text("ACGTN", max_size=40)), min_size=1, max_size=9), st.randoms(use_true_random=False)
)
def test_fastq_comes_back_as_written(tmp_path_factory, reads, chance):
    rows = [(name, None, bases, "".join(chance.choice("!#5IJ~") for _ in bases)) for name, bases in reads]
    frame = pl.DataFrame(rows, schema=list(data.fastq.FASTQ), orient="row").cast(pl.String)
    path = data.write_fastq(tmp_path_factory.mktemp("fastq") / "some.fastq", frame)
    assert data.read_fastq(path).collect().equals(frame)


def test_long_reads_with_descriptions_come_back_whatever_is_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(data.fastq, "_WRITTEN", 100)
    rows = [(f"r{k}", None if k % 3 else f"of run {k}", "ACGT" * k, "I#5~" * k) for k in range(40)]
    frame = pl.DataFrame(rows, schema=data.fastq.FASTQ, orient="row")
    path = data.write_fastq(tmp_path / "long.fastq.gz", frame)
    assert data.read_fastq(path).collect().equals(frame)
    nothing = data.write_fastq(tmp_path / "none.fastq", frame.head(0))
    assert not nothing.read_bytes()


@pytest.mark.parametrize("name", ["example.fastq", "example_dos.fastq", "sanger_full_range_original_sanger.fastq"])
def test_reads_are_those_of_biopython(name):
    from Bio import SeqIO

    records = SeqIO.parse(io.StringIO((BIOPYTHON / name).read_text()), "fastq")
    expected = [(one.id, str(one.seq), one.letter_annotations["phred_quality"]) for one in records]
    found = data.read_fastq(BIOPYTHON / name).collect()
    assert [
        (i, s, [ord(c) - 33 for c in q]) for i, s, q in found.select("id", "sequence", "quality").iter_rows()
    ] == expected


@pytest.mark.parametrize("path", sorted(BIOPYTHON.glob("error_*.fastq")), ids=lambda path: path.stem)
def test_damaged_reads_are_refused_with_file_and_line(path):
    with pytest.raises(DataError, match=re.escape(str(path)) + r"(, line \d+| is )"):
        data.read_fastq(path)


GENBANK = b"""LOCUS       x                          6 bp    DNA     linear   UNK 01-JAN-1980
FEATURES             Location/Qualifiers
     CDS             1..6
ORIGIN
        1 atggcc
//
"""
FAULTS = {
    "empty": (data.read_fasta, b"", "is empty"),
    "no record": (data.read_fasta, b"\n\n", "holds no record"),
    "no header": (data.read_fasta, b"\nACGT\n", "line 2: expected '>'"),
    "FASTQ as FASTA": (data.read_fasta, b"@r\nA\n+\nI\n", "use read_fastq"),
    "FASTA as FASTQ": (data.read_fastq, b">r\nACGT\n>s\nA\n", "use read_fasta"),
    "GenBank as FASTA": (data.read_fasta, b"LOCUS x\n", "use read_genbank"),
    "no name": (data.read_fasta, b">a\nA\n> b\nA\n", "line 3: a record has no name"),
    "no sequence": (data.read_fasta, b">a\nA\n>b\n", "line 3: record 'b' has no sequence"),
    "twice": (data.read_fasta, b">a\nA\n\n>a\nC\n", "line 4: a record called 'a'"),
    "digits": (data.read_fasta, b">a\n1 ACGT\n", "record 'a' holds '1'"),
    "not UTF-8": (data.read_fasta, b">a\nA\n>\xb0\xa1\nA\n", "line 3: byte 0xb0 is not UTF-8"),
    "zeros": (data.read_fasta, b">a\nA\x00C\n", "line 2 is not text"),
    "UTF-16": (data.read_fasta, "\ufeff>a\nA\n".encode("utf-16-le"), "UTF-16"),
    "zip": (data.read_fasta, b"PK\x03\x04....", "zip archive"),
    "zstd": (data.read_fastq, b"\x28\xb5\x2f\xfd....", "zstd"),
    "cut read": (data.read_fastq, b"@a\nA\n+\nI\n@b\nAC\n", "record 2: read 'b' is cut off after 2 line"),
    "cut quality": (data.read_fastq, b"@a\nACGT\n+\nII\n", "'a' has 4 bases and 2 quality letters"),
    "wrapped read": (data.read_fastq, b"@a\nAC\nGT\n+\nIIII\n@b\nA\n", "does not begin with '\\+'"),
    "truncated gzip": (data.read_fasta, gzip.compress(b">a\n" + b"ACGT\n" * 99)[:-9], "truncated|damaged"),
    "damaged gzip": (data.read_fasta, gzip.compress(b">a\nACGT\n")[:12] + b"zzzzzzzzzzzzzzzz", "damaged|truncated"),
    "BED as text": (data.read_bed, b"1 100 200\n", "has 1 tab-separated field"),
    "BED without rows": (data.read_bed, b"track name=x\n#c\n", "holds no interval"),
    "BED backwards": (data.read_bed, b"track\n1\t5\t9\n1\t9\t5\n", "line 3: the interval from 9 to 5"),
    "BED number": (data.read_bed, b"1\t5\t9\n1\tx\t5\n", "line 2: field 2 .start. is 'x'"),
    "BED ragged": (data.read_bed, b"1\t5\t9\n#\n1\t9\n", "line 3 has 2 tab-separated"),
    "BED strand": (data.read_bed, b"1\t5\t9\ta\t0\tx\n", "strand is 'x'"),
    "GFF fields": (data.read_gff, b"##gff-version 3\n1\ta\tgene\n", "line 2 has 3 tab-separated"),
    "GFF zero": (data.read_gff, b"1\ta\tgene\t0\t5\t.\t+\t.\tID=x\n", "line 1: the feature from 0 to 5"),
    "GFF phase": (data.read_gff, b"1\ta\tgene\t1\t5\t.\t+\t7\tID=x\n", "phase is 7"),
    "GFF attributes": (data.read_gff, b"1\ta\tgene\t1\t5\t.\t+\t.\tID\n", "not name=value pairs"),
    "GFF nothing": (data.read_gff, b"##gff-version 3\n", "holds no feature"),
    "behind gzip": (data.read_fasta, gzip.compress(b">a\nACGT\n") + b"junk", "behind the end of gzip, after 8 bytes"),
    "old Mac": (data.read_fastq, b"@a\rAC\r+\rII\r", r"line 1 holds a carriage return without a line feed"),
    "old Mac SAM": (data.read_alignments, b"@HD\tVN:1.6\rr\t4\t*\t0\t0\t*\t*\t0\t0\tAC\tII\r", "carriage return"),
    "SAM flag": (
        data.read_alignments,
        b"r\tx\t*\t0\t0\t*\t*\t0\t0\tAC\tII\n",
        "read 'r': FLAG is 'x'; expected a whole",
    ),
    "SAM CIGAR": (
        data.read_alignments,
        b"r\t0\tc\t5\t60\t1S2I3D4M\t*\t0\t0\tACGTAC\tIIIIII\n",
        "it has 6 bases, of which CIGAR 1S2I3D4M tells 7",
    ),
    "GenBank cut": (data.read_genbank, b"LOCUS       x 4 bp DNA linear UNK\nORIGIN\n        1 ac", "truncated"),
    "GenBank place": (
        data.read_genbank,
        GENBANK.replace(b"1..6", b"1..x"),
        r"a CDS: Could not parse feature location '1..x'",
    ),
    "GenBank end": (data.read_genbank, GENBANK.replace(b"1..6", b"1..7"), r"feature 0 .CDS. ends at 7, behind .* at 6"),
    "neither": (data.read_genbank, b">a\nACGT\n", "GenBank begins with LOCUS"),
    "structure": (data.read_structure, b"hello\n", "expected PDB"),
    "SAM": (data.read_alignments, b"@HD\tVN:1.6\nr1\t0\tchr1\t5\n", "line 2 has 4 tab-separated"),
    "SAM lengths": (data.read_alignments, b"r\t0\tc\t5\t9\t3M\t*\t0\t0\tACG\tII\n", "3 bases and 2 quality"),
    "SAM cigar": (data.read_alignments, b"r\t0\tc\t5\t9\tM3\t*\t0\t0\tACG\tIII\n", "CIGAR 'M3'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_clear_error(tmp_path, name):
    read, content, expected = FAULTS[name]
    path = written(tmp_path, "file", content)
    with pytest.raises(DataError, match=expected) as caught:
        read(path).collect()
    assert str(path) in str(caught.value)


def test_a_missing_file_names_the_nearest(tmp_path):
    written(tmp_path, "reads.fastq", "@a\nA\n+\nI\n")
    with pytest.raises(DataError, match=r"Did you mean 'reads\.fastq'"):
        data.read_fastq(tmp_path / "read.fastq")


def test_a_fault_far_down_a_large_file_is_said_at_collection(tmp_path):
    path = written(tmp_path, "large.fastq", "@r\nACGTACGTAC\n+\nIIIIIIIIII\n" * 60_000 + "@bad\nA\n+\nII\n")
    reads = data.read_fastq(path)
    assert reads.head(2).collect().height == 2
    with pytest.raises(pl.exceptions.ComputeError, match="line 240001, record 60001: read 'bad' has 1 bases"):
        reads.select(pl.len()).collect()


def test_only_what_is_asked_for_is_kept_and_filters_apply(tmp_path):
    path = written(tmp_path, "a.fa", "".join(f">r{k} x\n{'AC' * (k + 1)}\n" for k in range(50)))
    frame = data.read_fasta(path)
    assert frame.filter(pl.col("sequence").str.len_bytes() > 90).select("id").collect().height == 5
    assert frame.select(pl.len()).collect().item() == 50
    assert frame.collect(engine="streaming").equals(frame.collect())


def test_packing_is_seen_from_content_and_parts_join(tmp_path):
    from Bio import bgzf

    text = "".join(f">r{k}\n{'ACGT' * 300}\n" for k in range(400))
    plain, packed, blocked = (tmp_path / name for name in ("a", "b", "c"))
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text[:1000].encode()) + gzip.compress(text[1000:].encode()))
    with bgzf.BgzfWriter(str(blocked), "wb") as handle:
        handle.write(text.encode())
    assert [compression_of(path) for path in (plain, packed, blocked)] == ["none", "gzip", "bgzip"]
    for path in (plain, packed, blocked):
        assert b"".join(byte_blocks(path)).decode() == text
        numbers = [(block.first_line, block.ends.size) for block in line_blocks(path)]
        assert sum(size for _, size in numbers) == 800
        assert all(b[0] == a[0] + a[1] for a, b in itertools.pairwise(numbers))
    written(tmp_path, "cut", blocked.read_bytes()[:-28])
    with pytest.raises(DataError, match="truncated"):
        list(byte_blocks(tmp_path / "cut"))


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("12X"), st.integers(0, 99), st.integers(0, 9), NAME), min_size=1, max_size=9))
def test_intervals_come_back_as_written(tmp_path_factory, rows):
    frame = pl.DataFrame(
        [(c, s, s + n, name) for c, s, n, name in rows], schema=["chromosome", "start", "end", "name"], orient="row"
    )
    path = data.write_bed(tmp_path_factory.mktemp("bed") / "x.bed.gz", frame)
    assert data.read_bed(path).collect().equals(frame)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match="blanks"):
        data.write_fasta(tmp_path / "x.fa", pl.DataFrame({"id": ["a", "b c"], "sequence": ["A", "C"]}))
    with pytest.raises(DataError, match="start <= end"):
        data.write_bed(tmp_path / "x.bed", pl.DataFrame({"chromosome": ["1"], "start": [5], "end": [2]}))
    with pytest.raises(DataError, match="quality"):
        data.write_fastq(tmp_path / "x.fq", pl.DataFrame({"id": ["a"], "sequence": ["AC"], "quality": ["I"]}))
    with pytest.raises(BiolabError, match="cannot be written"):
        data.write_fasta(written(tmp_path, "file", "") / "x.fa", pl.DataFrame({"id": ["a"], "sequence": ["A"]}))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_gff3_and_gtf(tmp_path):
    found = data.read_gff(ALLEL / "sample.sorted.gff.gz", attributes=["ID", "Name"]).collect()
    raw = gzip.decompress((ALLEL / "sample.sorted.gff.gz").read_bytes()).decode().splitlines()
    lines = [line.split("\t") for line in raw if not line.startswith("#")]
    assert found["start"].to_list() == [int(line[3]) - 1 for line in lines]
    assert found["ID"].to_list() == [dict(x.split("=") for x in line[8].split(";") if x).get("ID") for line in lines]
    text = (
        '1\th\texon\t11\t20\t.\t-\t0\tgene_id "g;1"; transcript_id "t"; tag "a"; tag "b"; level 2\n##FASTA\n>x\nACGT\n'
    )
    path = written(tmp_path, "a.gtf", text.replace("g;1", "g1"))
    found = data.read_gff(path, attributes=["gene_id", "tag", "level", "none"]).collect()
    assert found.select("start", "end", "gene_id", "tag", "level", "none").row(0) == (10, 20, "g1", "a,b", "2", None)
    path = written(tmp_path, "b.gff3", "1\ta\tgene\t1\t5\t.\t?\t.\tID=a%3Bb;Name=x\n")
    assert data.read_gff(path).collect()["ID"].item() == "a;b"


@pytest.mark.parametrize(
    ("name", "style"), [("cor6_6.gb", "genbank"), ("TRBG361.embl", "embl"), ("pBAD30.gb", "genbank")]
)
def test_features_and_records_are_those_of_biopython(name, style):
    import warnings

    from Bio import SeqIO

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        records = list(SeqIO.parse(io.StringIO((BIOPYTHON / name).read_text()), style))
    found = data.read_genbank(BIOPYTHON / name, table="records").collect()
    assert found["record_id"].to_list() == [one.id for one in records]
    assert found["sequence"].to_list() == [str(one.seq) for one in records]
    features = data.read_genbank(BIOPYTHON / name).collect()
    expected = [(one.id, f.type, int(f.location.start), int(f.location.end)) for one in records for f in one.features]
    assert features.select("record_id", "type", "start", "end").rows() == expected
    joined = features.filter(pl.col("parts").list.len() > 1)["parts"].to_list()
    assert all(part["start"] < part["end"] for parts in joined for part in parts)


def test_genbank_without_its_end_is_truncated():
    with pytest.raises(DataError, match=r"no_end_marker.gb is truncated: the record that begins in line 1"):
        data.read_genbank(BIOPYTHON / "no_end_marker.gb")
    with pytest.raises(ConfigError, match="records"):
        data.read_genbank(BIOPYTHON / "iro.gb", table="record")


def test_pdb_and_mmcif_hold_the_same_atoms():
    pdb, cif = (data.read_structure(BIOPYTHON / f"1SSU_mod.{kind}").collect() for kind in ("pdb", "cif"))
    shared = ["model", "chain", "residue_number", "residue", "atom", "x", "y", "z"]
    assert pdb.height > 0
    assert pdb.select(shared).equals(cif.select(shared))
    alternates = data.read_structure(BIOPYTHON / "disordered.pdb").collect()["alternate_location"]
    assert alternates.n_unique() > 1


def test_sam_and_bam_agree_with_pysams_meaning():
    sam = data.read_alignments(BIOPYTHON / "sam1.sam").collect()
    bam = data.read_alignments(BIOPYTHON / "bam1.bam").collect()
    lines = [one.split("\t") for one in (BIOPYTHON / "sam1.sam").read_text().splitlines() if not one.startswith("@")]
    assert sam["name"].to_list() == [one[0] for one in lines]
    assert sam["start"].to_list() == [int(one[3]) - 1 if int(one[3]) else None for one in lines]
    shared = sam.join(bam, on=["name", "flag"], suffix="_bam")
    assert shared.height > 50
    for name in ("chromosome", "start", "end", "cigar", "sequence", "quality", "mapping_quality", "template_length"):
        assert shared[name].equals(shared[f"{name}_bam"], null_equal=True), name
