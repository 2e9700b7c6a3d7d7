"""Writing files so that a reader sees the old content or the new, never half of one."""

import os
import tempfile
from pathlib import Path

from .errors import BiolabError


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o644) -> Path:
    """Write content beside its place, then move it there in one step; make missing folders.

    With ``mode=0o600`` nobody but the owner can read it at any moment.

    Raises
    ------
    BiolabError
        If the folder cannot be written or the disk is full; what stood at ``path`` is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    staged: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            staged = Path(handle.name)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        staged.chmod(mode)
        staged.replace(path)
    except OSError as error:
        if staged is not None:
            staged.unlink(missing_ok=True)
        reason = error.strerror or error
        raise BiolabError(
            f"{path} cannot be written: {reason}. Free space or choose a folder you may write to, with --output where "
            "there is one."
        ) from error
    return path
