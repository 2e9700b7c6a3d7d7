"""Faulty cells: found in one pass over the frame, said with file, row, column, value and remedy."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from biolab.core import DataError

SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Check:
    """A mask of faulty rows in one raw column, and what to say about them.

    ``shows_value`` is off where the value could tell who the patient is.
    """

    column: str
    mask: pl.Expr
    expected: str
    remedy: str
    shows_value: bool = True


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One faulty cell; rows are data rows counted from 1."""

    row: int
    column: str
    said: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column!r}: {self.said}"


def find_faults(masked: pl.DataFrame, raw: pl.DataFrame, checks: Sequence[Check]) -> tuple[list[Fault], int]:
    """Return the first faults by row, and how many there are; column ``str(i)`` of ``masked`` belongs to check i.

    A cell that fails several checks is one fault, said by the first of them.
    """
    found: list[Fault] = []
    faulty: dict[str, pl.Series] = {}
    for number, check in enumerate(checks):
        mask = masked[str(number)].fill_null(value=False)
        earlier = faulty.get(check.column)
        fresh = mask if earlier is None else mask & ~earlier
        faulty[check.column] = fresh if earlier is None else earlier | fresh
        for index in fresh.arg_true().head(SHOWN):
            found.append(Fault(row=index + 1, column=check.column, said=_said(check, raw[check.column][index])))
    found.sort(key=lambda fault: fault.row)
    return found[:SHOWN], sum(int(mask.sum()) for mask in faulty.values())


def _said(check: Check, value: object) -> str:
    shown = "missing" if value is None else repr(value) if check.shows_value else "value"
    return f"{shown}; expected {check.expected}. {check.remedy}"


def refuse(file: str, faults: Sequence[Fault], count: int) -> None:
    """Raise a DataError that lists the faults, if there are any.

    Raises
    ------
    DataError
        Names the file, and row, column, value, expectation and remedy of the first faults.
    """
    if not faults:
        return
    counted = "data rows are counted from 1, the header excluded"
    if count == 1:
        raise DataError(f"{file}, {faults[0]} ({counted})")
    more = [f"and {count - len(faults)} more"] if count > len(faults) else []
    lines = [f"{file} has {count} faulty cells ({counted}):", *(str(fault) for fault in faults), *more]
    raise DataError("\n- ".join(lines))
