"""Trimming of reads: ends of low quality, and an adapter."""

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Int, UInt

# Letters worked on at a time: their sums stay in the cache.
_CELLS = 1 << 20
_OFFSET = 33


def trim_reads(  # noqa: PLR0913 - three cuts, each with its threshold
    reads: pl.DataFrame | pl.LazyFrame,
    *,
    quality: int = 20,
    quality_start: int = 0,
    adapter: str | None = None,
    minimum_overlap: int = 3,
    error_rate: float = 0.1,
    minimum_length: int = 20,
) -> pl.LazyFrame:
    """Cut an adapter and ends of low quality off reads, and drop reads that become too short.

    First the adapter: from the leftmost place where it begins with at most ``error_rate`` mismatches a letter compared
    (no gaps) and ``minimum_overlap`` letters, all that follows is cut. Then the 3' end: the cut is where the sum of
    (quality threshold - score) from the end is largest; the sum stops once it is negative. ``quality_start`` does the
    same at the 5' end. Columns other than sequence and quality pass through; the frame is streamed.

    >>> reads = pl.DataFrame({"id": ["r"], "sequence": ["ACGTACGT"], "quality": ["IIIII###"]})
    >>> trim_reads(reads, minimum_length=1).collect().row(0)
    ('r', 'ACGTA', 'IIIII')

    Raises
    ------
    ConfigError
        If a setting is out of its range, or the adapter holds something else than A, C, G, T and N (any base).
    DataError
        If the reads lack sequence or quality, or these differ in length in a read.

    References
    ----------
    Martin (2011), EMBnet.journal 17:10-12, doi:10.14806/ej.17.1.200
    """
    _check(quality, quality_start, minimum_overlap, error_rate, minimum_length)
    letters = _adapter(adapter)
    lazy = reads.lazy()
    missing = {"sequence", "quality"} - set(lazy.collect_schema().names())
    if missing:
        raise DataError(f"The reads have no column {sorted(missing)[0]!r}; expected sequence and quality.")

    def cut(frame: pl.DataFrame) -> pl.DataFrame:
        if frame.is_empty():
            return frame
        absent = (frame["sequence"].is_null() | frame["quality"].is_null()).arg_true()
        if absent.len():
            raise DataError(f"Read {int(absent[0])} of a batch has no sequence or no quality; drop it first.")
        sizes = frame["sequence"].str.len_bytes().to_numpy().astype(np.int64)
        other = np.flatnonzero(sizes != frame["quality"].str.len_bytes().to_numpy())
        if other.size:
            raise DataError(f"Read {int(other[0])} of a batch has other numbers of bases and quality letters.")
        begin, end = np.zeros_like(sizes), sizes.copy()
        for rows in _slices(sizes):
            part = frame[rows.start : rows.stop]
            if letters is not None:
                bases = _padded(part["sequence"], sizes[rows])
                end[rows] = _adapter_start(bases, sizes[rows], letters, minimum_overlap, error_rate)
            scores = _padded(part["quality"], sizes[rows])
            if quality:
                lost = _largest_sum(_gains(scores, end[rows], quality)[:, ::-1])
                end[rows] = np.where(lost > 0, scores.shape[1] - lost, end[rows])
            if quality_start:
                begin[rows] = _largest_sum(_gains(scores, end[rows], quality_start))
        size = end - begin
        kept = size >= max(minimum_length, 0)
        cuts = pl.Series("begin", begin), pl.Series("size", size)
        done = frame.with_columns(pl.col("sequence", "quality").str.slice(cuts[0], cuts[1]))
        return done.filter(pl.Series(kept))

    return lazy.map_batches(
        cut, streamable=True, schema=lazy.collect_schema(), predicate_pushdown=False, projection_pushdown=False
    )


