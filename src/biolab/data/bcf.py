"""BCF, the binary form of VCF: its records as lines of VCF text, with the fields of samples that are asked for."""

import re
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from biolab.core import DataError
from biolab.core.arrays import Int

from .readers import check_file
from .text_blocks import LineBlock, byte_blocks

_MAGIC: Final = b"BCF"
_VERSION: Final = b"BCF\x02"
_SHARED: Final = struct.Struct("<IIiiiIII")
_LINES: Final = 1 << 22
_KINDS: Final = {1: "<i1", 2: "<i2", 3: "<i4", 5: "<f4", 7: "S1"}
_MISSING_FLOAT, _END_FLOAT = 0x7F800001, 0x7F800002
_DECLARED: Final = re.compile(r"^##(FILTER|INFO|FORMAT|contig)=<(?:.*?,)?ID=([^,>]+)(?:.*?IDX=(\d+))?", re.MULTILINE)
_NUMBERED: Final = re.compile(r",IDX=\d+>$", re.MULTILINE)
_DOT, _SLASH, _BAR, _TAB, _ZERO = b"./|\t0"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """What the numbers of records stand for (contigs, and keys of FILTER, INFO and FORMAT), and what is written.

    ``formats`` are the keys of FORMAT to write beside GT, None for all.
    """

    contigs: dict[int, str]
    keys: dict[int, str]
    samples: int
    formats: Collection[str] | None

    def writes(self, key: str) -> bool:
        """Say whether the fields of samples under a key are wanted."""
        return key == "GT" or self.formats is None or key in self.formats


def is_bcf(path: Path) -> bool:
    """Say whether a file, packed or not, begins as BCF does."""
    check_file(path)
    with path.open("rb") as handle:
        head = handle.read(1 << 16)
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, len(_VERSION))
        except zlib.error:
            return False
    return head.startswith(_MAGIC)


def bcf_text(path: Path, *, formats: Collection[str] | None = ()) -> tuple[str, Iterator[LineBlock]]:
    """Return the header as VCF text, and the records as blocks of lines numbered as they would be in a VCF.

    Of the fields of samples GT is written, first, and those under the keys ``formats`` (None: all of them).

    Raises
    ------
    DataError
        If the file is of another version, cut off or damaged, with the number of the record.
    """
    pieces = byte_blocks(path)
    data = next(pieces, b"")
    if not data.startswith(_VERSION):
        raise DataError(
            f"{path} is BCF of another version ({data[:5]!r}); expected version 2. Convert it with: "
            f"bcftools view -O b -o NEW.bcf {path.name}"
        )
    while len(data) < 9 or len(data) < 9 + int.from_bytes(data[5:9], "little"):
        data += (piece := next(pieces, b""))
        if not piece:
            raise DataError(f"{path} is truncated: its header is cut off. Copy it again.")
    end = 9 + int.from_bytes(data[5:9], "little")
    try:
        text = data[9:end].rstrip(b"\x00").decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is damaged: byte {error.start} of its header is not UTF-8. Copy it again.") from error
    layout = _layout(text, formats)
    return _NUMBERED.sub(">", text), _blocks(path, data[end:], pieces, layout, text.count("\n") + 1)


def _layout(text: str, formats: Collection[str] | None) -> _Layout:
    contigs: dict[int, str] = {}
    keys: dict[int, str] = {0: "PASS"}
    placed = {"PASS": 0}
    for kind, name, told in _DECLARED.findall(text):
        if kind == "contig":
            contigs[int(told) if told else len(contigs)] = name
        elif name not in placed:
            placed[name] = int(told) if told else len(placed)
            keys[placed[name]] = name
    samples = max(0, text.rstrip("\n").rpartition("\n")[2].count("\t") - 8)
    return _Layout(contigs=contigs, keys=keys, samples=samples, formats=formats)


def _blocks(path: Path, data: bytes, pieces: Iterator[bytes], layout: _Layout, first_line: int) -> Iterator[LineBlock]:
    lines: list[bytes] = []
    size, line, at = 0, first_line, 0
    while True:
        length = sum(struct.unpack_from("<II", data, at)) + 8 if len(data) - at >= 8 else 8
        if len(data) - at < length:
            piece = next(pieces, b"")
            data, at = data[at:] + piece, 0
            if piece:
                continue
            if data:
                raise DataError(f"{path}, record {line - first_line + len(lines) + 1} is cut off. Copy the file again.")
            break
        try:
            lines.append(_line(memoryview(data)[at : at + length], layout))
        except (struct.error, IndexError, KeyError, ValueError, TypeError) as error:
            number = line - first_line + len(lines) + 1
            raise DataError(f"{path}, record {number} is damaged ({error!r}). Copy the file again.") from error
        at, size = at + length, size + len(lines[-1])
        if size >= _LINES:
            yield LineBlock(data=b"".join(lines), first_line=line)
            line, lines, size = line + len(lines), [], 0
    if lines:
        yield LineBlock(data=b"".join(lines), first_line=line)


