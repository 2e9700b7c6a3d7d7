"""Sums over ranges without a subtraction: who is at risk at each event time, and how long each patient was."""

import numpy as np
import torch
from torch import Tensor

from biolab.core.arrays import Float, Int


class RangeSums:
    """Sum rows over the positions they cover, and positions over the ranges of rows.

    Row i covers the positions ``first[i] .. last[i]`` (none if ``first > last``) of ``length`` positions. Patients
    cover the event times at which they are at risk; strata are stretches of positions that no range crosses.

    Differences of running sums would lose small risk sets beside large ones (late entry, strata of different hazard).
    Here only sums of the given terms occur: a range is split at the midpoint of the smallest dyadic block that holds
    it, into a suffix of the left half and a prefix of the right half (a disjoint sparse table), so that sums of
    positive terms keep their full relative accuracy. Time is O(rows + length log length) a column.
    """

    def __init__(
        self, first: Int[np.ndarray, " n"], last: Int[np.ndarray, " n"], length: int, device: torch.device
    ) -> None:
        covered = np.flatnonzero(first <= last)
        pairs, cell = np.unique(first[covered] * (length + 1) + last[covered], return_inverse=True)
        cell_first, cell_last = np.divmod(pairs, length + 1)
        level = np.frexp((cell_first ^ cell_last).astype(np.float64))[1] - 1
        self._from_start = not cell_first.any()
        self._length, self._padded = length, 1 << max(length - 1, 0).bit_length()
        left, right, start = cell_first.copy(), np.zeros_like(cell_first), length
        self._levels: list[tuple[int, int, int, slice | Tensor]] = []
        for bits in np.unique(level[level >= 0]).tolist():
            here = np.flatnonzero(level == bits)
            blocks, position = np.unique(cell_first[here] >> (bits + 1), return_inverse=True)
            corner = start + (position << (bits + 1))
            within = (1 << (bits + 1)) - 1
            left[here] = corner + (cell_first[here] & within)
            right[here] = corner + (1 << bits) + (within - (cell_last[here] & within))
            end = start + (len(blocks) << (bits + 1))
            self._levels.append((bits, start, end, _contiguous(blocks, device)))
            start = end
        right[level < 0] = start  # a single position has no right half: its slot is dropped
        self._slots = start + 1
        self._covered = torch.as_tensor(covered, device=device) if len(covered) < len(first) else None
        self._last = torch.as_tensor(last[covered], device=device)
        self._rows = len(first)
        self._cell, self._left, self._right = (torch.as_tensor(part, device=device) for part in (cell, left, right))

    def over_rows(self, values: Float[Tensor, "q n"]) -> Float[Tensor, "q length"]:
        """Sum, for every position, the values of the rows that cover it.

        A level's slots are [blocks, halves, positions]; right halves are stored from their end.
        """
        if self._covered is not None:
            values = values.index_select(1, self._covered)
        if self._from_start:  # without strata and late entry one running sum does it
            return _added(values, self._last, self._length).flip(1).cumsum(1).flip(1)
        cells = _added(values, self._cell, len(self._left))
        table = _added(cells, self._left, self._slots).index_add_(1, self._right, cells)
        total = table.new_zeros((len(values), self._padded))
        total[:, : self._length] = table[:, : self._length]
        for bits, start, end, blocks in self._levels:
            sums = table[:, start:end].view(len(values), -1, 2, 1 << bits).cumsum(-1)
            halves = total.view(len(values), -1, 2, 1 << bits)
            halves[:, blocks, 0] += sums[:, :, 0]
            halves[:, blocks, 1] += sums[:, :, 1].flip(-1)
        return total[:, : self._length]

    def over_positions(self, values: Float[Tensor, " length"]) -> Float[Tensor, " n"]:
        """Sum, for every row, the values of the positions that it covers; the transpose of `over_rows`."""
        if self._from_start:
            return self._to_rows(values.cumsum(0)[self._last])
        table = values.new_zeros((1, self._slots))
        table[0, : self._length] = values
        padded = values.new_zeros(self._padded)
        padded[: self._length] = values
        for bits, start, end, blocks in self._levels:
            halves = padded.view(-1, 2, 1 << bits)[blocks]
            target = table[0, start:end].view(-1, 2, 1 << bits)
            target[:, 0] = halves[:, 0].flip(-1).cumsum(-1).flip(-1)
            target[:, 1] = halves[:, 1].cumsum(-1).flip(-1)
        return self._to_rows((table[0, self._left] + table[0, self._right])[self._cell])

    def _to_rows(self, covered: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
        """Give the rows that cover nothing a 0."""
        if self._covered is None:
            return covered
        return covered.new_zeros(self._rows).index_copy_(0, self._covered, covered)


def _contiguous(blocks: Int[np.ndarray, " b"], device: torch.device) -> slice | Tensor:
    """Index neighbouring blocks by a slice, which is a view and not a copy."""
    if blocks[-1] - blocks[0] == len(blocks) - 1:
        return slice(int(blocks[0]), int(blocks[-1]) + 1)
    return torch.as_tensor(blocks, device=device)


def _added(values: Tensor, index: Tensor, size: int) -> Tensor:
    return values.new_zeros((len(values), size)).index_add_(1, index, values)
