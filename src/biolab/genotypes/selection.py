"""Choices of variants and samples, by names, places, masks or expressions, turned into places in a frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Int


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
