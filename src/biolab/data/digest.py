"""A digest of a frame that depends on what it says: names, kinds and values in row order."""

import hashlib
import struct

import numpy as np
import polars as pl


def frame_digest(frame: pl.DataFrame) -> str:
    """Return the SHA-256 of names, kinds and values of a frame, the same on every machine and polars version.

    Each column is hashed as its name, its kind (number, integer, boolean or text, with the codes in order for a
    category), which values are missing, and the values: numbers as little-endian 8-byte words, anything else as UTF-8
    text with its length in front. Integer width and float width are not part of the content.

    >>> frame_digest(pl.DataFrame({"a": [1, 2]})) == frame_digest(pl.DataFrame({"a": [2, 1]}))
    False
    """
    digest = hashlib.sha256(f"{frame.height}\n".encode())
    for column in frame.iter_columns():
        digest.update(_text(column.name) + _text(_kind(column.dtype)))
        gaps = column.null_count() > 0  # most columns have none: wide frames then need no polars call a column
        digest.update(column.is_null().cast(pl.UInt8).to_numpy().tobytes() if gaps else bytes(frame.height))
        if column.dtype.is_float():
            values = column.fill_null(0.0).to_numpy() if gaps else column.to_numpy()
            digest.update((values.astype(np.float64) + 0.0).astype(np.dtype("<f8")).tobytes())
        elif column.dtype.is_integer() or column.dtype == pl.Boolean:
            digest.update(column.cast(pl.Int64).fill_null(0).to_numpy().astype(np.dtype("<i8")).tobytes())
        else:
            digest.update(b"".join(_text(text) for text in column.cast(pl.String).fill_null("")))
    return digest.hexdigest()


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_float():
        return "number"
    if dtype.is_integer():
        return "integer"
    if isinstance(dtype, pl.Enum):
        return "category:" + "\x1f".join(dtype.categories)
    return "boolean" if dtype == pl.Boolean else "text"


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<q", len(content)) + content