def _line(record: memoryview, layout: _Layout) -> bytes:
    """Write one record as a line of VCF."""
    shared, _, contig, start, _, quality, counts, sizes = _SHARED.unpack_from(record, 0)
    alleles, infos, formats = counts >> 16, counts & 0xFFFF, sizes >> 24
    at = _SHARED.size
    texts: list[str] = []
    for _ in range(1 + alleles):
        value, at = _typed(record, at)
        texts.append(value or ".")
    filters, at = _typed(record, at)
    info: list[str] = []
    for _ in range(infos):
        key, at = _typed(record, at)
        value, at = _typed(record, at)
        name = layout.keys[int(key[0])]
        info.append(name if value is None else f"{name}={_said(value)}")
    passed = ";".join(layout.keys[int(one)] for one in filters) if filters is not None and len(filters) else "."
    told = "." if quality == _MISSING_FLOAT else _float(np.uint32(quality).view(np.float32))
    fields = [
        layout.contigs[contig], str(start + 1), texts[0], texts[1], ",".join(texts[2:]) or ".", told, passed,
        ";".join(info) or ".",
    ]  # fmt: skip
    line = "\t".join(fields).encode()
    if not layout.samples:
        return line + b"\n"
    return line + b"\t" + _fields_of_samples(_values_of_samples(record, 8 + shared, formats, layout), layout.samples)


def _described(record: memoryview, at: int) -> tuple[int, int, int]:
    """Read a descriptor: the kind of values, how many there are, and where they begin."""
    kind, count = record[at] & 15, record[at] >> 4
    at += 1
    if count == 15:
        long, at = _typed(record, at)
        count = int(long[0])
    return kind, count, at


def _typed(record: memoryview, at: int) -> tuple[Any, int]:
    """Read a typed value: text, an array of numbers without what marks its end, or None; and where it ends."""
    kind, count, at = _described(record, at)
    if not kind or not count:
        return None, at
    values = np.frombuffer(record, dtype=_KINDS[kind], count=count, offset=at)
    at += values.nbytes
    if kind == 7:
        return values.tobytes().rstrip(b"\x00").decode(), at
    return values[~_is(values, _END_FLOAT, 1)], at


def _is(values: np.ndarray, of_float: int, above_lowest: int) -> np.ndarray:
    """Mark the values that stand for the end of a vector (one above the lowest) or for missing (the lowest)."""
    if values.dtype.kind == "f":
        return values.view("<u4") == of_float
    return values == np.iinfo(values.dtype).min + above_lowest


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    missing = _is(value, _MISSING_FLOAT, 0)
    written = _float if value.dtype.kind == "f" else str
    return ",".join("." if gone else written(one) for one, gone in zip(value, missing, strict=True)) or "."


def _float(value: float | np.floating) -> str:
    return f"{float(value):g}"


def _values_of_samples(record: memoryview, at: int, formats: int, layout: _Layout) -> dict[str, np.ndarray]:
    """Return the fields asked for by key, a row a sample."""
    found: dict[str, np.ndarray] = {}
    for _ in range(formats):
        key, at = _typed(record, at)
        kind, count, at = _described(record, at)
        dtype = np.dtype(_KINDS[kind] if kind else "<i1")
        shape = (layout.samples, count if kind else 0)
        size, name = shape[0] * shape[1], layout.keys[int(key[0])]
        if layout.writes(name):
            values = np.frombuffer(record[at : at + size * dtype.itemsize], dtype=dtype) if size else np.empty(0, dtype)
            found[name] = values.reshape(shape)
        at += size * dtype.itemsize
    return found


def _fields_of_samples(found: dict[str, np.ndarray], samples: int) -> bytes:
    """Write FORMAT, GT first, and the fields of all samples, the last one ended by a line feed."""
    if not found:
        return b".\t" + b"\t".join([b"."] * samples) + b"\n"
    calls = _calls(found["GT"]) if "GT" in found else b""
    others = [name for name in found if name != "GT"]
    if not others:
        return b"GT\t" + calls + b"\n"
    columns = [calls.decode().split("\t")] if calls else []
    columns += [_texts(found[name]) for name in others]
    keys = ":".join([*(["GT"] if calls else []), *others])
    return f"{keys}\t".encode() + "\t".join(map(":".join, zip(*columns, strict=True))).encode() + b"\n"


def _texts(values: np.ndarray) -> list[str]:
    """Write the values of each sample, parted by commas."""
    if not values.shape[1]:
        return ["."] * len(values)
    if values.dtype.kind == "S":
        return [row.tobytes().split(b"\x00")[0].decode() or "." for row in values]
    written = _float if values.dtype.kind == "f" else str
    ended, missing = _is(values, _END_FLOAT, 1).tolist(), _is(values, _MISSING_FLOAT, 0).tolist()
    return [
        ",".join("." if gone else written(one) for one, gone, end in zip(*row, strict=True) if not end) or "."
        for row in zip(values.tolist(), missing, ended, strict=True)
    ]


def _calls(codes: Int[np.ndarray, "n p"]) -> bytes:
    """Write calls parted by tabs; diploid ones of alleles 0 to 9 all at once."""
    ended = _is(codes, 0, 1)
    alleles = (codes.astype(np.int32) >> 1) - 1
    if codes.shape[1] == 2 and not ended.any() and alleles.max(initial=0) <= 9:
        text = np.full((len(codes), 4), _TAB, dtype=np.uint8)
        text[:, [0, 2]] = np.where(alleles < 0, _DOT, alleles + _ZERO)
        text[:, 1] = np.where(codes[:, 1] & 1, _BAR, _SLASH)
        return text.tobytes()[:-1]
    rows = []
    for row, alleles_of, ends in zip(codes.tolist(), alleles.tolist(), ended.tolist(), strict=True):
        parts = [
            ("" if k == 0 else "|" if code & 1 else "/") + ("." if allele < 0 else str(allele))
            for k, (code, allele, end) in enumerate(zip(row, alleles_of, ends, strict=True))
            if not end
        ]
        rows.append("".join(parts) or ".")
    return "\t".join(rows).encode()
