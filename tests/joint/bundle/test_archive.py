"""Hostile zip files: each refused with exit code 3 and a reason that names the entry."""

import io
import struct
import unicodedata
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.joint.bundle import verify
from biolab.joint.bundle.archive import Limits, pack, unpack
from biolab.joint.bundle.names import name_fault

LETTERS = "aZ0 ._-/\\:*?<>|\"'\n\0é한\u202e😀"
CONTENTS = {"manifest.json": b"{}", "manifest.sig": b"x", "runs.jsonl": b"", "runs/0001-a/artifacts/t.json": b"[1]"}


def refused(raw: bytes, tmp_path: Path, match: str) -> None:
    path = tmp_path / "hostile.zip"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=match) as caught:
        verify(path)
    assert caught.value.exit_code == 3
    assert str(caught.value).startswith(str(path))


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that stand twice
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def renamed(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert raw.count(old) >= 2
    return raw.replace(old, new)


def test_packing_is_undone_by_unpacking(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(pack(CONTENTS))
    assert unpack(tmp_path / "a.zip") == CONTENTS


def test_a_changed_byte_anywhere_is_refused(bundle: Path, tmp_path: Path) -> None:
    """Every byte of the structure and a sample of the rest: headers, padding, contents, directory, end."""
    raw = bundle.read_bytes()
    directory = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"PK\x05\x06"))
    places = {*range(60), *range(directory, len(raw)), *range(60, directory, 997)}
    path = tmp_path / "changed.zip"
    for place in sorted(places):
        changed = bytearray(raw)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        with pytest.raises(DataError):
            verify(path)
    path.write_bytes(raw)
    assert verify(path).site == "north"


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.97, 0.9999])
def test_truncated(share: float, bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    refused(raw[: int(share * len(raw))], tmp_path, "not a whole zip|begins with its first entry")


def test_data_before_between_and_after(bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    refused(b"#!/bin/sh\n" + raw, tmp_path, "begins with its first entry")
    refused(raw + b"more", tmp_path, "hostile.zip")
    refused(raw + b"\x00" * 70_000, tmp_path, "not a whole zip")
    ended = bytearray(raw)
    ended[-2:] = struct.pack("<H", 4)
    refused(bytes(ended) + b"note", tmp_path, r"in or after entry .*4 bytes too many")
    start = raw.index(b"PK\x01\x02")
    end = bytearray(raw[start:])
    where = end.rindex(b"PK\x05\x06") + 16
    end[where : where + 4] = struct.pack("<I", start + 7)
    refused(raw[:start] + b"between" + bytes(end), tmp_path, r"in or after entry .*7 bytes too many")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../north.json", "holds '..'"),
        ("runs/../../north.json", "holds '..'"),
        ("/etc/passwd", "not a relative path"),
        ("..\\north.json", "holds '\\\\\\\\'"),
        ("runs\\north.json", "holds '\\\\\\\\'"),
        ("C:/north.json", "holds ':'"),
        ("C:north.json", "holds ':'"),
        ("north.json:stream", "holds ':'"),
        ("runs//north.json", "empty, hidden"),
        ("./north.json", "empty, hidden"),
        ("runs/.hidden.json", "empty, hidden"),
        ("runs/north.json.", "empty, hidden"),
        ("runs/north.json ", "empty, hidden"),
        ("runs/con.json", "Windows reserves"),
        ("runs/LPT1", "Windows reserves"),
        ("runs/nul/north.json", "Windows reserves"),
        ("runs/no\u202ertxt.json", "cannot be seen"),
        ("runs/no\nrth.json", "cannot be seen"),
        ("runs/" + unicodedata.normalize("NFD", "é") + ".json", "composed form"),
        ("a/" * 13 + "b.json", "deeper than"),
        ("x" * 121 + ".json", "more than 120 bytes"),
        ("/".join(["x" * 100] * 3), "longer than 240"),
        ("runs/what?.json", "holds '\\?'"),
    ],
)
def test_absurd_names(name: str, reason: str, tmp_path: Path) -> None:
    refused(zipped(("manifest.json", b"{}"), (name, b"[]")), tmp_path, f"entry .*{reason}")


def test_nul_in_a_name(tmp_path: Path) -> None:
    raw = renamed(zipped(("manifest.json", b"{}"), ("northXjson", b"[]")), b"northXjson", b"north\x00json")
    refused(raw, tmp_path, r"entry 'north\\x00json' holds a character that cannot be seen")


@pytest.mark.parametrize(
    ("twins", "reason"),
    [
        (("a/t.json", "a/t.json"), "stands twice"),
        (("a/t.json", "A/T.json"), "the same file as"),
        (("a/é.json", "a/É.json"), "the same file as"),
        (("a/ﬁ.json", "a/fi.json"), "the same file as"),
        (("a/straße.json", "a/strasse.json"), "the same file as"),
        (("a/b", "a/b/c.json"), "which is a file"),
    ],
)
def test_twins(twins: tuple[str, str], reason: str, tmp_path: Path) -> None:
    refused(zipped(*((name, b"[]") for name in twins)), tmp_path, f"entry .*{reason}")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(0o120777, "symbolic link"), (0o040755, "folder"), (0o020644, "device"), (0o060644, "device"), (0o010644, "pipe"),
     (0o140644, "socket")],
)  # fmt: skip
def test_special_files(mode: int, reason: str, tmp_path: Path) -> None:
    raw = zipped(("manifest.json", b"{}"), (special("runs/link.json", mode), b"/etc/passwd"))
    refused(raw, tmp_path, f"entry 'runs/link.json' is a {reason}")


