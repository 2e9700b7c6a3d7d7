"""k-mers as numbers: their counts over sequences, and the spectrum of these counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Int, UInt
from biolab.data.writable import row_batches

LONGEST: Final = 31
_LETTERS: Final = np.frombuffer(b"ACGT", dtype=np.uint8)
_UNKNOWN: Final = 4
_HELD: Final = 1 << 22


def _codes() -> UInt[np.ndarray, " 256"]:
    table = np.full(256, _UNKNOWN, dtype=np.uint8)
    for code, letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
        table[list(letters)] = code
    return table


_CODES: Final = _codes()


@dataclass(frozen=True, kw_only=True, eq=False)
class KmerSpectrum:
    """Distinct k-mers with their counts, most frequent first (equal counts in the order of the alphabet).

    ``code`` holds a k-mer as a number in base 4, A = 0, C = 1, G = 2, T = 3, its first letter the highest digit.
    """

    k: int
    canonical: bool
    code: UInt[np.ndarray, " m"]
    count: Int[np.ndarray, " m"]

    @property
    def settings(self) -> dict[str, object]:
        """The length of the k-mers, and whether both strands count as one."""
        return {"k": self.k, "canonical": self.canonical}

    @property
    def metrics(self) -> dict[str, float]:
        """Total and distinct k-mers, and the share of distinct ones seen once."""
        distinct = len(self.code)
        seen_once = float((self.count == 1).sum()) / distinct if distinct else 0.0
        return {"total": float(self.count.sum()), "distinct": float(distinct), "seen_once_share": seen_once}

    def table(self) -> pl.DataFrame:
        """Return a row a k-mer: its letters and count."""
        return pl.DataFrame({"kmer": kmer_text(self.code, self.k), "count": self.count})

    def spectrum(self) -> pl.DataFrame:
        """Return how many distinct k-mers were seen once, twice and so on."""
        times, kmers = np.unique(self.count, return_counts=True)
        return pl.DataFrame({"multiplicity": times, "kmers": kmers})


def kmer_spectrum(
    records: pl.DataFrame | pl.LazyFrame, *, k: int = 21, canonical: bool = True, column: str = "sequence"
) -> KmerSpectrum:
    """Count the k-mers of all sequences in a column of nucleotides.

    A window with a letter other than A, C, G, T or U (in either case) is left out. ``canonical`` counts a k-mer and its
    reverse complement as one, under the smaller of the two. Sequences stream; memory grows with distinct k-mers.

    >>> spectrum = kmer_spectrum(pl.DataFrame({"sequence": ["ACGTAC", "ACNGT"]}), k=2)
    >>> spectrum.table().rows()
    [('AC', 5), ('CG', 1), ('TA', 1)]

    Raises
    ------
    ConfigError
        If k is not between 1 and 31.
    DataError
        If there is no such column.
    """
    check_k(k)
    held: list[pl.DataFrame] = []
    for batch in sequence_batches(records, column):
        codes = kmer_codes(batch, k, canonical=canonical)
        held.append(pl.DataFrame({"code": codes}).group_by("code").agg(pl.len().cast(pl.Int64).alias("count")))
        if sum(part.height for part in held) > _HELD:
            held = [_merged(held)]
    counts = _merged(held) if held else pl.DataFrame(schema={"code": pl.UInt64, "count": pl.Int64})
    counts = counts.sort("count", "code", descending=[True, False])
    return KmerSpectrum(k=k, canonical=canonical, code=counts["code"].to_numpy(), count=counts["count"].to_numpy())


def check_k(k: int) -> None:
    """Refuse a k that a 64-bit number cannot hold.

    Raises
    ------
    ConfigError
        If k is not between 1 and 31.
    """
    if not 1 <= k <= LONGEST:
        raise ConfigError(f"k is {k}; expected 1 to {LONGEST}.")


def sequence_batches(records: pl.DataFrame | pl.LazyFrame, column: str) -> Iterator[pl.Series]:
    """Yield a column of sequences in batches.

    Raises
    ------
    DataError
        If the column is missing or holds a null.
    """
    if column not in records.collect_schema().names():
        raise DataError(
            f"The records have no column {column!r}; they have {', '.join(records.collect_schema().names())}."
        )
    for frame in row_batches(records.select(column)):
        if frame[column].null_count():
            raise DataError(
                f"Row {int(frame[column].is_null().arg_true()[0])} of a batch has no {column}; drop it first."
            )
        yield frame[column]


def kmer_codes(sequences: pl.Series, k: int, *, canonical: bool) -> UInt[np.ndarray, " w"]:
    """Return the code of every window of k known letters, sequence after sequence."""
    text = "\n".join(sequences.to_list()).encode()  # the line feed is an unknown letter: no window spans two
    letters = _CODES[np.frombuffer(text, dtype=np.uint8)]
    if letters.size < k:
        return np.empty(0, dtype=np.uint64)
    known = _known_windows(letters, k)
    forward = _windows(letters.astype(np.uint64), k, first_high=True)[known]
    if not canonical:
        return forward
    complement = np.uint64(3) - np.minimum(letters, 3).astype(np.uint64)
    return np.minimum(forward, _windows(complement, k, first_high=False)[known])


def kmer_text(codes: UInt[np.ndarray, " m"], k: int) -> pl.Series:
    """Write codes as letters.

    >>> kmer_text(np.array([0, 27], dtype=np.uint64), 4).to_list()
    ['AAAA', 'ACGT']
    """
    digits = (codes[:, None] >> np.arange(2 * k - 2, -1, -2, dtype=np.uint64)) & np.uint64(3)
    texts = np.ascontiguousarray(_LETTERS[digits.astype(np.intp)]).view(f"S{k}").ravel()
    return pl.Series("kmer", texts.tolist(), dtype=pl.Binary).cast(pl.String)


def _known_windows(letters: UInt[np.ndarray, " n"], k: int) -> Bool[np.ndarray, " w"]:
    unknown = np.concatenate([[0], np.cumsum(letters == _UNKNOWN)])
    return unknown[k:] == unknown[:-k]


def _windows(letters: UInt[np.ndarray, " n"], k: int, *, first_high: bool) -> UInt[np.ndarray, " w"]:
    """Join k digits at every place, by doubling: windows of 1, 2, 4, ... letters are put together as k's bits say."""
    n = letters.size
    power, width = letters, 1  # windows of ``width`` letters
    made, done = np.zeros(n, dtype=np.uint64), 0
    rest = k
    while rest:
        if rest & 1:
            tail = power[done : done + n - k + 1]
            head = made[: tail.size]
            made = (head << np.uint64(2 * width)) | tail if first_high else head | (tail << np.uint64(2 * done))
            done += width
        rest >>= 1
        if rest:
            low, high = (power[width:], power[:-width]) if first_high else (power[:-width], power[width:])
            power = low | (high << np.uint64(2 * width))
            width *= 2
    return made


def _merged(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("code").agg(pl.col("count").sum())
