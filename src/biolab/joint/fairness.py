"""Whether a model serves every subgroup alike: its measures by subgroup at each site, and how far groups are apart."""

import polars as pl

FAIRNESS_SCHEMA = {
    **dict.fromkeys(("evidence", "model", "train_site", "test_site", "variable", "metric"), pl.String()),
    "horizon": pl.Float64(),
    **dict.fromkeys(("weakest_group", "strongest_group"), pl.String()),
    **dict.fromkeys(("weakest", "strongest", "gap"), pl.Float64()),
    "groups": pl.Int64(),
    "suppressed": pl.Int64(),
}


def fairness(subgroups: pl.DataFrame) -> pl.DataFrame:
    """Name, for each model, site, variable and measure, the subgroups with the lowest and the highest value.

    ``gap`` is highest minus lowest, descriptive only: the range of several noisy values is never zero. Subgroups whose
    numbers were suppressed are counted, not compared.
    """
    keys = ["model", "train_site", "test_site", "variable", "metric", "horizon"]
    shown = pl.col("estimate").is_finite().fill_null(value=False)
    found = subgroups.group_by(keys, maintain_order=True).agg(
        weakest_group=pl.col("subgroup").filter(shown).sort_by(pl.col("estimate").filter(shown)).first(),
        strongest_group=pl.col("subgroup").filter(shown).sort_by(pl.col("estimate").filter(shown)).last(),
        weakest=pl.col("estimate").filter(shown).min(),
        strongest=pl.col("estimate").filter(shown).max(),
        groups=shown.sum().cast(pl.Int64),
        suppressed=(~shown).sum().cast(pl.Int64),
    )
    home = pl.col("train_site") == pl.col("test_site")
    named = found.with_columns(
        evidence=pl.when(home).then(pl.lit("internal")).otherwise(pl.lit("external")),
        gap=pl.col("strongest") - pl.col("weakest"),
    )
    return named.select(pl.col(name).cast(kind) for name, kind in FAIRNESS_SCHEMA.items())
