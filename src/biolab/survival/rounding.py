"""Medians and splits of a fitted model without the values of patients that they were taken from."""

from dataclasses import replace

from .design import Design, DesignColumn
from .released_trees import Tree


def rounded_medians(design: Design) -> Design:
    """Return a fitted design whose medians, which fill gaps, are rounded to three digits.

    Unrounded, a median can be one patient's exact value.
    """
    rounded = Design(design.terms, design.codebook)
    rounded.columns_ = tuple(
        column if isinstance(column.fill, str) else replace(column, fill=_three_digits(column.fill))
        for column in design.columns_
    )
    return rounded


def rounded_splits(tree: Tree, design: Design) -> Tree:
    """Return a tree whose splits of numbers are rounded to three digits, on each variable's own scale.

    Histogram trees split at quantiles of the training rows, most of which are values of patients.
    """
    numbers = {place: column for place, column in enumerate(design.columns_) if column.level is None}
    splits = zip(tree.feature, tree.threshold, strict=True)
    return replace(tree, threshold=tuple(_rounded_split(value, numbers.get(feature)) for feature, value in splits))


def _rounded_split(threshold: float, column: DesignColumn | None) -> float:
    return threshold if column is None else column.standardised(_three_digits(column.natural(threshold)))


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
