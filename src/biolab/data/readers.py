"""Files to lazy frames: CSV and TSV (plain or gzip), Parquet, Arrow and Excel."""

import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean

from .delimited import check_delimited

_MISSING: Final = ["", "NA"]


def scan(path: str | Path, *, table: str | None = None) -> pl.LazyFrame:
    """Read a table from a file; CSV, Parquet and Arrow stay lazy and read only the columns and rows asked for.

    The extension says the format: .csv, .tsv (also .gz), .parquet, .arrow, .ipc, .feather, .xlsx. In text files an
    empty field and ``NA`` are null, types are inferred from the whole file (a word far down makes a text column, not
    a failure later), and the shape of every line is checked when the file is opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "site.csv"
    ...     pl.DataFrame({"age": [52, 61], "grade": ["2", "NA"]}).write_csv(path)
    ...     scan(path).collect().rows()
    [(52, 2), (61, None)]

    Parameters
    ----------
    table
        The sheet of an Excel file; the first one if left out.

    Raises
    ------
    DataError
        If the file is missing (a similar name is suggested), empty, damaged, not UTF-8, of an unknown extension, or
        names a column twice.
    """
    path = Path(path)
    reader = _READERS.get(_extension(path))
    if reader is None:
        raise DataError(f"{path}: extension {path.suffix!r} is not one biolab reads; expected {', '.join(_READERS)}.")
    check_file(path)
    if table is not None and reader is not _scan_excel:
        raise ConfigError(f"{path}: table {table!r} was asked for, but only Excel files have several tables.")
    return reader(path, table)


def _extension(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(suffixes) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def looked_up(path: Path) -> os.stat_result | None:
    """Return what is known of a file, None if there is none.

    Raises
    ------
    DataError
        If that cannot be found out: the name is none, or the folder may not be entered.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"{str(path)[:200]!r} cannot be looked up: {reason}. Check the name, and who may enter the folder."
        ) from error


def check_file(path: Path) -> None:
    """Refuse what is no file, or an empty one, with the nearest name beside it.

    Raises
    ------
    DataError
        Says what is there instead.
    """
    there = looked_up(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file.")
    if there is None:
        if path.is_symlink():
            raise DataError(f"{path} is a link to {path.readlink()}, which does not exist.")
        if not path.parent.is_dir():
            raise DataError(f"{path} does not exist, nor does its folder {path.parent}.")
        siblings = path.parent.iterdir() if os.access(path.parent, os.R_OK) else ()
        near = get_close_matches(path.name, [sibling.name for sibling in siblings], n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"{path.parent} holds no file of a similar name."
        raise DataError(f"{path} does not exist. {hint}")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} may not be read by you (permission denied). Ask its owner, or chmod u+r it.")
    if there.st_size == 0:
        raise DataError(f"{path} is empty (0 bytes). Export it again.")


def _scan_csv(path: Path, _table: str | None) -> pl.LazyFrame:
    return _scan_delimited(path, ",")


def _scan_tsv(path: Path, _table: str | None) -> pl.LazyFrame:
    return _scan_delimited(path, "\t")


def _scan_delimited(path: Path, separator: str) -> pl.LazyFrame:
    shape = check_delimited(path, separator)
    frame = pl.scan_csv(
        path,
        separator=separator,
        null_values=_MISSING,
        infer_schema_length=None,
        n_rows=shape.records if shape.trailing_blanks else None,
    )
    return _opened(frame, path)


def _scan_parquet(path: Path, _table: str | None) -> pl.LazyFrame:
    return _opened(pl.scan_parquet(path), path)


def _scan_ipc(path: Path, _table: str | None) -> pl.LazyFrame:
    return _opened(pl.scan_ipc(path), path)


def _opened(frame: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """Read the schema now, so that a damaged file is named here and not where the frame is first used."""
    try:
        names = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"{path} cannot be read as {_extension(path)}: {reason}. Export or copy it again.") from error
    _refuse_twice(names, path)
    return frame


def _refuse_twice(names: Iterable[object], path: Path) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path}: two columns are called {name!r}. Rename one.")
        seen.add(name)


def _scan_excel(path: Path, table: str | None) -> pl.LazyFrame:
    import fastexcel

    try:
        workbook = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise DataError(f"{path} cannot be read as .xlsx. Save it again as an Excel workbook.") from error
    sheet = workbook.sheet_names[0] if table is None else table
    if sheet not in workbook.sheet_names:
        raise DataError(f"{path} has no sheet {sheet!r}. {did_you_mean(sheet, workbook.sheet_names)}")
    header = workbook.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
    if header.is_empty():
        raise DataError(f"{path}, sheet {sheet!r} is empty; expected a row of column names and a row for each record.")
    names = header.row(0)
    for number, name in enumerate(names, 1):
        if name is None or not name.strip():
            raise DataError(f"{path}, sheet {sheet!r}: column {number} has no name in row 1. Give it one.")
    _refuse_twice(names, path)
    frame = pl.read_excel(path, sheet_name=sheet, drop_empty_rows=False, infer_schema_length=None)
    return _without_blank_end(frame, path, sheet).lazy()


def _without_blank_end(frame: pl.DataFrame, path: Path, sheet: str) -> pl.DataFrame:
    """Drop empty rows after the last record, which sheets often have, and refuse those between records."""
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    filled = blank.not_().arg_true()
    height = 0 if filled.is_empty() else int(filled[-1]) + 1
    if blank.head(height).any():
        raise DataError(f"{path}, sheet {sheet!r}: row {int(blank.arg_true()[0]) + 2} is empty. Remove the row.")
    return frame.head(height)


_READERS: Final[dict[str, Callable[[Path, str | None], pl.LazyFrame]]] = {
    ".csv": _scan_csv,
    ".csv.gz": _scan_csv,
    ".tsv": _scan_tsv,
    ".tsv.gz": _scan_tsv,
    ".parquet": _scan_parquet,
    ".arrow": _scan_ipc,
    ".ipc": _scan_ipc,
    ".feather": _scan_ipc,
    ".xlsx": _scan_excel,
}
