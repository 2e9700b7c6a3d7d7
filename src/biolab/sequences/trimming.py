"""Trimming of reads: ends of low quality, and an adapter."""

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Int, UInt

_CELLS = 1 << 23
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
            scores = _padded(part["quality"], sizes[rows]).astype(np.int32) - _OFFSET
            end[rows] = _kept(scores, end[rows], quality)
            if quality_start:
                begin[rows] = _lost_start(scores, end[rows], quality_start)
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
    data = np.frombuffer("".join(texts.to_list()).encode(), dtype=np.uint8)
    if (sizes == width).all():
        return data.reshape(sizes.size, width)
    filled = np.zeros((sizes.size, width), dtype=np.uint8)
    filled[np.arange(width) < sizes[:, None]] = data
    return filled


def _largest_sum(gain: Int[np.ndarray, "n l"]) -> Int[np.ndarray, " n"]:
    """Return how many leading columns have the largest running sum that was never negative; 0 if none is positive."""
    if not gain.shape[1]:
        return np.zeros(gain.shape[0], dtype=np.int64)
    total = np.cumsum(gain, axis=1, dtype=np.int32)
    alive: Bool[np.ndarray, "n l"] = np.logical_and.accumulate(total >= 0, axis=1)
    best = np.where(alive, total, -1)
    place = best.argmax(axis=1)
    return np.where(best[np.arange(len(place)), place] > 0, place + 1, 0)


def _kept(scores: Int[np.ndarray, "n l"], end: Int[np.ndarray, " n"], quality: int) -> Int[np.ndarray, " n"]:
    """Return where reads end after trimming their 3' end."""
    if not quality or not scores.shape[1]:
        return end
    back = end[:, None] - 1 - np.arange(scores.shape[1])  # column k is base k from the end
    turned = np.take_along_axis(scores, np.maximum(back, 0), axis=1)
    return end - _largest_sum(np.where(back >= 0, quality - turned, -(1 << 20)))


def _lost_start(scores: Int[np.ndarray, "n l"], end: Int[np.ndarray, " n"], quality: int) -> Int[np.ndarray, " n"]:
    inside = np.arange(scores.shape[1]) < end[:, None]
    return _largest_sum(np.where(inside, quality - scores, -(1 << 20)))


def _adapter_start(
    bases: UInt[np.ndarray, "n l"],
    sizes: Int[np.ndarray, " n"],
    adapter: UInt[np.ndarray, " m"],
    minimum_overlap: int,
    error_rate: float,
) -> Int[np.ndarray, " n"]:
    """Return where the adapter begins in each read, or its length."""
    end, looking = sizes.copy(), np.arange(sizes.size)
    anything = adapter == ord("N")
    for shift in range(max(0, bases.shape[1] - minimum_overlap + 1)):
        width = min(adapter.size, bases.shape[1] - shift)
        overlap = np.minimum(sizes[looking] - shift, adapter.size)
        window = bases[looking, shift : shift + width] & 0xDF  # upper case
        inside = np.arange(width) < overlap[:, None]
        wrong = ((window != adapter[:width]) & ~anything[:width] & inside).sum(axis=1)
        found = (overlap >= minimum_overlap) & (wrong <= np.floor(error_rate * overlap))
        end[looking[found]] = shift
        looking = looking[~found]
        if not looking.size:
            break
    return end
