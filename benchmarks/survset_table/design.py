"""Covariates as numbers, learned on the training patients of a fold and applied to its test patients."""

import numpy as np
import polars as pl

FEWEST = 10  # a level that fewer training patients have is pooled with others of its column
DEPENDENT = 1e-7  # share of a column's length that the columns before it must leave over


def matrices(covariates: pl.DataFrame, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test matrices: imputed, one-hot, scaled, without constant or dependent columns.

    Numbers are imputed by the training median; a factor that is null is a level of its own; the commonest level is the
    reference; levels under ten training patients are pooled, and join the reference where the pool is under ten.
    Every column then has training mean 0 and standard deviation 1 (also the indicators: a penalty sees them alike).
    With fewer columns than training patients, a column that is a linear combination of those before it is dropped.
    """
    blocks = [
        _numbers(covariates.select(pl.col("^num_.*$")), test),
        *(_indicators(factor, test) for factor in covariates.select(pl.col("^fac_.*$")).iter_columns()),
    ]
    X = np.concatenate(blocks, axis=1)
    mean, deviation = X[~test].mean(axis=0), X[~test].std(axis=0)
    kept = deviation > 1e-12 * (1 + np.abs(mean))
    X = (X[:, kept] - mean[kept]) / deviation[kept]
    if X.shape[1] < (~test).sum():
        X = X[:, independent(X[~test])]
    return X[~test], X[test]


def independent(X: np.ndarray) -> np.ndarray:
    """Return which centred columns are no linear combination of the columns before them."""
    left_over = np.abs(np.diag(np.linalg.qr(X, mode="r")))
    return left_over > DEPENDENT * np.linalg.norm(X, axis=0)


def _numbers(frame: pl.DataFrame, test: np.ndarray) -> np.ndarray:
    X = frame.cast(pl.Float64).to_numpy(order="fortran").copy() if frame.width else np.empty((len(test), 0))
    holes = np.flatnonzero(np.isnan(X).any(axis=0))
    for column in holes:
        known = X[~test, column][~np.isnan(X[~test, column])]
        X[np.isnan(X[:, column]), column] = np.median(known) if known.size else 0.0
    return X


def _indicators(factor: pl.Series, test: np.ndarray) -> np.ndarray:
    labels = factor.cast(pl.String).fill_null("missing").to_numpy()
    names, counts = np.unique(labels[~test], return_counts=True)
    reference = names[counts.argmax()]
    common = [name for name, count in zip(names, counts, strict=True) if count >= FEWEST and name != reference]
    columns = [labels == name for name in common]
    pool = ~np.isin(labels, [reference, *common])
    if pool[~test].sum() >= FEWEST:
        columns.append(pool)
    return np.column_stack(columns).astype(np.float64) if columns else np.empty((len(labels), 0))
