"""Variants by samples with their names, and choices of them: names, places, masks or expressions turned into places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Int

# What a variant is told by in every table.
VARIANT: Final = ("chromosome", "position", "variant_id", "effect_allele", "other_allele")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NamedRows:
    """Variants by samples with their names, and which rows and columns of a file they are (None: all)."""

    variants: pl.DataFrame
    samples: pl.DataFrame
    variant_rows: Int[np.ndarray, " m"] | None = None
    sample_rows: Int[np.ndarray, " n"] | None = None
    in_file_order: ClassVar[bool] = False
    """Whether variants stay in the file's order, for it can only be read from its beginning."""

    def __repr__(self) -> str:
        """Say how much there is, never whose."""
        return f"{type(self).__name__}({self.variants.height:,} variants of {self.samples.height:,} samples)"

    @property
    def shape(self) -> tuple[int, int]:
        """How many variants and samples."""
        return self.variants.height, self.samples.height

    def select(self, *, variants: Any = None, samples: Any = None) -> Self:
        """Keep some variants and samples, given as ids, as places from 0, as a mask or as a polars expression.

        Samples are named by iid, or by (fid, iid) where an iid repeats. The order given is kept, but for variants of
        imputed dosages, which stay in the file's: a VCF can only be read from its beginning. Nothing is copied.

        Raises
        ------
        DataError
            If a name is unknown or a place does not exist.
        """
        columns, people = chosen_places(self.variants, variants, "variant_id"), sample_places(self.samples, samples)
        kept = self
        if columns is not None:
            columns = np.unique(columns) if self.in_file_order else columns
            rows = columns if self.variant_rows is None else self.variant_rows[columns]
            kept = replace(kept, variants=self.variants[columns], variant_rows=rows)
        if people is not None:
            rows = people if self.sample_rows is None else self.sample_rows[people]
            kept = replace(kept, samples=self.samples[people], sample_rows=rows)
        return kept


def variant_table(variants: pl.DataFrame, numbers: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Return numbers of variants beside what they are told by; NaN is null."""
    return variants.select(VARIANT).hstack(pl.DataFrame(dict(numbers), nan_to_null=True))


def chosen_places(frame: pl.DataFrame, chosen: Any, name: str) -> Int[np.ndarray, " s"] | None:
    """Turn ids, places from 0, a mask or a polars expression into places; None stays None.

    Raises
    ------
    DataError
        If a name is unknown, a place does not exist or a mask has another length.
    """
    if chosen is None:
        return None
    if isinstance(chosen, pl.Expr):
        return frame.select(chosen.arg_true()).to_series().to_numpy().astype(np.int64)
    if isinstance(chosen, str | int):
        chosen = [chosen]
    listed = list(chosen) if isinstance(chosen, list | tuple) else pl.Series(chosen).to_list()
    if listed and isinstance(listed[0], str):
        return _named_places(frame[name].to_list(), listed, name)
    values = np.asarray(listed)
    if values.dtype == bool:
        if values.shape != (frame.height,):
            raise DataError(f"The mask has {values.size} entries; expected one a row, {frame.height}.")
        return np.flatnonzero(values)
    if values.size and not np.issubdtype(values.dtype, np.integer):
        raise DataError(
            f"Rows are chosen by {listed[0]!r} and so on; expected {name}, places, a mask or an expression."
        )
    places = values.astype(np.int64)
    if places.size and not (places.min() >= 0 and places.max() < frame.height):
        raise DataError(f"Places go from 0 to {frame.height - 1}; got {places.min()} to {places.max()}.")
    return places


def sample_places(frame: pl.DataFrame, chosen: Any) -> Int[np.ndarray, " s"] | None:
    """Turn a choice of samples, by iid or (fid, iid) too, into places; None stays None.

    Raises
    ------
    DataError
        As `chosen_places`, and if samples are named by iid where these repeat.
    """
    if isinstance(chosen, Sequence) and chosen and isinstance(chosen[0], tuple):
        return _named_places(list(zip(frame["fid"], frame["iid"], strict=True)), list(chosen), "(fid, iid)")
    if isinstance(chosen, Sequence) and chosen and isinstance(chosen[0], str) and frame["iid"].is_duplicated().any():
        raise DataError("Sample names (iid) repeat between families here; give pairs (fid, iid).")
    return chosen_places(frame, chosen, "iid")


def _named_places(known: list[Any], wanted: list[Any], name: str) -> Int[np.ndarray, " s"]:
    at = {label: place for place, label in enumerate(known)}
    unknown = [label for label in wanted if label not in at]
    if unknown:
        hint = did_you_mean(unknown[0], known[:2000]) if isinstance(unknown[0], str) and len(known) <= 2000 else ""
        raise DataError(f"{name} {unknown[0]!r} is not here ({len(unknown)} of {len(wanted)} unknown). {hint}".rstrip())
    return np.array([at[label] for label in wanted], dtype=np.int64)
