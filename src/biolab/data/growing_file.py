"""A file written bit by bit that appears only when it is whole."""

import os
import tempfile
import zlib
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, Final

from biolab.core import BiolabError

from .text_blocks import BGZIP_END, ZLIB

# Bytes of a bgzip block before packing, which must not fill 64 KB when they cannot be packed, and blocks of a job.
_BLOCK: Final = 0xFF00
_JOB: Final = 16 * _BLOCK
_THREADS: Final = min(8, os.cpu_count() or 1)
_HEAD: Final = bytes.fromhex("1f8b08040000000000ff060042430200")
_SMALL, _QUICK = 6, 1


@contextmanager
def growing_file(path: Path, *, quick: bool = False) -> Generator[BinaryIO]:
    """Write beside the place of a file and move it there at the end; after an error nothing has changed.

    A name that ends in .gz or .bgz is packed as bgzip, which is gzip in small blocks that can be indexed and unpacked
    side by side, without a time stamp: the same content is the same bytes. ``quick`` packs many times faster and up to
    half as large again, with isal where it is installed (the bytes are then others, and unpack to the same).

    Raises
    ------
    BiolabError
        If the folder cannot be written or the disk is full.
    """
    staged: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            staged = Path(handle.name)
            if path.suffix.lower() in {".gz", ".bgz"}:
                with ThreadPoolExecutor(_THREADS) as pool:
                    packed = _Bgzip(handle, pool, quick=quick)
                    yield packed  # ty: ignore[invalid-yield]
                    packed.finish()
            else:
                yield handle  # ty: ignore[invalid-yield]
        staged.chmod(0o644)
        staged.replace(path)
    except OSError as error:
        raise BiolabError(
            f"{path} cannot be written: {error.strerror or error}. Free space or choose another folder."
        ) from error
    finally:
        if staged is not None:
            staged.unlink(missing_ok=True)


class _Bgzip:
    """Packs what is written in blocks, several at once, and writes them in order."""

    def __init__(self, handle: IO[bytes], pool: ThreadPoolExecutor, *, quick: bool) -> None:
        self._handle, self._pool, self._held = handle, pool, bytearray()
        self._pack = partial(_packed, quick=quick)
        self._waiting: deque[Future[bytes]] = deque()

    def write(self, data: bytes | memoryview) -> int:
        """Take some bytes; few are held at a time."""
        self._held += data
        whole = len(self._held) // _JOB * _JOB
        for start in range(0, whole, _JOB):
            self._waiting.append(self._pool.submit(self._pack, bytes(self._held[start : start + _JOB])))
            if len(self._waiting) > 2 * _THREADS:
                self._handle.write(self._waiting.popleft().result())
        del self._held[:whole]
        return len(data)

    def finish(self) -> None:
        """Write what is left, and bgzip's end mark."""
        self._waiting.append(self._pool.submit(self._pack, bytes(self._held)))
        while self._waiting:
            self._handle.write(self._waiting.popleft().result())
        self._handle.write(BGZIP_END)


def _packed(data: bytes, *, quick: bool) -> bytes:
    """Pack bytes as bgzip blocks: a gzip member each, whose header has its size (SAM specification, section 4.1)."""
    parts = []
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK]
        bits = ZLIB.compress(block, _QUICK, wbits=-15) if quick else zlib.compress(block, _SMALL, wbits=-15)
        size = len(_HEAD) + 2 + len(bits) + 8
        tail = zlib.crc32(block).to_bytes(4, "little") + len(block).to_bytes(4, "little")
        parts += [_HEAD, (size - 1).to_bytes(2, "little"), bits, tail]
    return b"".join(parts)