def _check(quality: int, quality_start: int, minimum_overlap: int, error_rate: float, minimum_length: int) -> None:
    for name, value in (("quality", quality), ("quality_start", quality_start)):
        if not 0 <= value <= 93:
            raise ConfigError(f"{name} is {value}; Phred scores lie between 0 and 93 (0 trims nothing).")
    if minimum_overlap < 1 or minimum_length < 0:
        raise ConfigError(
            f"minimum_overlap is {minimum_overlap}, minimum_length {minimum_length}; expected >= 1 and >= 0."
        )
    if not 0 <= error_rate < 1:
        raise ConfigError(f"error_rate is {error_rate}; expected a share, 0 <= error_rate < 1.")


def _adapter(adapter: str | None) -> UInt[np.ndarray, " m"] | None:
    if adapter is None:
        return None
    if not adapter or set(adapter.upper()) - set("ACGTN"):
        raise ConfigError(f"adapter is {adapter!r}; expected A, C, G, T and N (any base).")
    return np.frombuffer(adapter.upper().encode(), dtype=np.uint8)


def _slices(sizes: Int[np.ndarray, " n"]) -> list[slice]:
    """Part reads into runs whose padded matrix stays small."""
    widest = max(1, int(sizes.max(initial=1)))
    step = max(1, _CELLS // widest)
    return [slice(k, min(k + step, sizes.size)) for k in range(0, sizes.size, step)]


def _padded(texts: pl.Series, sizes: Int[np.ndarray, " n"]) -> UInt[np.ndarray, "n l"]:
    """Return the bytes of texts as rows, filled up with zeros at the end."""
    width = int(sizes.max(initial=0))
    data = np.frombuffer(texts.str.join("").item().encode(), dtype=np.uint8)
    if (sizes == width).all():
        return data.reshape(sizes.size, width)
    filled = np.zeros((sizes.size, width), dtype=np.uint8)
    filled[np.arange(width) < sizes[:, None]] = data
    return filled


def _gains(scores: UInt[np.ndarray, "n l"], end: Int[np.ndarray, " n"], quality: int) -> Int[np.ndarray, "n l"]:
    """Return by how much each score stays below a threshold, behind the end of a read 0: no sum grows there."""
    gain = np.subtract(quality + _OFFSET, scores, dtype=np.int32)
    gain *= np.arange(scores.shape[1]) < end[:, None]
    return gain


def _largest_sum(gain: Int[np.ndarray, "n l"]) -> Int[np.ndarray, " n"]:
    """Return how many leading columns have the largest running sum that was never negative; 0 if none is positive."""
    rows, width = gain.shape
    if not width:
        return np.zeros(rows, dtype=np.int64)
    total = np.cumsum(gain, axis=1, dtype=np.int32)
    negative = total < 0
    stop = np.where(negative.any(axis=1), negative.argmax(axis=1), width)
    np.putmask(total, np.arange(width) >= stop[:, None], -1)
    place = total.argmax(axis=1)
    return np.where(total[np.arange(rows), place] > 0, place + 1, 0)


def _adapter_start(
    bases: UInt[np.ndarray, "n l"],
    sizes: Int[np.ndarray, " n"],
    adapter: UInt[np.ndarray, " m"],
    minimum_overlap: int,
    error_rate: float,
) -> Int[np.ndarray, " n"]:
    """Return where the adapter begins in each read, or its length."""
    rows, width = bases.shape
    if not width:
        return sizes
    letters = np.zeros((rows, width + adapter.size), dtype=np.uint8)
    letters[:, :width] = bases
    inside = letters != 0
    letters &= 0xDF  # upper case
    wrong = np.zeros(bases.shape, dtype=np.min_scalar_type(adapter.size))
    for place, letter in enumerate(adapter):
        if letter != ord("N"):
            window = slice(place, place + width)
            wrong += (letters[:, window] != letter) & inside[:, window]
    alike = sizes[:1] if (sizes == sizes[0]).all() else sizes
    overlap = np.clip(alike[:, None] - np.arange(width), 0, adapter.size)
    allowed = np.floor(error_rate * np.arange(adapter.size + 1)).astype(wrong.dtype)
    found = (wrong <= allowed[overlap]) & (overlap >= minimum_overlap)
    return np.where(found.any(axis=1), found.argmax(axis=1), sizes)
