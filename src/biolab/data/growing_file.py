"""A file written bit by bit that appears only when it is whole."""

import gzip
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from biolab.core import BiolabError


@contextmanager
def growing_file(path: Path) -> Generator[BinaryIO]:
    """Write beside the place of a file and move it there at the end; after an error nothing has changed.

    A name that ends in .gz is packed with gzip, without a time stamp: the same content is the same bytes.

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
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as packed:
                    yield packed  # ty: ignore[invalid-yield]
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