def test_a_folder_entry(tmp_path: Path) -> None:
    refused(zipped(("manifest.json", b"{}"), ("runs/", b"")), tmp_path, "entry 'runs/' ")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries_are_never_inflated(method: int, tmp_path: Path) -> None:
    raw = zipped(("manifest.json", b"{}"), ("bomb.json", b"0" * 5_000_000), method=method)
    assert len(raw) < 100_000
    refused(raw, tmp_path, r"entry '(manifest|bomb)\.json' is compressed")


def test_declared_sizes_beyond_the_file(tmp_path: Path) -> None:
    raw = bytearray(zipped(("bomb.json", b"0" * 64)))
    entry = raw.index(b"PK\x01\x02")
    for place in (18, 22, entry + 20, entry + 24):
        raw[place : place + 4] = struct.pack("<I", 2**31)
    refused(bytes(raw), tmp_path, "entry 'bomb.json' declares 2147483648")


def test_entries_that_share_their_bytes(tmp_path: Path) -> None:
    """Ten names of one stretch of the file."""
    raw = zipped(*((f"{number}.json", b"0" * 1000) for number in range(10)))
    start = raw.index(b"PK\x01\x02")
    head, directory = raw[:start], bytearray(raw[start:])
    place = 0
    while (place := directory.find(b"PK\x01\x02", place)) >= 0:
        directory[place + 42 : place + 46] = struct.pack("<I", 0)
        place += 4
    refused(head + bytes(directory), tmp_path, "entry '[0-9].json'")


def test_too_many_and_too_large(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="entries; a bundle has at most 3"):
        unpack(bundle, Limits(entries=3))
    with pytest.raises(DataError, match="MB; a bundle has at most"):
        unpack(bundle, Limits(bytes=100))


def test_encrypted(tmp_path: Path) -> None:
    raw = bytearray(zipped(("manifest.json", b"{}")))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(raw), tmp_path, "entry 'manifest.json' is encrypted")


@pytest.mark.parametrize(
    "magic", [b"PK\x03\x04rest", b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"BZh91AY", b"\xfd7zXZ\x00"]
)
def test_nested_archives(magic: bytes, tmp_path: Path) -> None:
    refused(pack({**CONTENTS, "runs/0001-a/artifacts/t.json": magic}), tmp_path, r"entry 'runs/.*t\.json' is a.* file")


def test_zip64(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("manifest.json", "w", force_zip64=True) as entry:
        entry.write(b"{}")
    refused(buffer.getvalue(), tmp_path, "entry 'manifest.json'")
    raw = bytearray(pack(CONTENTS))
    raw[-6:-2] = b"\xff\xff\xff\xff"
    refused(bytes(raw), tmp_path, "not a whole zip|entry")
    locator = struct.pack("<IIQI", 0x07064B50, 0, 2**60, 1)
    whole = pack(CONTENTS)
    refused(whole[:-22] + locator + whole[-22:], tmp_path, "not a whole zip|entry")


def test_extra_fields_flags_and_comments(tmp_path: Path) -> None:
    extra = zipfile.ZipInfo("manifest.json", (1980, 1, 1, 0, 0, 0))
    extra.extra = b"\x75\x70\x05\x00\x01abcd"
    refused(zipped((extra, b"{}")), tmp_path, "entry 'manifest.json' has an extra field")
    commented = zipfile.ZipInfo("manifest.json", (1980, 1, 1, 0, 0, 0))
    commented.comment = b"patient 17"
    refused(zipped((commented, b"{}")), tmp_path, "entry 'manifest.json', is not as biolab writes it")
    refused(zipped(("manifest.json", b"{}")), tmp_path, "is not as biolab writes it")  # today's date


def test_not_a_zip_at_all(tmp_path: Path) -> None:
    refused(b"", tmp_path, "not a zip file")
    refused(b"PK\x03\x04", tmp_path, "not a whole zip")
    refused(b"PK\x05\x06" + b"\x00" * 18, tmp_path, "not a zip file")
    with pytest.raises(DataError, match="is not a file"):
        verify(tmp_path)
    with pytest.raises(DataError, match="is not a file"):
        verify(tmp_path / "nothing.zip")


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_whatever_raise_anything_else(made_up: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.zip"
        path.write_bytes(b"PK\x03\x04" + made_up)
        with pytest.raises(DataError):
            verify(path)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 10**9), st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_raises_anything_else(cut: int, damage: list[tuple[int, int]]) -> None:
    import tempfile

    raw = bytearray(pack(CONTENTS))
    for place, value in damage:
        raw[place % len(raw)] = value
    raw = raw[: len(raw) - cut % 30 if cut % 3 == 0 else len(raw)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.zip"
        path.write_bytes(raw)
        with pytest.raises(DataError):
            verify(path)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(LETTERS, max_size=40))
def test_a_name_that_passes_stays_in_its_folder(name: str) -> None:
    if name_fault(name) is None:
        place = Path("/there")
        assert (place / name).resolve().is_relative_to(place)
        assert (place / name).as_posix() == f"/there/{name}"
        assert not set("\\:\0") & set(name)


def test_names_of_every_language_pass() -> None:
    assert [name for name in ("runs/0001-서울/표.json", "a b (1)/é.json", "x-y_z.1.json") if name_fault(name)] == []
