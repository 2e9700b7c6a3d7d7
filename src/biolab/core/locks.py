"""One writer at a time, also between processes: an advisory lock on a file."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import BiolabError

_PAUSE_S = 0.05


@contextmanager
def exclusive(path: Path, *, patience_s: float = 600.0) -> Generator[None]:
    """Hold a file's lock while the block runs; the system releases it even if the process is killed.

    The file is made if need be and stays: removing it would let two processes hold a lock each.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, exclusive(Path(folder) / "import.lock"):
    ...     pass

    Raises
    ------
    BiolabError
        If another process holds the lock for longer than ``patience_s``, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BiolabError(f"{path} cannot be written: {error.strerror or error}.") from error
    try:
        deadline = time.monotonic() + patience_s
        while not _taken(handle):
            if time.monotonic() > deadline:
                raise BiolabError(
                    f"{path} is held by another process for more than {patience_s:g} s. Wait until it has finished, "
                    "then run again."
                )
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    """Try to take the lock of an open file once; closing the file gives it back."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
