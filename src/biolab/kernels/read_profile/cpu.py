"""One pass over the bytes of FASTQ records, compiled."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Int, UInt

QUALITIES = 94  # letters from ! to ~
_NEWLINE, _TAB, _BLANK, _AT, _PLUS, _LOWEST = 10, 9, 32, 64, 43, 33
_OTHER = 4
_CODES = np.full(256, _OTHER, dtype=np.uint8)
for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
    for _letter in _letters:
        _CODES[_letter] = _code


@njit(cache=True, nogil=True)
def _line_end(data: UInt[ndarray, " n"], at: int) -> int:
    while at < data.size and data[at] != _NEWLINE:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _record(data: UInt[ndarray, " n"], start: int) -> tuple[int, bool, int, int, int]:
    """Find the parts of a record: fault, whether it is whole, bases, and where sequence and qualities begin."""
    size = data.size
    head_end = _line_end(data, start)
    sequence = head_end + 1
    bases = _line_end(data, sequence) - sequence
    plus = sequence + bases + 1
    plus_end = _line_end(data, plus)
    scores = plus_end + 1
    end = scores + bases
    fault = 0
    if head_end < size:
        if data[start] != _AT:
            fault = 1
        elif head_end == start + 1 or data[start + 1] == _BLANK or data[start + 1] == _TAB:
            fault = 5
    if fault == 0 and plus_end < size:
        if data[plus] != _PLUS:
            fault = 2
        elif end < size:
            fault = 0 if data[end] == _NEWLINE else 3
        elif _line_end(data, scores) < size:
            fault = 3
    return fault, end < size, bases, sequence, scores


@njit(cache=True, nogil=True)
def _score_sum(data: UInt[ndarray, " n"], scores: int, bases: int) -> tuple[int, int]:
    """Return fault and sum of a read's qualities."""
    total = 0
    for k in range(bases):
        score = int(data[scores + k]) - _LOWEST
        if score < 0 or score >= QUALITIES:
            return (3 if data[scores + k] == _NEWLINE else 4), 0
        total += score
    return 0, total


@njit(cache=True, nogil=True)
def count_records(
    data: UInt[ndarray, " n"],
    quality: Int[ndarray, "p 94"],
    base: Int[ndarray, "p 5"],
    length: Int[ndarray, " l"],
    by_read: Int[ndarray, "2 101"],
) -> tuple[int, int, int, int, int]:
    """Add the whole records to the counts; return reads, bytes consumed, fault, shortest and longest read."""
    last, reads, start = quality.shape[0] - 1, 0, 0
    shortest, longest = data.size, 0
    found = np.zeros(5, dtype=np.int64)
    fault = 0
    while start < data.size:
        fault, whole, bases, sequence, scores = _record(data, start)
        if fault or not whole:
            break
        fault, total = _score_sum(data, scores, bases)
        if fault:
            break
        found[:] = 0
        for k in range(bases):
            place, code = min(k, last), _CODES[data[sequence + k]]
            found[code] += 1
            base[place, code] += 1
            quality[place, int(data[scores + k]) - _LOWEST] += 1
        known = found[0] + found[1] + found[2] + found[3]
        if known:
            by_read[0, (200 * (found[1] + found[2]) + known) // (2 * known)] += 1
        if bases:
            by_read[1, total // bases] += 1
        length[min(bases, length.size - 1)] += 1
        shortest, longest = min(shortest, bases), max(longest, bases)
        reads += 1
        start = scores + bases + 1
    return reads, start, fault, shortest, longest
