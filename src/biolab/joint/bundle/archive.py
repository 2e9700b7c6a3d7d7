"""The zip file of a bundle, which has exactly one form: any other byte is refused.

Entries are stored, not compressed, in a fixed order with fixed dates and attributes. What was read is written again
and compared byte by byte, so a bundle has no room for data before, between or after its entries, for comments, for
links, or for content that is larger than the file.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from biolab.core import DataError

from .names import check_names

HEAD = ("manifest.json", "manifest.sig")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
_UNIX = 3
_FLAG_UTF8, _FLAG_ENCRYPTED = 0x800, 0x1
_KINDS = {0o120000: "a symbolic link", 0o040000: "a folder", 0o060000: "a device", 0o020000: "a device"}
_KINDS |= {0o010000: "a pipe", 0o140000: "a socket"}
_ARCHIVES = {
    b"PK\x03\x04": "a zip file",
    b"PK\x05\x06": "a zip file",
    b"\x1f\x8b": "a gzip file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"Rar!": "a rar file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a bundle may be; nothing in it is compressed, so it takes no more memory than its own size."""

    entries: int = 20_000
    bytes: int = 256_000_000


LIMITS = Limits()


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Return the one zip file that holds these contents.

    >>> pack({"b.json": b"1", "manifest.json": b"{}"}) == pack({"manifest.json": b"{}", "b.json": b"1"})
    True
    """
    order = [name for name in HEAD if name in contents] + sorted(contents.keys() - set(HEAD))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in order:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = _FILE_MODE
            archive.writestr(info, contents[name])
    return buffer.getvalue()


def unpack(path: Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Read a bundle's zip file, trusting nothing in it.

    Raises
    ------
    DataError
        If the file is missing, too large, or not the one form that its contents have; the message names the entry.
    """
    raw = _raw(path, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            infos = archive.infolist()
            _check_entries(path, raw, infos, limits)
            contents = {info.orig_filename: _read(path, archive, info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path}: is not a whole zip file ({error}). It was cut or damaged; ask for it again."
        ) from error
    for name, content in contents.items():
        for magic, kind in _ARCHIVES.items():
            if content.startswith(magic):
                raise DataError(f"{path}: entry {name!r} is {kind}; a bundle holds no archives.")
    _check_form(path, raw, contents, infos)
    return contents


def _raw(path: Path, limits: Limits) -> bytes:
    try:
        if not path.is_file():
            raise DataError(f"{path} is not a file; name a bundle that biolab site export wrote.")
        size = path.stat().st_size
        if size > limits.bytes:
            raise DataError(f"{path} has {size / 1e6:.0f} MB; a bundle has at most {limits.bytes / 1e6:.0f} MB.")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not raw.startswith(b"PK\x03\x04"):
        raise DataError(f"{path}: is not a zip file that begins with its first entry; a bundle has nothing before it.")
    return raw


def _check_entries(path: Path, raw: bytes, infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(infos) > limits.entries:
        raise DataError(f"{path}: has {len(infos)} entries; a bundle has at most {limits.entries}.")
    check_names(path, [info.orig_filename for info in infos])
    for info in infos:
        if fault := _fault(info):
            raise DataError(f"{path}: entry {info.orig_filename!r} {fault}.")
    declared = sum(info.file_size for info in infos)
    if declared > len(raw):
        largest = max(infos, key=lambda info: info.file_size)
        raise DataError(
            f"{path}: its entries declare {declared} bytes, the file has {len(raw)}; entry {largest.orig_filename!r} "
            f"declares {largest.file_size}."
        )


def _fault(info: zipfile.ZipInfo) -> str | None:
    kind = (info.external_attr >> 16) & 0o170000
    packed, size = info.compress_size, info.file_size
    faults = (
        (kind in _KINDS, f"is {_KINDS.get(kind)}; a bundle holds plain files only"),
        (info.is_dir(), "is a folder; a bundle holds plain files only"),
        (bool(info.flag_bits & _FLAG_ENCRYPTED), "is encrypted"),
        (
            info.compress_type != zipfile.ZIP_STORED or packed != size,
            f"is compressed ({packed} to {size} bytes); entries of a bundle are stored as they are",
        ),
        (bool(info.extra), "has an extra field (zip64 or another extension)"),
        (bool(info.flag_bits & ~_FLAG_UTF8), f"has the flags {info.flag_bits:#x}"),
    )
    return next((text for found, text in faults if found), None)


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: entry {info.orig_filename!r} is damaged ({error}).") from error


def _check_form(path: Path, raw: bytes, contents: Mapping[str, bytes], infos: list[zipfile.ZipInfo]) -> None:
    """Compare with the one form, and name the entry at which the file leaves it."""
    expected = pack(contents)
    if expected == raw:
        return
    shorter = min(len(raw), len(expected))
    place = next((number for number in range(shorter) if raw[number] != expected[number]), shorter)
    before = [info for info in infos if info.header_offset <= place]
    name = max(before, key=lambda info: info.header_offset).orig_filename if before else infos[0].orig_filename
    extra = f"; {len(raw) - len(expected)} bytes too many" if len(raw) > len(expected) else ""
    raise DataError(
        f"{path}: byte {place}, in or after entry {name!r}, is not as biolab writes it (headers, order, or data "
        f"between entries{extra}). Send the bundle itself, not a copy packed anew."
    )
