"""Zip archives: every member must pass by itself; nothing may hide in names, sizes, comments or nesting."""

import io
import zipfile
from collections.abc import Iterator

from .findings import Finding
from .scrutiny import Scrutiny

MOST_MEMBERS = 20_000
MOST_BYTES = 512 * 2**20
MOST_RATIO = 200


def damage(content: bytes) -> str | None:
    """Say what is wrong with a zip archive before anything of it is unpacked, or nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            comment = packed.comment
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "it is not a zip archive"
    if len(entries) > MOST_MEMBERS or sum(entry.file_size for entry in entries) > MOST_BYTES:
        return "it unpacks to more than a bundle may hold"
    if any(entry.file_size > MOST_RATIO * max(entry.compress_size, 1) and entry.file_size > 2**20 for entry in entries):
        return "it unpacks to far more than it is"
    if comment or any(entry.comment or entry.flag_bits & 1 for entry in entries):
        return "it has comments or encrypted members"
    if not content.startswith(b"PK\x03\x04") or len({entry.filename for entry in entries}) < len(entries):
        return "it has bytes before its first member, or two members of one name"
    return None


def check_zip(where: str, content: bytes, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check each member of an archive as the file it is; archives in archives are refused."""
    from .contents import check_file_content

    fault = "it stands inside something else" if scrutiny.depth else damage(content)
    if fault is not None:
        yield Finding(where=where, rule="archive", what=fault, remedy="Pack plain files once, with biolab site export.")
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for entry in packed.infolist():
            if not entry.is_dir():
                yield from check_file_content(f"{where}/{entry.filename}", packed.read(entry), scrutiny.inside)
