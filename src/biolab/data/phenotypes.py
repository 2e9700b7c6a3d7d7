"""Phenotype and covariate tables as genotype tools write them: blanks or tabs, FID and IID, -9 for missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import ConfigError, DataError

from .text_blocks import line_blocks

MISSING: Final = ("NA", "-9", "nan", ".", "")
_NAMES: Final = {"fid": "fid", "iid": "iid", "family_id": "fid", "sample_id": "iid", "id": "iid"}


def read_phenotypes(path: str | Path, *, missing: Sequence[str] = MISSING) -> pl.LazyFrame:
    """Read a table of phenotypes or covariates: one row a person, columns parted by tabs or blanks.

    Columns: ``fid`` and ``iid`` as text (a table with an IID alone has no ``fid``), then the columns of the file under
    their own names, as numbers where every value is one. The first line names the columns; a leading ``#`` (PLINK 2)
    is dropped. Codes listed in ``missing`` are null: -9 is PLINK's, so a true value of -9 must be protected by another
    list. Case and control codes 1 and 2 stay as they are.

    Raises
    ------
    DataError
        If the file is missing, empty or damaged, has no column IID, a line has another number of columns than the
        first, or a person stands twice; with file and line.
    ConfigError
        If ``missing`` is one text and not a list of codes.
    """
    if isinstance(missing, str):
        raise ConfigError(f"missing is the text {missing!r}; give a list of codes, such as [{missing!r}].")
    file = Path(path)
    text = b"".join(block.data for block in line_blocks(file)).decode()
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip() and line[:2] != "##"]
    if len(lines) < 2:
        raise DataError(f"{file} holds no person; expected a line of column names and a line for each person.")
    separator = "\t" if "\t" in lines[0][1] else None
    head = [name.strip() for name in lines[0][1].removeprefix("#").split(separator)]
    names = [_NAMES.get(name.lower(), name) if place < 2 else name for place, name in enumerate(head)]
    _check_names(names, file)
    rows: list[list[str]] = []
    for number, line in lines[1:]:
        row = [value.strip() for value in line.split(separator)]
        if len(row) != len(names):
            raise DataError(f"{file}, line {number} has {len(row)} column(s); the first line names {len(names)}.")
        if not row[names.index("iid")]:
            raise DataError(f"{file}, line {number}: the person has no IID. Give one, or remove the line.")
        rows.append(row)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    _refuse_twice(frame, [number for number, _ in lines[1:]], file)
    values = [name for name in names if name not in {"fid", "iid"}]
    frame = frame.with_columns(pl.when(~pl.col(name).is_in(list(missing))).then(pl.col(name)) for name in values)
    return frame.with_columns(_number(frame[name]) for name in values).lazy()


def _check_names(names: Sequence[str], path: Path) -> None:
    if "iid" not in names:
        raise DataError(
            f"{path}, line 1 names the columns {', '.join(names[:8])}; expected IID, or FID and IID, first."
        )
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}, line 1: two columns are called {name!r}. Rename one.")


def _refuse_twice(frame: pl.DataFrame, lines: Sequence[int], path: Path) -> None:
    keys = [name for name in ("fid", "iid") if name in frame.columns]
    again = frame.select(~pl.struct(keys).is_first_distinct()).to_series().arg_true()
    if again.len():
        row = int(again[0])
        who = " ".join(frame.row(row, named=True)[name] for name in keys)
        raise DataError(f"{path}, line {lines[row]}: {who!r} stands a second time; expected one line a person.")


def _number(values: pl.Series) -> pl.Series:
    for kind in (pl.Int64, pl.Float64):
        cast = values.cast(kind, strict=False)
        if cast.null_count() == values.null_count():
            return cast
    return values
