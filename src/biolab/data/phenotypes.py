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
    is dropped. Codes listed in ``missing`` are null, in upper or lower case: -9 is PLINK's, so a true value of -9 must
    be protected by another list. Case and control codes 1 and 2 stay as they are.

    Raises
    ------
    DataError
        If the file is missing, empty or damaged, has no column IID, a line has another number of columns than the
        first, a person has no IID or stands twice, or a number is infinite; with file and line.
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
        rows.append(row)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    places = [number for number, _ in lines[1:]]
    _refuse_twice(frame, places, file)
    values = [name for name in names if name not in {"fid", "iid"}]
    codes = [code.lower() for code in missing]
    frame = frame.with_columns(
        pl.when(~pl.col(name).str.to_lowercase().is_in(codes)).then(pl.col(name)) for name in values
    )
    return frame.with_columns(_number(frame[name], codes, file, places) for name in values).lazy()


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
    nameless = (frame["iid"] == "").arg_true()
    if nameless.len():
        raise DataError(f"{path}, line {lines[int(nameless[0])]}: a person has no IID. Give one, or remove the line.")
    again = frame.select(~pl.struct(keys).is_first_distinct()).to_series().arg_true()
    if again.len():
        row = int(again[0])
        who = " ".join(frame.row(row, named=True)[name] for name in keys)
        raise DataError(f"{path}, line {lines[row]}: {who!r} stands a second time; expected one line a person.")


def _number(values: pl.Series, codes: Sequence[str], path: Path, lines: Sequence[int]) -> pl.Series:
    """Turn text into numbers if all of it is; a code that is a number stands for it however it is written (-9.0)."""
    for kind in (pl.Int64, pl.Float64):
        cast = values.cast(kind, strict=False)
        if cast.null_count() == values.null_count():
            wrong = (~cast.is_finite()).arg_true()
            if wrong.len():
                row = int(wrong[0])
                raise DataError(
                    f"{path}, line {lines[row]}: {values.name} is {values[row]!r}, which is no number to compute with. "
                    "Correct it, or list it in missing."
                )
            known = pl.Series(codes, dtype=pl.String).cast(kind, strict=False).drop_nulls()
            return cast.set(cast.is_in(known.implode()), None)
    return values
