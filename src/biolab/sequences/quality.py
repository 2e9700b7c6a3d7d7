"""Quality profile of sequencing reads: scores, bases, lengths and GC, by position and by read."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float, Int
from biolab.data.fastq import fastq_fault
from biolab.data.text_blocks import byte_blocks, checked_text, refuse_binary
from biolab.data.writable import row_batches

_QUANTILES = {"q10": 0.1, "lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75, "q90": 0.9}
_BASES = ("a", "c", "g", "t", "other")


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityProfile:
    """Counts over all reads; the last row by position gathers what lies beyond.

    ``quality`` counts bases by position and Phred score, ``base`` by position and letter (A, C, G, T, other);
    ``length``, ``gc_percent`` and ``mean_quality`` count reads.
    """

    source: str
    reads: int
    shortest: int
    longest: int
    quality: Int[np.ndarray, "p 94"]
    base: Int[np.ndarray, "p 5"]
    length: Int[np.ndarray, " l"]
    gc_percent: Int[np.ndarray, " 101"]
    mean_quality: Int[np.ndarray, " 94"]

    @property
    def settings(self) -> dict[str, object]:
        """What was read, and up to which position one by one."""
        return {"source": self.source, "positions": len(self.base)}

    @property
    def metrics(self) -> dict[str, float]:
        """Reads and bases, shares of bases of quality 20 and 30 and more, mean quality, share of GC and of unknown."""
        scores, letters = self.quality.sum(axis=0), self.base.sum(axis=0)
        bases = int(scores.sum())
        if not bases:
            return {"reads": float(self.reads), "bases": 0.0}
        return {
            "reads": float(self.reads),
            "bases": float(bases),
            "length_mean": bases / self.reads,
            "quality_mean": float(scores @ np.arange(len(scores))) / bases,
            "q20_share": float(scores[20:].sum()) / bases,
            "q30_share": float(scores[30:].sum()) / bases,
            "gc_share": float(letters[1] + letters[2]) / max(1.0, float(letters[:4].sum())),
            "unknown_share": float(letters[4]) / bases,
        }

    def table(self) -> pl.DataFrame:
        """Return a row a position (from 1): bases there, mean and quantiles of their quality, shares of letters."""
        count = self.base.sum(axis=1)
        filled = np.flatnonzero(count)
        scores, letters = self.quality[filled], self.base[filled]
        count = count[filled].astype(np.float64)
        return pl.DataFrame(
            {
                "position": filled + 1,
                "bases": letters.sum(axis=1),
                "mean_quality": scores @ np.arange(scores.shape[1]) / count,
                **{name: _quantile(scores, level) for name, level in _QUANTILES.items()},
                **{f"{name}_share": letters[:, k] / count for k, name in enumerate(_BASES)},
            }
        )

    def by_read(self) -> pl.DataFrame:
        """Return counts of reads by what is measured (length, gc_percent, mean_quality) and its value."""
        parts = {"length": self.length, "gc_percent": self.gc_percent, "mean_quality": self.mean_quality}
        return pl.concat(
            pl.DataFrame({"value": np.flatnonzero(counts), "reads": counts[counts > 0]}).select(
                pl.lit(name).alias("measure"), "value", "reads"
            )
            for name, counts in parts.items()
        )


def quality_profile(reads: str | Path | pl.DataFrame | pl.LazyFrame, *, positions: int = 1000) -> QualityProfile:
    """Count qualities, bases, lengths and GC of the reads of a FASTQ file, or of a frame with sequence and quality.

    Phred score = letter of the quality less 33. One compiled pass over the bytes; memory does not grow with the file.
    Positions past ``positions`` are counted as one.

    >>> reads = pl.DataFrame({"id": ["r1", "r2"], "sequence": ["ACGT", "GG"], "quality": ["IIII", "5I"]})
    >>> profile = quality_profile(reads)
    >>> profile.table()["median"].to_list(), round(profile.metrics["gc_share"], 2)
    ([20, 40, 40, 40], 0.67)

    Raises
    ------
    DataError
        As `biolab.data.read_fastq`, with file, line and record; or if a frame lacks a column, or sequence and quality
        of a read differ in length.
    ConfigError
        If ``positions`` is not positive.
    """
    from biolab.kernels.read_profile import read_profile

    if positions < 1:
        raise ConfigError(f"positions is {positions}; expected 1 or more.")
    framed = isinstance(reads, (pl.DataFrame, pl.LazyFrame))
    name = "frame" if framed else str(reads)
    texts = _frame_texts(reads) if framed else _file_texts(Path(reads))
    reads_seen, shortest, longest = 0, sys.maxsize, 0
    total: dict[str, Int[np.ndarray, ...]] = {}
    held, line = b"", 1
    for text in texts:
        data = held + text if held else text
        if not framed and (not data.isascii() or b"\x00" in data or b"\r" in data):
            end = data.rfind(b"\n") + 1
            data = checked_text(Path(name), data[:end], line) + data[end:]
        found = read_profile(data, positions=positions)
        if found.fault and data[found.consumed :].strip(b"\n"):
            rest = data[found.consumed :].decode(errors="replace").split("\n")
            raise fastq_fault(Path(name), rest, line + 4 * found.reads)
        line += 4 * found.reads
        held = data[found.consumed :]
        for key in ("quality", "base", "length", "gc_percent", "mean_quality"):
            total[key] = total[key] + getattr(found, key) if key in total else getattr(found, key)
        reads_seen += found.reads
        longest = max(longest, found.longest)
        shortest = min(shortest, found.shortest) if found.reads else shortest
    if held.strip(b"\n"):
        raise fastq_fault(Path(name), held.decode(errors="replace").rstrip("\n").split("\n"), line)
    if not reads_seen:
        raise DataError(f"{name} holds no read.")
    return QualityProfile(
        source=name,
        reads=reads_seen,
        shortest=shortest,
        longest=longest,
        **total,
    )


def _file_texts(path: Path) -> Iterator[bytes]:
    last = b"\n"
    for number, block in enumerate(byte_blocks(path)):
        if number == 0:
            refuse_binary(path, block)
        last = block[-1:]
        yield block.removeprefix(b"\xef\xbb\xbf") if number == 0 else block
    if last != b"\n":
        yield b"\n"


def _frame_texts(reads: pl.DataFrame | pl.LazyFrame) -> Iterator[bytes]:
    """Write the reads of a frame as FASTQ, for one counter serves both."""
    missing = {"sequence", "quality"} - set(reads.collect_schema().names())
    if missing:
        raise DataError(f"The reads have no column {sorted(missing)[0]!r}; expected sequence and quality.")
    for frame in row_batches(reads):
        text = frame.select(pl.format("@r\n{}\n+\n{}\n", "sequence", "quality")).to_series()
        if text.null_count():
            raise DataError(f"Read {int(text.is_null().arg_true()[0])} of the frame has no sequence or no quality.")
        yield "".join(text.to_list()).encode()


def _quantile(counts: Int[np.ndarray, "p q"], level: float) -> Int[np.ndarray, " p"]:
    """Return the least score that a share of the bases does not exceed."""
    below: Float[np.ndarray, "p q"] = counts.cumsum(axis=1) / counts.sum(axis=1, keepdims=True)
    return (below >= level - 1e-12).argmax(axis=1)
