"""Bases and qualities of FASTQ text, counted by position in one pass over its bytes."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Int, UInt

from . import cpu

QUALITIES = cpu.QUALITIES
FAULTS = ("none", "no @", "no +", "lengths differ", "quality letter", "no name")


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadCounts:
    """What was counted over the whole records of a text.

    Row k of ``quality`` and ``base`` is position k of the reads, the last row that position and all after it.
    ``base`` has columns A, C, G, T and other (U counts as T, case does not matter). ``length`` counts reads by length,
    ``gc_percent`` by their share of G and C among A, C, G and T, rounded half up, ``mean_quality`` by their mean
    quality, rounded down; reads without such bases are in neither of the last two. ``consumed`` bytes were whole
    records; ``fault`` (a place in ``FAULTS``) stopped the count there.
    """

    reads: int
    quality: Int[ndarray, "p 94"]
    base: Int[ndarray, "p 5"]
    length: Int[ndarray, " l"]
    gc_percent: Int[ndarray, " 101"]
    mean_quality: Int[ndarray, " 94"]
    longest: int
    shortest: int
    consumed: int
    fault: int


def read_profile(data: bytes | UInt[ndarray, " n"], *, positions: int = 1000) -> ReadCounts:
    r"""Count bases and qualities by position over FASTQ text that begins with a record, each of four lines.

    A record that the text cuts off is left: ``consumed`` says where it begins. Lines end in a line feed alone.

    >>> counts = read_profile(b"@r1\nACGN\n+\nIII!\n@r2\nAC", positions=4)
    >>> counts.reads, counts.consumed, counts.base[0].tolist(), int(counts.quality[3].argmax())
    (1, 16, [1, 0, 0, 0, 0], 0)

    Raises
    ------
    DataError
        If the data are not bytes or a vector of them.
    ConfigError
        If ``positions`` is not positive.
    """
    if positions < 1:
        raise ConfigError(f"positions is {positions}; expected 1 or more.")
    text = np.frombuffer(data, dtype=np.uint8) if isinstance(data, (bytes, bytearray, memoryview)) else data
    if not isinstance(text, ndarray) or text.dtype != np.uint8 or text.ndim != 1:
        raise DataError("data are not bytes; expected the text of FASTQ records as bytes or a uint8 vector.")
    quality = np.zeros((positions, QUALITIES), dtype=np.int64)
    base = np.zeros((positions, 5), dtype=np.int64)
    length = np.zeros(positions + 1, dtype=np.int64)
    by_read = np.zeros((2, 101), dtype=np.int64)
    reads, consumed, fault, shortest, longest = cpu.count_records(
        np.ascontiguousarray(text), quality, base, length, by_read
    )
    return ReadCounts(
        reads=reads,
        quality=quality,
        base=base,
        length=length,
        gc_percent=by_read[0],
        mean_quality=by_read[1, :QUALITIES],
        longest=longest,
        shortest=shortest if reads else 0,
        consumed=consumed,
        fault=fault,
    )
