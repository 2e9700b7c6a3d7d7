"""Everything an embedded store holds, as text: what a test reads to prove that no patient is in it."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biolab.core import ConfigError

from .store import Store

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_NPY = b"\x93NUMPY"


@dataclass(frozen=True, kw_only=True)
class StoredText:
    """A piece of text in a store and where it stands (file, archive member, or table and column)."""

    where: str
    text: str


def store_files(store: Store) -> Iterator[Path]:
    """Yield every file of an embedded store: the database, its journals and all artifacts.

    Raises
    ------
    ConfigError
        If the store is on a server, whose files cannot be seen from here.
    """
    database, artifacts = _places(store)
    yield from sorted(database.parent.glob(f"{database.name}*"))
    yield from sorted(path for path in artifacts.rglob("*") if path.is_file())


def store_texts(store: Store) -> Iterator[StoredText]:
    """Yield every text in an embedded store: paths, each database value, each artifact.

    Archives (zip, gzip) are opened and numpy arrays written out. The database file is also given as it lies on the
    disk, where deleted values may linger.

    Raises
    ------
    ConfigError
        If the store is on a server, whose files cannot be seen from here.
    """
    database, _ = _places(store)
    if database.exists():
        yield from _database_texts(database)
    for path in store_files(store):
        yield StoredText(where="path", text=str(path))
        yield from _content_texts(str(path), path.read_bytes())


def _places(store: Store) -> tuple[Path, Path]:
    if store.database is None or store.artifacts is None:
        raise ConfigError(f"{store.label} is not an embedded store; audit it on the computer that keeps its files.")
    return store.database, store.artifacts


def _database_texts(path: Path) -> Iterator[StoredText]:
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if value is not None:
                        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                        yield StoredText(where=f"{path.name}: {table}.{column}", text=text)


def _content_texts(where: str, content: bytes) -> Iterator[StoredText]:
    if content.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _content_texts(f"{where}!{member}", archive.read(member))
    elif content.startswith(_GZIP):
        yield from _content_texts(f"{where}!", gzip.decompress(content))
    elif content.startswith(_NPY):
        array = np.load(io.BytesIO(content), allow_pickle=False)
        yield StoredText(where=where, text="\n".join(str(value) for value in array.ravel().tolist()))
    else:
        yield StoredText(where=where, text=content.decode("utf-8", "replace"))
