"""PNG images: pixels and how to show them; no chunk that can hold text or data."""

import struct
import zlib
from collections.abc import Iterator

from .findings import Finding

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PLAIN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD"})
_SOFTWARE = (b"Software\x00Matplotlib", b"Software\x00vl-convert")


def check_png(where: str, content: bytes) -> Iterator[Finding]:
    """Check the chunks of a PNG image: only those that show pixels, their checksums, and nothing after the end."""
    position, ended, pixels, size = len(SIGNATURE), False, bytearray(), (0, 0, 0, 0)
    while position + 12 <= len(content) and not ended:
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        if len(body) < length or struct.unpack(">I", content[position + 8 + length : position + 12 + length])[
            0
        ] != zlib.crc32(kind + body):
            yield _finding(where, "unreadable", "a chunk of the image is damaged")
            return
        if kind not in _PLAIN and not (kind == b"tEXt" and body.startswith(_SOFTWARE) and len(body) < 120):
            yield _finding(where, "hidden-content", "a chunk of the image holds text or data instead of pixels")
        if kind == b"IHDR":
            size = struct.unpack(">IIBB", body[:10])
        pixels += body if kind == b"IDAT" else b""
        ended = kind == b"IEND"
        position += 12 + length
    if not ended or position != len(content):
        yield _finding(where, "hidden-content", "bytes stand after the end of the image, or the end is missing")
    yield from _check_pixels(where, bytes(pixels), size)


def _check_pixels(where: str, packed: bytes, size: tuple[int, ...]) -> Iterator[Finding]:
    """Refuse compressed data that are more than the pixels of the image, and whatever follows them."""
    width, height, depth, colour = size
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 0)
    wanted = height * (1 + (width * depth * channels + 7) // 8)
    unpacking = zlib.decompressobj()
    try:
        got = len(unpacking.decompress(packed, wanted + 1))
    except zlib.error:
        yield _finding(where, "unreadable", "the pixels of the image are damaged")
        return
    if got > wanted or unpacking.unused_data:
        yield _finding(where, "hidden-content", "the image holds more than its pixels")


def _finding(where: str, rule: str, what: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy="Draw the figure again and save it without metadata.")
