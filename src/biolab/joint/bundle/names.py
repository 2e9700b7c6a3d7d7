"""Names of files in a bundle: plain relative paths that mean the same file on every system."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from biolab.core import DataError

LONGEST_PATH = 240
LONGEST_PART = 120
DEEPEST = 12
_FORBIDDEN = set('\\:*?"<>|')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse a list of names of which one is unsafe or two would be one file on some system.

    Raises
    ------
    DataError
        Names the entry and what is wrong with it.
    """
    seen: dict[str, str] = {}
    for name in names:
        if fault := name_fault(name):
            raise DataError(f"{path}: entry {name!r} {fault}.")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        if folded in seen:
            same = "stands twice" if seen[folded] == name else f"is the same file as {seen[folded]!r} on some systems"
            raise DataError(f"{path}: entry {name!r} {same}.")
        seen[folded] = name
    for folded, name in seen.items():
        parts = folded.split("/")
        for depth in range(1, len(parts)):
            if (above := "/".join(parts[:depth])) in seen:
                raise DataError(f"{path}: entry {name!r} lies in {seen[above]!r}, which is a file.")


def name_fault(name: str) -> str | None:
    r"""Say what is wrong with a name, ``None`` if nothing is.

    >>> name_fault("runs/001-north/tables/cohort.json") is None
    True
    >>> name_fault("../north.json"), name_fault("C:\\north.json")
    ("holds '..'", "holds '\\\\'")
    """
    if not name or name.startswith("/"):
        return "is not a relative path"
    if not name.isprintable():
        return "holds a character that cannot be seen (NUL, control or direction mark)"
    if forbidden := [character for character in name if character in _FORBIDDEN]:
        return f"holds {forbidden[0]!r}"
    if unicodedata.normalize("NFC", name) != name:
        return "is not in Unicode's composed form (NFC)"
    parts = name.split("/")
    if len(name.encode()) > LONGEST_PATH or len(parts) > DEEPEST:
        return f"is longer than {LONGEST_PATH} bytes or deeper than {DEEPEST} folders"
    return next((fault for part in parts if (fault := _part_fault(part))), None)


def _part_fault(part: str) -> str | None:
    if part == "..":
        return "holds '..'"
    if not part or part.startswith((".", " ")) or part.endswith((".", " ")):
        return "has a part that is empty, hidden, or begins or ends with a space or dot"
    if len(part.encode()) > LONGEST_PART:
        return f"has a part of more than {LONGEST_PART} bytes"
    if _RESERVED.fullmatch(part):
        return f"holds {part!r}, which Windows reserves"
    return None
