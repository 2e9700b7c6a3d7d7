"""PLINK 1's .bed: two bits a genotype, variant after variant, mapped into memory and read in blocks."""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from biolab.core import BiolabError, DataError
from biolab.core.arrays import Int, UInt

from .readers import check_file

_MAGIC: Final = b"\x6c\x1b"
_VARIANT_MAJOR, _SAMPLE_MAJOR = 1, 0
_LOOKED_AT: Final = 1000
_HEADER: Final = 3


class PackedRows(Protocol):
    """What genotypes are read from: rows of bytes, four samples each, in PLINK's two bits."""

    @property
    def samples(self) -> int:
        """How many samples a row has."""
        ...

    @property
    def variants(self) -> int:
        """How many rows there are."""
        ...

    def rows(self, start: int, stop: int) -> UInt[np.ndarray, "m b"]:
        """Return the rows from ``start`` to before ``stop``; not to be written to."""
        ...

    def chosen(self, places: Int[np.ndarray, " m"]) -> UInt[np.ndarray, "m b"]:
        """Return a copy of the rows at these places, which need not follow one another."""
        ...

    def release(self, start: int, stop: int) -> None:
        """Say that these rows are not needed for now, so that they stop counting as memory."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedArray:
    """Packed genotypes held in memory."""

    packed: UInt[np.ndarray, "m b"]
    samples: int

    @property
    def variants(self) -> int:
        """How many rows there are."""
        return len(self.packed)

    def rows(self, start: int, stop: int) -> UInt[np.ndarray, "m b"]:
        """Return the rows from ``start`` to before ``stop``."""
        return self.packed[start:stop]

    def chosen(self, places: Int[np.ndarray, " m"]) -> UInt[np.ndarray, "m b"]:
        """Return a copy of the rows at these places."""
        return self.packed[places]

    def release(self, start: int, stop: int) -> None:
        """Do nothing: the rows are ours to keep."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BedFile:
    """A .bed file mapped into memory: nothing is read before its rows are asked for."""

    path: Path
    samples: int
    variants: int
    _map: mmap.mmap = field(repr=False)
    _descriptor: int | None = field(default=None, repr=False)

    @property
    def row_bytes(self) -> int:
        """Bytes of one variant."""
        return -(-self.samples // 4)

    def rows(self, start: int, stop: int) -> UInt[np.ndarray, "m b"]:
        """Return the rows from ``start`` to before ``stop``, a view of the file."""
        count = max(stop - start, 0)
        content = np.frombuffer(
            self._map, dtype=np.uint8, count=count * self.row_bytes, offset=_HEADER + start * self.row_bytes
        )
        return content.reshape(count, self.row_bytes)

    def chosen(self, places: Int[np.ndarray, " m"]) -> UInt[np.ndarray, "m b"]:
        """Return a copy of the rows at these places; read, not mapped, for each page mapped brings neighbours along.

        Raises
        ------
        DataError
            If the file has become shorter since it was opened.
        """
        found = np.empty((places.size, self.row_bytes), dtype=np.uint8)
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        for begin, end in zip([0, *breaks.tolist()], [*breaks.tolist(), places.size], strict=True):
            if begin < end:
                self.read(int(places[begin]), found[begin:end])
        return found

    def read(self, start: int, into: UInt[np.ndarray, "m b"]) -> None:
        """Read as many rows as an array has, from ``start`` on, into it.

        Raises
        ------
        DataError
            If the file has become shorter since it was opened.
        """
        if self._descriptor is None:  # a system without positioned reads
            into[...] = self.rows(start, start + len(into))
            return
        at, left = _HEADER + start * self.row_bytes, into.reshape(-1).data
        while left:
            many = os.preadv(self._descriptor, [left], at)
            if not many:
                raise DataError(f"{self.path} has become shorter since it was opened; open it again.")
            at, left = at + many, left[many:]

    def release(self, start: int, stop: int) -> None:
        """Let go of whole pages of these rows; they are read again when asked for again."""
        page = mmap.PAGESIZE
        first = -(-(_HEADER + start * self.row_bytes) // page) * page
        last = (_HEADER + stop * self.row_bytes) // page * page
        if hasattr(mmap, "MADV_DONTNEED") and last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)


def open_bed(path: str | Path, *, samples: int, variants: int) -> BedFile:
    """Map a .bed file whose .fam has so many samples and whose .bim so many variants.

    Raises
    ------
    DataError
        If the file is missing, is not a .bed, has samples in rows, or is not as long as its .fam and .bim say.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; a .bed stands beside its .bim and .fam under the same name.")
    if path.stat().st_size:
        check_file(path)
    if samples < 1 or variants < 1:
        raise DataError(f"{path}: its .fam lists {samples} samples and its .bim {variants} variants; expected some.")
    with path.open("rb") as handle:
        _check_header(path, handle.read(_HEADER))
        _check_length(path, path.stat().st_size, samples, variants)
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        descriptor = os.dup(handle.fileno()) if hasattr(os, "preadv") else None
    opened = BedFile(path=path, samples=samples, variants=variants, _map=mapped, _descriptor=descriptor)
    if descriptor is not None:
        weakref.finalize(opened, os.close, descriptor)
    _check_beyond_last(opened)
    return opened


def _check_header(path: Path, header: bytes) -> None:
    if len(header) < _HEADER:
        raise DataError(
            f"{path} has {len(header)} bytes; a .bed begins with three (6c 1b 01). It was cut off: copy it again."
        )
    if header[:2] != _MAGIC:
        raise DataError(
            f"{path} begins with {header[:2].hex(' ')}; a PLINK 1 .bed begins with 6c 1b. If it holds intervals (the "
            "BED format) it is no genotype file; if it is compressed, unpack it first."
        )
    if header[2] == _SAMPLE_MAJOR:
        raise DataError(
            f"{path} is sample-major (its third byte is 00): rows are samples, as very old PLINK wrote them. "
            "Convert it with: plink --bfile NAME --make-bed --out NEW"
        )
    if header[2] != _VARIANT_MAJOR:
        raise DataError(f"{path}: its third byte is {header[2]:02x}; expected 01 (variant-major). It is damaged.")


def _check_beyond_last(bed: BedFile) -> None:
    """Refuse calls where the .fam has no more samples, looked for in some variants: then samples are lacking there."""
    used = bed.samples % 4
    last = bed.rows(0, min(bed.variants, _LOOKED_AT))[:, -1]
    if used and (last >> (2 * used)).any():
        raise DataError(
            f"{bed.path} holds calls beyond the {bed.samples} samples of its .fam: were lines of the .fam lost? If the "
            ".fam is right, write the files anew: plink2 --bfile NAME --make-bed --out NEW"
        )


def _check_length(path: Path, size: int, samples: int, variants: int) -> None:
    row = -(-samples // 4)
    expected = _HEADER + variants * row
    if size == expected:
        return
    whole, rest = divmod(size - _HEADER, row)
    where = f"{whole} whole variants" + (f" and {rest} of {row} bytes of the next" if rest else "")
    remedy = "It was cut off: copy it again." if size < expected else "Does it belong to this .bim and .fam?"
    raise DataError(
        f"{path} has {size} bytes, expected {expected} for {variants} variants (.bim) of {samples} samples (.fam): "
        f"it holds {where}. {remedy}"
    )


def write_bed(path: str | Path, blocks: Iterable[UInt[np.ndarray, "m b"]], *, samples: int) -> int:
    """Write blocks of packed genotypes as a .bed; return how many variants it holds. The file appears whole or not.

    Bits beyond the last sample are written as 0, whatever they were.

    Raises
    ------
    DataError
        If a block has another number of bytes a variant than the samples need.
    BiolabError
        If the folder cannot be written.
    """
    path, row, count = Path(path), -(-samples // 4), 0
    last = np.uint8(0xFF >> (8 - 2 * (samples % 4)) if samples % 4 else 0xFF)
    staged: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            staged = Path(handle.name)
            handle.write(_MAGIC + bytes([_VARIANT_MAJOR]))
            for block in blocks:
                if block.dtype != np.uint8 or block.ndim != 2 or block.shape[1] != row:
                    raise DataError(
                        f"{path}: a block is {block.dtype} of shape {block.shape}; expected uint8, (variants, {row})."
                    )
                clean = block.copy()
                clean[:, -1] &= last
                handle.write(clean.tobytes())
                count += len(block)
        staged.chmod(0o644)
        os.replace(staged, path)  # noqa: PTH105 - the staged name is known to exist here
        staged = None
    except OSError as error:
        raise BiolabError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        if staged is not None:
            staged.unlink(missing_ok=True)
    return count


def pack(dosage: np.ndarray) -> UInt[np.ndarray, "m b"]:
    """Pack dosages of the first allele, [variants, samples] of 0, 1, 2 and NaN (or a negative integer) for no call.

    >>> pack(np.array([[2.0, np.nan, 1.0, 0.0]])).tolist() == [[0b11_10_01_00]]
    True

    Raises
    ------
    DataError
        If a value is another.
    """
    given = np.asarray(dosage)
    if given.ndim != 2 or given.dtype.kind not in "iuf":
        raise DataError(f"dosage is {given.dtype} of shape {given.shape}; expected numbers, (variants, samples).")
    absent = np.isnan(given) if given.dtype.kind == "f" else given < 0
    wrong = ~(absent | (given == 0) | (given == 1) | (given == 2))
    if wrong.any():
        j, i = np.argwhere(wrong)[0]
        raise DataError(
            f"dosage is {given[j, i]} for variant {j}, sample {i} (counted from 0); packed genotypes hold 0, 1, 2 or "
            "no call. Round imputed dosages to calls first, or keep them in a .pgen."
        )
    codes = np.zeros((len(given), -(-given.shape[1] // 4) * 4), dtype=np.uint8)
    part = codes[:, : given.shape[1]]
    part[:] = np.where(absent, 1, np.array([3, 2, 0], dtype=np.uint8)[np.where(absent, 0, given).astype(np.int64)])
    fours = codes.reshape(len(given), codes.shape[1] // 4, 4)
    return fours[..., 0] | fours[..., 1] << 2 | fours[..., 2] << 4 | fours[..., 3] << 6
