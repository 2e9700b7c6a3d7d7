"""What the red team has, and how it writes figures, pages and archives."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from biolab.data import Cohort
from biolab.joint import Protocol, fit_model
from biolab.joint.disclosure.gate import Leaving


@dataclass(frozen=True, kw_only=True)
class World:
    """What the red team has: the cohort of a site, its protocol and a folder to write into."""

    cohort: Cohort
    protocol: Protocol
    folder: Path

    @property
    def frame(self) -> pl.DataFrame:
        """The patients."""
        return self.cohort.frame

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def json(self, content: object, name: str = "result.json") -> Path:
        """Write JSON."""
        return self.file(name, json.dumps(content, ensure_ascii=False, default=str))

    def model(self) -> dict:
        """Return the content of a released Cox model, to be tampered with."""
        released = fit_model(self.protocol, self.protocol.models[0], self.frame, site="north").released
        return json.loads(released.save(self.folder).read_text(encoding="utf-8"))

    @property
    def opaque(self) -> pl.DataFrame:
        """The patients' numbers under names that say nothing."""
        return self.frame.select(x1="age", x2="months", x3="marker")


LEAKS: dict[str, Callable[[World], Leaving]] = {}


def leak(build: Callable[[World], Leaving]) -> Callable[[World], Leaving]:
    """Add a leak to the corpus."""
    LEAKS[build.__name__] = build
    return build


def png(chunks: list[tuple[bytes, bytes]] = (), *, after: bytes = b"", extra: bytes = b"") -> bytes:
    """Return a PNG of one black pixel with more chunks, bytes after its end, or bytes behind its pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", zlib.compress(b"\0\0" + extra))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"") + after


def svg(inside: str) -> str:
    """Return a figure."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{inside}</svg>'


def html(inside: str) -> str:
    """Return a page."""
    return f"<!doctype html><html lang='en'><head><title>Result</title></head><body>{inside}</body></html>"


def packed(members: dict[str, bytes | str]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
