"""What may leave a site: counts below the minimum cell are withheld, curves stop where few are at risk."""

import polars as pl

EVERY_ROW = pl.lit(value=True)


def suppress_counts(
    frame: pl.DataFrame, count: str, *, within: list[str], minimum: int, only: pl.Expr = EVERY_ROW
) -> pl.DataFrame:
    """Withhold (null) counts from 1 to ``minimum`` - 1, and a second one where a total would give the first away.

    Zero says that nobody is there and stays. Within each group, if exactly one count is withheld it could be found by
    subtracting the others from the total, so the smallest of the others is withheld too. Rows outside ``only`` hold no
    counts and stay.

    >>> counts = pl.DataFrame({"grade": ["1-2", "3"], "patients": [4, 90], "site": ["a", "a"]})
    >>> suppress_counts(counts, "patients", within=["site"], minimum=10)["patients"].to_list()
    [None, None]

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, doi:10.1002/9781118348239, chapter 4.
    """
    small = only & pl.col(count).is_between(1, minimum - 1)
    other = only & ~small & (pl.col(count) > 0)
    smallest_other = pl.when(other).then(pl.col(count)).min().over(within)
    second = (small.sum() == 1).over(within) & other & (pl.col(count) == smallest_other)
    return frame.with_columns(pl.when(small | second).then(None).otherwise(pl.col(count)).alias(count))


def stop_where_few_remain(curve: pl.DataFrame, *, minimum: int) -> pl.DataFrame:
    """Keep the points of a survival curve at which at least ``minimum`` patients are still at risk.

    >>> stop_where_few_remain(pl.DataFrame({"time": [0, 12], "at_risk": [80, 6]}), minimum=10)["time"].to_list()
    [0]
    """
    return curve.filter(pl.col("at_risk") >= minimum)
