"""What each tool does on each work of `files.py`, run in a process of its own; prints a line of JSON.

    python benchmarks/files_tools.py TOOL WORK FOLDER REPEATS

Every function returns numbers that must be the same for all tools of a work. Positions are summed as 64 bits: some
tools hold them as 32, whose sum over a chromosome overflows.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from surroundings import installed, peak_mib

Found = list[float]


def biolab_fastq(path: Path) -> Found:
    from biolab.sequences import quality_profile

    profile = quality_profile(path, positions=150)
    gc = profile.base.sum(axis=0)
    return [profile.reads, int(gc[1] + gc[2]), int((profile.quality.sum(axis=0) * np.arange(94)).sum())]


def _profile(reads: object, sequence: str, quality: str) -> Found:
    """Count GC and the sum of qualities at each position, read by read: the usual loop over a parser."""
    count = gc = 0
    by_position = np.zeros(1000, dtype=np.int64)
    for read in reads:  # ty: ignore[not-iterable]
        bases = getattr(read, sequence)
        gc += bases.count("G") + bases.count("C")
        by_position[: len(bases)] += np.frombuffer(getattr(read, quality).encode(), dtype=np.uint8)
        count += 1
    return [count, gc, int(by_position.sum()) - 33 * 150 * count]


def needletail_fastq(path: Path) -> Found:
    import needletail

    return _profile(needletail.parse_fastx_file(str(path)), "seq", "qual")


def dnaio_fastq(path: Path) -> Found:
    import dnaio

    with dnaio.open(path) as reads:
        return _profile(reads, "sequence", "qualities")


def biopython_fastq(path: Path) -> Found:
    from Bio.SeqIO.QualityIO import FastqGeneralIterator

    class Read:
        def __init__(self, sequence: str, quality: str) -> None:
            self.sequence, self.quality = sequence, quality

    with path.open() as handle:
        return _profile(
            (Read(bases, scores) for _, bases, scores in FastqGeneralIterator(handle)), "sequence", "quality"
        )


def polars_bio_fastq(path: Path) -> Found:
    """GC alone: it has no sum of qualities in the same pass."""
    import polars as pl
    import polars_bio

    gc = pl.col("sequence").str.count_matches("[GC]").sum()
    count, found = polars_bio.scan_fastq(str(path)).select(pl.len(), gc.alias("gc")).collect().row(0)
    return [count, found]


def biolab_sites(path: Path) -> Found:
    import polars as pl

    from biolab.data import read_vcf

    frame = read_vcf(path).select("chromosome", "start", "variant_id", "reference", "alternate", "quality", "filter")
    found = frame.collect()
    return [found.height, found["start"].sum(), found.select(pl.col("variant_id").str.len_bytes().sum()).item()]


def oxbow_sites(path: Path) -> Found:
    import oxbow
    import polars as pl

    fields = ["chrom", "pos", "id", "ref", "alt", "qual", "filter"]
    found = oxbow.from_vcf(str(path), compression="bgzf", fields=fields, info_fields=None).to_polars()
    found = found.collect() if isinstance(found, pl.LazyFrame) else found
    names = found["id"].list.join("") if found["id"].dtype == pl.List else found["id"]
    return [found.height, found["pos"].cast(pl.Int64).sum() - found.height, names.str.len_bytes().sum()]


def polars_bio_sites(path: Path) -> Found:
    import polars as pl
    import polars_bio

    frame = polars_bio.scan_vcf(str(path), info_fields=[], format_fields=[], use_zero_based=True)
    found = frame.select("chrom", "start", "id", "ref", "alt", "qual", "filter").collect()
    return [found.height, found["start"].cast(pl.Int64).sum(), found.select(pl.col("id").str.len_bytes().sum()).item()]


def pysam_sites(path: Path) -> Found:
    import pysam

    rows = [
        (one.chrom, one.start, one.id, one.ref, one.alts, one.qual, tuple(one.filter))
        for one in pysam.VariantFile(str(path))
    ]
    return [len(rows), sum(row[1] for row in rows), sum(len(row[2]) for row in rows)]


def biolab_genotypes(path: Path) -> Found:
    from biolab.data import read_vcf_dosages

    count, total, missing = 0, 0.0, 0
    for block in read_vcf_dosages(path):
        count += block.dosage.shape[0]
        absent = np.isnan(block.dosage)
        total += float(block.dosage[~absent].sum(dtype=np.float64))
        missing += int(absent.sum())
    return [count, total, missing]


def cyvcf2_genotypes(path: Path) -> Found:
    import cyvcf2

    count = total = missing = 0
    for variant in cyvcf2.VCF(str(path), gts012=True):
        types = variant.gt_types  # 0, 1, 2 alternate alleles, 3 unknown
        absent = types == 3
        count += 1
        total += int(types[~absent].sum())
        missing += int(absent.sum())
    return [count, float(total), missing]


def polars_bio_genotypes(path: Path) -> Found:
    import polars as pl
    import polars_bio

    frame = polars_bio.scan_vcf(str(path), info_fields=[], format_fields=["GT"]).collect()
    calls = frame["genotypes"].struct.field("GT") if "genotypes" in frame.columns else frame["GT"]
    texts = calls.list.explode()
    missing = texts.is_null() | texts.str.contains(".", literal=True)
    total = texts.filter(~missing).str.count_matches("1").sum()
    return [frame.height, float(total), int(pl.Series(missing).sum())]


def _sequences(folder: Path) -> tuple[list[str], list[str]]:
    queries, targets = (folder / name for name in ("queries", "targets"))
    return queries.read_text().split(), targets.read_text().split()


def biolab_alignment(folder: Path) -> Found:
    from biolab.sequences import align_scores

    found = align_scores(*_sequences(folder))
    if found.engine != "parasail":
        raise RuntimeError("parasail is not installed beside biolab")
    return [found.score.size, int(found.score.sum())]


def parasail_alignment(folder: Path) -> Found:
    import parasail

    queries, targets = _sequences(folder)
    total = 0
    for query in queries:
        profile = parasail.profile_create_sat(query, parasail.blosum62)
        for target in targets:
            total += parasail.nw_striped_profile_sat(profile, target, 11, 1).score
    return [len(queries) * len(targets), total]


def biopython_alignment(folder: Path) -> Found:
    from Bio.Align import PairwiseAligner, substitution_matrices

    aligner = PairwiseAligner(mode="global", open_gap_score=-11, extend_gap_score=-1)
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    queries, targets = _sequences(folder)
    return [len(queries) * len(targets), int(sum(aligner.score(t, q) for q in queries for t in targets))]


TOOLS: dict[str, dict[str, Callable[[Path], Found]]] = {
    "fastq": {
        "biolab": biolab_fastq,
        "needletail": needletail_fastq,
        "dnaio": dnaio_fastq,
        "polars-bio": polars_bio_fastq,
        "biopython": biopython_fastq,
    },
    "sites": {"biolab": biolab_sites, "oxbow": oxbow_sites, "polars-bio": polars_bio_sites, "pysam": pysam_sites},
    "genotypes": {"biolab": biolab_genotypes, "cyvcf2": cyvcf2_genotypes, "polars-bio": polars_bio_genotypes},
    "alignment": {"biolab": biolab_alignment, "parasail": parasail_alignment, "biopython": biopython_alignment},
}


def main() -> None:
    tool, work, place, repeats = sys.argv[1:]
    function, path = TOOLS[work][tool], Path(place)
    function(path)  # compiled, imported, and the file in the page cache
    seconds, processor = [], []
    found: Found = []
    for _ in range(int(repeats)):
        started, used = time.perf_counter(), time.process_time()
        found = function(path)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    row = {
        "seconds": seconds,
        "processor": processor,
        "found": found,
        "peak_mib": round(peak_mib()),
        "version": installed(tool) or "?",
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
