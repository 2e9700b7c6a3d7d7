"""A file written bit by bit that appears only when it is whole."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from biolab.core import BiolabError

_PIECE = 1 << 15


@contextmanager
def growing_file(path: Path) -> Generator[BinaryIO]:
    """Write beside the place of a file and move it there at the end; after an error nothing has changed.

    A name that ends in .gz or .bgz is packed as bgzip, which is gzip in small blocks that can be indexed and unpacked
    side by side, without a time stamp: the same content is the same bytes.

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
                packed = _Bgzip(handle)
                yield packed  # ty: ignore[invalid-yield]
                packed.close()
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
    """Packs what is written; Biopython's writer gets it in pieces, for at each block it copies all that is left."""

    def __init__(self, handle: IO[bytes]) -> None:
        from Bio.bgzf import BgzfWriter

        self._writer = BgzfWriter(fileobj=handle)
        self.close = self._writer.close

    def write(self, data: bytes | memoryview) -> int:
        """Pack some bytes."""
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            self._writer.write(bytes(view[start : start + _PIECE]))
        return len(view)
