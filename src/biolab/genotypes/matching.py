"""Alleles of a table of weights against those of genotypes: one reason a row, and nothing flipped in silence."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Bool, Int

MatchBy = Literal["variant_id", "position"]
Ambiguous = Literal["exclude", "keep"]

REASONS: Final = (
    "matched", "swapped", "flipped", "ambiguous", "absent", "mismatched", "duplicate", "multiallelic",
)  # fmt: skip
_KEYS: Final = {"variant_id": ["variant_id"], "position": ["chromosome", "position"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """How rows of weights found their variants.

    ``table`` has a row for each row of weights: key and alleles given, ``reason``, ``used``, and the variant's name and
    alleles in the genotypes. ``weight_rows`` are the rows used, ``variant_rows`` their variants, ``swapped`` whether
    the effect allele is the genotypes' other allele.
    """

    table: pl.DataFrame
    weight_rows: Int[np.ndarray, " u"]
    variant_rows: Int[np.ndarray, " u"]
    swapped: Bool[np.ndarray, " u"]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each reason."""
        found = dict(self.table["reason"].value_counts().iter_rows())
        return {reason: int(found.get(reason, 0)) for reason in REASONS}


def match_alleles(
    weights: pl.DataFrame,
    variants: pl.DataFrame,
    *,
    by: MatchBy = "variant_id",
    ambiguous: Ambiguous = "exclude",
    flip: bool = True,
) -> Matching:
    """Find each row's variant by name or position, then by its alleles.

    matched: the effect allele is counted in the genotypes; swapped: it is their other allele; flipped: either, on the
    opposite strand; ambiguous: A/T or C/G, whose strand cannot be told (used only if kept); mismatched: the variant is
    there with other alleles; absent: it is not there; duplicate: an earlier row has the variant; multiallelic: several
    variants fit. A row without other_allele is matched by its effect allele alone.

    Raises
    ------
    DataError
        If a column needed is missing or no row has a key.
    """
    given = _prepared(weights, by)
    known = variants.with_row_index("variant_row").select(
        *_KEYS[by],
        "variant_row",
        first=pl.col("effect_allele").str.to_uppercase(),
        second=pl.col("other_allele").str.to_uppercase(),
        found_id="variant_id",
    )
    pairs = given.join(known, on=_KEYS[by], how="left", nulls_equal=False).with_columns(_fit(flip=flip))
    fits = pl.col("how").is_not_null()
    best = (
        pairs.with_columns(fitting=fits.sum().over("row"), there=pl.col("variant_row").is_not_null())
        .sort("row", ~fits, maintain_order=True)
        .unique("row", keep="first", maintain_order=True)
    )
    again = pl.struct("variant_row").is_first_distinct().over(fits).not_() & fits
    reason = (
        pl.when(~pl.col("there"))
        .then(pl.lit("absent"))
        .when(pl.col("fitting") > 1)
        .then(pl.lit("multiallelic"))
        .when(pl.col("fitting") == 0)
        .then(pl.lit("mismatched"))
        .when(again)
        .then(pl.lit("duplicate"))
        .when(pl.col("palindrome"))
        .then(pl.lit("ambiguous"))
        .otherwise(pl.col("how").str.strip_suffix(" swapped"))
    )
    kept = ["matched", "swapped", "flipped"] + (["ambiguous"] if ambiguous == "keep" else [])
    best = best.with_columns(reason=reason).with_columns(used=pl.col("reason").is_in(kept))
    used = best.filter("used").sort("variant_row")
    table = best.select(
        "row", *_KEYS[by], "effect_allele", "other_allele", "reason", "used",
        genotype_variant_id="found_id", genotype_effect_allele="first", genotype_other_allele="second",
    )  # fmt: skip
    return Matching(
        table=table,
        weight_rows=used["row"].to_numpy().astype(np.int64),
        variant_rows=used["variant_row"].to_numpy().astype(np.int64),
        swapped=used["how"].str.contains("swapped").to_numpy(),
    )


def _prepared(weights: pl.DataFrame, by: MatchBy) -> pl.DataFrame:
    for name in (*_KEYS[by], "effect_allele"):
        if name not in weights.columns:
            raise DataError(f"The weights have no column {name!r}. {did_you_mean(name, weights.columns)}")
    other = pl.col("other_allele") if "other_allele" in weights.columns else pl.lit(None, dtype=pl.String)
    given = weights.with_row_index("row").select(
        "row",
        *_KEYS[by],
        effect_allele=pl.col("effect_allele").cast(pl.String).str.to_uppercase(),
        other_allele=other.cast(pl.String).str.to_uppercase(),
    )
    if given.height and given[_KEYS[by][0]].is_null().all():
        raise DataError(
            f"All rows of the weights have an empty {_KEYS[by][0]}; match by {' or '.join(_KEYS)} that is there."
        )
    return given


def _complement(allele: pl.Expr) -> pl.Expr:
    return allele.str.replace_many(["A", "C", "G", "T"], ["T", "G", "C", "A"]).str.reverse()


def _fit(*, flip: bool) -> list[pl.Expr]:
    """Say how the given alleles fit the genotypes': null if they do not."""
    first, second = pl.col("first"), pl.col("second")

    def same(effect: pl.Expr, other: pl.Expr, a: pl.Expr, b: pl.Expr) -> pl.Expr:
        return ((effect == a) & ((other == b) | other.is_null() | b.is_null())).fill_null(value=False)

    effect, other = pl.col("effect_allele"), pl.col("other_allele")
    turned, turned_other = _complement(effect), _complement(other)
    how = pl.when(same(effect, other, first, second)).then(pl.lit("matched"))
    how = how.when(same(effect, other, second, first)).then(pl.lit("swapped"))
    if flip:
        how = how.when(same(turned, turned_other, first, second)).then(pl.lit("flipped"))
        how = how.when(same(turned, turned_other, second, first)).then(pl.lit("flipped swapped"))
    palindrome = (first == _complement(second)).fill_null(value=False)
    return [how.otherwise(None).alias("how"), palindrome.alias("palindrome")]
