"""Text of INFO and FORMAT fields as values of the type that a VCF header declares."""

import polars as pl
from polars.datatypes import DataType, DataTypeClass

Kind = DataType | DataTypeClass


def typed_values(text: pl.Series, kind: Kind) -> pl.Series:
    """Turn text into numbers, text, or lists of them parted by commas; a dot is null, and so is what is no number.

    >>> typed_values(pl.Series(["1,.", ".", None, "7"]), pl.List(pl.Int64)).to_list()
    [[1, None], None, None, [7]]
    """
    given = text.replace(".", None)
    if not isinstance(kind, pl.List):
        return given if kind == pl.String else given.cast(kind, strict=False)
    one, inner = pl.element().replace(".", None), kind.inner
    return given.str.split(",").list.eval(one if inner == pl.String else one.cast(inner, strict=False))


def unread_values(text: pl.Series, values: pl.Series) -> pl.Series:
    """Mark the text that `typed_values` found to be no number.

    >>> text = pl.Series(["1,.", ".", None, "x"])
    >>> unread_values(text, typed_values(text, pl.List(pl.Int64))).to_list()
    [False, False, False, True]
    """
    given = text.replace(".", None)
    if not isinstance(values.dtype, pl.List):
        return values.is_null() & given.is_not_null()
    dots = given.str.split(",").list.eval(pl.element() == ".").list.sum()
    return (values.list.eval(pl.element().is_null()).list.sum() > dots).fill_null(value=False)
