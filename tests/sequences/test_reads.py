"""Quality profiles, trimming, k-mers and MinHash against plain loops and their definitions."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import sequences as sq
from biolab.core import ConfigError, DataError
from biolab.core.results import AbstractResult
from biolab.kernels.read_profile.cases import fastq
from biolab.sequences.kmers import kmer_codes
from biolab.sequences.minhash import hashed

READ = st.integers(1, 40).flatmap(
    lambda n: st.tuples(st.text("ACGTN", min_size=n, max_size=n), st.text("!+5?I", min_size=n, max_size=n))
)
READS = st.lists(READ, min_size=1, max_size=12)


def frame_of(reads) -> pl.DataFrame:
    rows = [(f"r{k}", bases, scores) for k, (bases, scores) in enumerate(reads)]
    return pl.DataFrame(rows, schema=["id", "sequence", "quality"], orient="row")


def test_a_profile_of_a_file_is_that_of_its_frame_whatever_the_blocks(tmp_path, monkeypatch):
    path = tmp_path / "x.fastq"
    path.write_bytes(fastq(300, 1, shortest=30, longest=90))
    whole = sq.quality_profile(path)
    monkeypatch.setattr("biolab.data.text_blocks._FIRST", 1000)
    monkeypatch.setattr("biolab.data.text_blocks.BLOCK", 1777)
    cut, framed = sq.quality_profile(path), sq.quality_profile(sq.read_fastq(path))
    for other in (cut, framed):
        assert other.metrics == whole.metrics
        assert other.table().equals(whole.table())
        assert other.by_read().equals(whole.by_read())
    assert isinstance(whole, AbstractResult)
    assert whole.metrics["reads"] == 300
    sizes = sq.read_fastq(path).select(pl.col("sequence").str.len_bytes()).collect().to_series()
    assert (whole.shortest, whole.longest) == (sizes.min(), sizes.max())


@settings(derandomize=True, max_examples=15, deadline=None)
@given(READS)
def test_metrics_and_quantiles_are_those_of_numpy(reads):
    profile = sq.quality_profile(frame_of(reads))
    scores = np.array([ord(c) - 33 for _, text in reads for c in text])
    letters = "".join(bases for bases, _ in reads)
    assert profile.metrics["quality_mean"] == pytest.approx(scores.mean())
    assert profile.metrics["q20_share"] == pytest.approx((scores >= 20).mean())
    assert profile.metrics["unknown_share"] == pytest.approx(letters.count("N") / len(letters))
    first = [ord(text[0]) - 33 for _, text in reads]
    assert profile.table()["median"][0] == np.quantile(first, 0.5, method="inverted_cdf")
    assert profile.table()["bases"].sum() == len(letters)


def test_faults_of_reads_are_named(tmp_path):
    path = tmp_path / "x.fastq"
    path.write_bytes(fastq(30, 1) + b"@bad\nACG\n+\nII\n")
    with pytest.raises(DataError, match="line 121, record 31: read 'bad' has 3 bases"):
        sq.quality_profile(path)
    path.write_bytes(fastq(30, 1)[:-20])
    with pytest.raises(DataError, match="record 30"):
        sq.quality_profile(path)
    with pytest.raises(DataError, match="no column 'quality'"):
        sq.quality_profile(pl.DataFrame({"sequence": ["A"]}))
    with pytest.raises(ConfigError, match="positions is 0"):
        sq.quality_profile(path, positions=0)


def cutadapt(scores: list[int], limit: int) -> int:
    """Return how much of a read is kept, by the published rule, letter by letter."""
    total = best = 0
    stop = len(scores)
    for k in reversed(range(len(scores))):
        total += limit - scores[k]
        if total < 0:
            break
        if total > best:
            best, stop = total, k
    return stop


@settings(derandomize=True, max_examples=20, deadline=None)
@given(READS, st.integers(0, 41), st.integers(0, 30))
def test_trimming_is_the_published_rule(reads, limit, start):
    found = sq.trim_reads(frame_of(reads), quality=limit, quality_start=start, minimum_length=0).collect()
    for (bases, text), (sequence, quality) in zip(reads, found.select("sequence", "quality").iter_rows(), strict=True):
        scores = [ord(c) - 33 for c in text]
        stop = cutadapt(scores, limit) if limit else len(scores)
        kept = scores[:stop]
        begin = len(kept) - cutadapt(kept[::-1], start) if start else 0
        assert (sequence, quality) == (bases[begin:stop], text[begin:stop])


def test_an_adapter_is_cut_where_it_begins():
    reads = frame_of(
        [
            ("ACGTACGTAGATCGGAAG", "I" * 18),
            ("ACGTAGATCCGAAGAGCC", "I" * 18),
            ("TTTTTTTAGA", "I" * 10),
            ("TTTTTTTTTT", "I" * 10),
        ]
    )
    found = sq.trim_reads(reads, adapter="AGATCGGAAGAGC", error_rate=0.1, minimum_length=1).collect()
    assert found["sequence"].to_list() == ["ACGTACGT", "ACGT", "TTTTTTT", "TTTTTTTTTT"]
    assert sq.trim_reads(reads, adapter="AGATCGGAAGAGC", minimum_length=9).collect().height == 1
    with pytest.raises(ConfigError, match="adapter is 'AX'"):
        sq.trim_reads(reads, adapter="AX")
    with pytest.raises(ConfigError, match="quality is 99"):
        sq.trim_reads(reads, quality=99)


def first_place(bases: str, adapter: str, overlap: int, rate: float) -> int:
    """Return where an adapter begins, letter by letter, or the length."""
    for place in range(len(bases)):
        pairs = list(zip(bases[place:].upper(), adapter, strict=False))
        wrong = sum(letter not in (base, "N") for base, letter in pairs)
        if len(pairs) >= overlap and wrong <= rate * len(pairs):
            return place
    return len(bases)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.text("ACGTNacg ", max_size=24), min_size=1, max_size=6),
    st.text("ACGN", min_size=1, max_size=9), st.integers(1, 10), st.sampled_from([0.0, 0.1, 0.25, 0.5]),
)  # fmt: skip
def test_an_adapter_is_looked_for_at_every_place(reads, adapter, overlap, rate):
    frame = frame_of([(bases, "I" * len(bases)) for bases in reads])
    found = sq.trim_reads(
        frame, quality=0, adapter=adapter, minimum_overlap=overlap, error_rate=rate, minimum_length=0
    ).collect()
    assert found["sequence"].to_list() == [read[: first_place(read, adapter, overlap, rate)] for read in reads]


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.lists(st.text("ACGTNacgt", max_size=40), min_size=1, max_size=5), st.integers(1, 31), st.booleans())
def test_kmers_are_counted_as_in_a_loop(texts, k, canonical):
    expected: Counter[str] = Counter()
    for text in texts:
        for at in range(len(text) - k + 1):
            word = text[at : at + k].upper()
            if "N" not in word:
                expected[min(word, sq.reverse_complement(word)) if canonical else word] += 1
    found = sq.kmer_spectrum(pl.DataFrame({"sequence": texts}), k=k, canonical=canonical)
    assert dict(found.table().iter_rows()) == dict(expected)
    assert found.metrics["total"] == sum(expected.values())
    assert dict(found.spectrum().iter_rows()) == dict(Counter(expected.values()))


def test_a_sketch_larger_than_the_sets_gives_the_jaccard_index_itself():
    generator = np.random.default_rng(1)
    first = "".join(generator.choice(list("ACGT"), 3000))
    second = first[:2000] + "".join(generator.choice(list("ACGT"), 1000))
    sets = {name: pl.DataFrame({"sequence": [text]}) for name, text in (("a", first), ("b", second))}
    one, other = (set(kmer_codes(frame["sequence"], 15, canonical=True).tolist()) for frame in sets.values())
    exact = len(one & other) / len(one | other)
    row = sq.minhash_distances(sets, k=15, size=10_000).table().row(0, named=True)
    assert row["jaccard"] == pytest.approx(exact)
    assert row["distance"] == pytest.approx(-math.log(2 * exact / (1 + exact)) / 15)
    small = sq.minhash_distances(sets, k=15, size=500).table().row(0, named=True)
    assert small["jaccard_lower"] < exact < small["jaccard_upper"]
    assert small["distance_lower"] < row["distance"] < small["distance_upper"]
    assert sq.minhash_distances(sets, k=15, size=500, seed=7).table().row(0)[2:] != tuple(small.values())[2:]


def test_the_hash_is_one_to_one_and_even():
    found = hashed(np.arange(20_000, dtype=np.uint64), 42)
    assert np.unique(found).size == 20_000
    assert abs(found.astype(np.float64).mean() / 2**64 - 0.5) < 0.01


def test_sets_without_kmers_are_refused():
    with pytest.raises(DataError, match="'b' has no 21-mer"):
        sq.minhash_distances({"a": pl.DataFrame({"sequence": ["ACGT" * 9]}), "b": pl.DataFrame({"sequence": ["ACGT"]})})
    with pytest.raises(ConfigError, match="k is 32"):
        sq.kmer_spectrum(pl.DataFrame({"sequence": ["A"]}), k=32)
    with pytest.raises(DataError, match="no column 'seq'"):
        sq.kmer_spectrum(pl.DataFrame({"sequence": ["A"]}), column="seq")
