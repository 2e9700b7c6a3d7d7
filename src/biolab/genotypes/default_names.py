"""Frames that name variants and samples of an array, where the user gives none or some columns."""

import polars as pl

from biolab.core import DataError


def default_variants(m: int) -> pl.DataFrame:
    """Name variants v1, v2, ... on chromosome 1, with alleles A and G."""
    return pl.DataFrame(
        {
            "chromosome": ["1"] * m,
            "variant_id": [f"v{j + 1}" for j in range(m)],
            "position_cm": [0.0] * m,
            "position": list(range(1, m + 1)),
            "effect_allele": ["A"] * m,
            "other_allele": ["G"] * m,
        }
    )


def default_samples(n: int) -> pl.DataFrame:
    """Name samples s1, s2, ..., of whom nothing else is known."""
    names = [f"s{i + 1}" for i in range(n)]
    unknown = dict.fromkeys(("father", "mother", "sex"), pl.String) | {"phenotype": pl.Float64}
    return pl.DataFrame({"fid": names, "iid": names}).with_columns(
        *[pl.lit(None, dtype=kind).alias(name) for name, kind in unknown.items()]
    )


def named_or_default(given: pl.DataFrame | None, name: str, default: pl.DataFrame) -> pl.DataFrame:
    """Return the default frame with the columns that were given.

    Raises
    ------
    DataError
        If the given frame has another length.
    """
    if given is None:
        return default
    if given.height != default.height:
        raise DataError(f"The frame of {name} has {given.height} rows; dosage has {default.height} {name}.")
    return default.with_columns([given[column] for column in default.columns if column in given.columns])
