"""Tables written as text or Parquet by the ending of their name, whole or not at all."""

import io
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import ConfigError

from .growing_file import growing_file

_SEPARATORS: Final = {".tsv": "\t", ".txt": "\t", ".csv": ","}


def write_table(path: str | Path, frame: pl.DataFrame) -> Path:
    """Write a table as .tsv or .csv (packed if .gz follows) or as .parquet; null is NA in text.

    Raises
    ------
    ConfigError
        If the name has another ending.
    BiolabError
        If the file cannot be written.
    """
    file = Path(path)
    kind = next((ending for ending in (*_SEPARATORS, ".parquet") if ending in file.suffixes[-2:]), None)
    if kind is None or (kind == ".parquet" and file.suffix == ".gz"):
        raise ConfigError(
            f"{file}: a table is written as .tsv, .csv, .tsv.gz or .parquet; give it one of these endings."
        )
    content = io.BytesIO()
    if kind == ".parquet":
        frame.write_parquet(content)
    else:
        frame.write_csv(content, separator=_SEPARATORS[kind], null_value="NA")
    with growing_file(file) as handle:
        handle.write(content.getbuffer())
    return file
