"""FASTQ records counted letter by letter, as the README defines."""

from typing import Any

import numpy as np


def count_records(data: bytes, positions: int) -> dict[str, Any]:
    """Return the counts of `ReadCounts` by name."""
    quality, base = np.zeros((positions, 94), dtype=np.int64), np.zeros((positions, 5), dtype=np.int64)
    length = np.zeros(positions + 1, dtype=np.int64)
    gc_percent, mean_quality = np.zeros(101, dtype=np.int64), np.zeros(94, dtype=np.int64)
    lines = data.decode("latin-1").split("\n")[:-1]
    lengths: list[int] = []
    fault = consumed = 0
    for at in range(0, len(lines), 4):
        record = lines[at : at + 4]
        fault = _fault(record)
        if fault or len(record) < 4:
            break
        _, sequence, _, scores = record
        letters = sequence.upper().replace("U", "T")
        for k, (letter, score) in enumerate(zip(letters, scores, strict=True)):
            place = min(k, positions - 1)
            base[place, "ACGT".find(letter) % 5] += 1
            quality[place, ord(score) - 33] += 1
        known = sum(letters.count(letter) for letter in "ACGT")
        if known:
            gc_percent[int(100 * (letters.count("G") + letters.count("C")) / known + 0.5)] += 1
        if scores:
            mean_quality[sum(ord(score) - 33 for score in scores) // len(scores)] += 1
        length[min(len(letters), positions)] += 1
        lengths.append(len(letters))
        consumed += sum(len(line) + 1 for line in record)
    return {
        "reads": len(lengths), "quality": quality, "base": base, "length": length, "gc_percent": gc_percent,
        "mean_quality": mean_quality, "longest": max(lengths, default=0), "shortest": min(lengths, default=0),
        "consumed": consumed, "fault": fault,
    }  # fmt: skip


def _fault(record: list[str]) -> int:
    if not record[0].startswith("@"):
        return 1
    if not record[0][1:2].strip(" \t"):
        return 5
    if len(record) > 2 and not record[2].startswith("+"):
        return 2
    if len(record) > 3 and len(record[1]) != len(record[3]):
        return 3
    if len(record) > 3 and any(not "!" <= score <= "~" for score in record[3]):
        return 4
    return 0
