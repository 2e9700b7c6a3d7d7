"""Numbers with decimals among the fields of VCF's samples (dosages, probabilities), many at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from biolab.core.arrays import Bool, Float, Int, UInt

from .tabbed import ragged
from .text_blocks import LineBlock
from .vcf_values import Kind, typed_values, unread_values

_FORMAT: Final = 8
_TAB, _NEWLINE, _COLON, _DOT = b"\t\n:."
# Letters of a plain number such as 1.234567, and words that hold so many bytes.
_LETTERS: Final = 8
_CELLS: Final = 1 << 15
_KEEP: Final = np.array([(1 << 8 * many) - 1 for many in range(_LETTERS + 1)], dtype=np.uint64)
_FIRST, _SECOND, _ZEROS, _ABOVE_NINE, _HIGH = (
    np.uint64(word) for word in (0xFF, 0xFF00, 0x3030303030303030, 0x7676767676767676, 0x8080808080808080)
)
# Neighbouring digits become one number, then pairs of them, then fours.
_PAIRS: Final = tuple(
    (np.uint64(factor), np.uint64(shift), np.uint64(mask))
    for factor, shift, mask in (
        (10 * (1 << 8) + 1, 8, 0x00FF00FF00FF00FF),
        (100 * (1 << 16) + 1, 16, 0x0000FFFF0000FFFF),
        (10_000 * (1 << 32) + 1, 32, 0xFFFFFFFFFFFFFFFF),
    )
)


@dataclass(frozen=True, kw_only=True, eq=False)
class FloatCells:
    """Values of one key, a row a record and sample, and the first that is no number: its row and text."""

    values: pl.Series
    wrong: tuple[int, str] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldGrid:
    """Where the fields of samples begin and end: places of separators, and the ranks of those around each sample."""

    letters: UInt[np.ndarray, " b"]
    separators: Int[np.ndarray, " s"]
    before: Int[np.ndarray, "v n"]
    after: Int[np.ndarray, "v n"]

    @classmethod
    def of(
        cls, lines: LineBlock, block: LineBlock, path: Path, width: int, places: Int[np.ndarray, " n"]
    ) -> "FieldGrid":
        """Find the fields of chosen samples.

        Raises
        ------
        DataError
            If a line has another number of fields than ``width``.
        """
        letters = lines.letters
        separators = np.flatnonzero((letters == _TAB) | (letters == _COLON) | (letters == _NEWLINE))
        kinds = letters[separators]
        ranks = np.flatnonzero(kinds != _COLON)
        if ranks.size != width * lines.ends.size or (kinds[ranks[width - 1 :: width]] != _NEWLINE).any():
            raise ragged(block, path=path, width=width)
        by_line = ranks.reshape(-1, width)
        return cls(
            letters=letters,
            separators=separators,
            before=by_line[:, _FORMAT + places],
            after=by_line[:, _FORMAT + 1 + places],
        )

    def floats(self, position: Int[np.ndarray, " v"], kind: Kind) -> FloatCells:
        """Read the field at each record's position among the fields of a sample, -1 for none.

        Plain numbers are read all at once, the others (exponents, more digits, lists) one by one.
        """
        rank = self.before + position[:, None]
        given = (position[:, None] >= 0) & (rank < self.after)
        cells = np.flatnonzero(given.ravel())
        begin = self.separators[rank.ravel()[cells]] + 1
        end = self.separators[rank.ravel()[cells] + 1]
        found = np.full(given.size, np.nan)
        padded = np.concatenate([self.letters, np.zeros(_LETTERS, dtype=np.uint8)])
        odd = [np.empty(0, dtype=np.int64)]
        for start in range(0, cells.size, _CELLS):
            part = slice(start, start + _CELLS)
            values, plain = _plain(padded, begin[part], end[part])
            found[cells[part]] = values
            odd.append(start + np.flatnonzero(~plain))
        which = np.concatenate(odd)
        texts = [self.letters[a:b].tobytes().decode() for a, b in zip(begin[which], end[which], strict=True)]
        text = pl.Series(texts, dtype=pl.String)
        others = typed_values(text, kind)
        unread = unread_values(text, others).arg_true()
        wrong = (int(cells[which[unread[0]]]), texts[unread[0]]) if unread.len() else None
        return FloatCells(values=_joined(found, cells[which], others, kind), wrong=wrong)


def _plain(
    padded: UInt[np.ndarray, " b"], begin: Int[np.ndarray, " c"], end: Int[np.ndarray, " c"]
) -> tuple[Float[np.ndarray, " c"], Bool[np.ndarray, " c"]]:
    """Read cells such as 0, 1.02 and a lone dot (NaN); tell which are of this kind.

    Eight letters are one number, the first in its lowest byte: what is done to it is done to all of them.
    """
    length = end - begin
    keep = _KEEP[np.minimum(length, _LETTERS)]
    word = sliding_window_view(padded, _LETTERS)[begin].view("<u8")[:, 0] & keep
    dot = word == _DOT
    pointed = ((word & _SECOND) == _DOT << 8) & (length > 2)
    digits = np.where(pointed, (word & ~_SECOND) | (_ZEROS & _SECOND), word) - (_ZEROS & keep)
    plain = (((digits + _ABOVE_NINE) | digits) & _HIGH == 0) & (pointed | (length == 1)) & (length <= _LETTERS)
    whole = digits & _FIRST
    for factor, shift, mask in _PAIRS:
        digits = (digits * factor >> shift) & mask
    values = (digits - whole * np.uint64(9_000_000)).astype(np.float64) / 1e6
    values[dot] = np.nan
    return values, plain | dot


def _joined(found: Float[np.ndarray, " c"], odd: Int[np.ndarray, " o"], others: pl.Series, kind: Kind) -> pl.Series:
    """Set values read one by one among those read at once; in lists where there can be several."""
    known = ~np.isnan(found)
    if not isinstance(kind, pl.List):
        found[odd], known[odd] = others.fill_null(0.0).to_numpy(), others.is_not_null().to_numpy()
        return pl.Series("x", found).to_frame().select(pl.when(pl.Series(known)).then("x")).to_series()
    alone = pl.Series("x", found).reshape((-1, 1)).arr.to_list()
    listed = alone.to_frame().select(pl.when(pl.Series(known)).then("x")).to_series()
    if not odd.size:
        return listed
    places = np.arange(found.size)
    places[odd] = found.size + np.arange(odd.size)
    return pl.concat([listed, others.cast(pl.List(pl.Float64)).alias("x")]).gather(places)
