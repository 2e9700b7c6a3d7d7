"""Bootstrap multiplicities, event-balanced folds and percentile intervals."""

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Float, Int


def bootstrap_weights(
    n: int, replicates: int, *, seed: int, strata: Int[ndarray, " n"] | None = None
) -> Int[ndarray, "b n"]:
    """Draw how often each row appears in each bootstrap replicate.

    Row b holds the multiplicities of a sample of n rows drawn with replacement, so that any statistic which
    accepts case weights is bootstrapped in one vectorised call, and every model and metric sees the same draws.
    With ``strata`` the rows of each stratum are resampled among themselves and every stratum keeps its size.

    Raises
    ------
    ConfigError
        If ``n`` or ``replicates`` is less than 1, or ``strata`` has another length than ``n``.

    References
    ----------
    Efron (1979), Ann. Statist. 7:1-26, doi:10.1214/aos/1176344552

    Examples
    --------
    >>> weights = bootstrap_weights(4, 3, seed=1)
    >>> weights.shape, weights.sum(axis=1).tolist()
    ((3, 4), [4, 4, 4])
    """
    if n < 1 or replicates < 1:
        raise ConfigError(f"A bootstrap needs at least 1 row and 1 replicate; got n={n} and replicates={replicates}.")
    generator = np.random.default_rng(seed)
    if strata is None:
        blocks = [np.arange(n)]
    else:
        strata = np.asarray(strata)
        if strata.shape != (n,):
            raise ConfigError(f"strata has shape {strata.shape}; expected one stratum for each of the {n} rows.")
        blocks = [np.flatnonzero(strata == name) for name in np.unique(strata)]
    weights = np.zeros((replicates, n), dtype=np.int32)
    for row in weights:
        for block in blocks:
            drawn = generator.integers(0, block.size, size=block.size)
            row[block] = np.bincount(drawn, minlength=block.size)
    return weights


def stratified_folds(event: Bool[ndarray, " n"], folds: int, *, seed: int) -> Int[ndarray, " n"]:
    """Assign every row to a fold at random, so that fold sizes and events per fold differ by at most one.

    Raises
    ------
    ConfigError
        If there are fewer than 2 folds.
    DataError
        If there are fewer events or fewer rows than folds: some fold would have no event.

    Examples
    --------
    >>> fold = stratified_folds(np.array([True, False, True, False]), 2, seed=3)
    >>> sorted(fold.tolist()), sorted(fold[[0, 2]].tolist())
    ([0, 0, 1, 1], [0, 1])
    """
    event = np.asarray(event, dtype=bool)
    events = int(event.sum())
    if folds < 2:
        raise ConfigError(f"Cross-validation needs at least 2 folds; got {folds}.")
    if events < folds:
        raise DataError(
            f"{events} events cannot be spread over {folds} folds. Use at most {events} folds or more patients."
        )
    generator = np.random.default_rng(seed)
    dealt = np.concatenate(
        [generator.permutation(np.flatnonzero(event)), generator.permutation(np.flatnonzero(~event))]
    )
    fold = np.empty(event.size, dtype=np.int64)
    fold[dealt] = np.arange(event.size) % folds
    return fold


def percentile_interval(draws: Float[ndarray, " b"], *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the central interval that holds ``confidence`` of the bootstrap draws.

    The limits are the (1 - confidence)/2 and (1 + confidence)/2 quantiles of the draws, linearly interpolated.
    It transforms with the statistic (the interval of log C is the log of the interval) but does not correct bias.

    Raises
    ------
    ConfigError
        If ``confidence`` is not strictly between 0 and 1.
    DataError
        If there are no draws or one is not finite: drop replicates that could not be computed, and say how many.

    References
    ----------
    Efron, Tibshirani (1993), An Introduction to the Bootstrap, chapter 13, doi:10.1201/9780429246593

    Examples
    --------
    >>> percentile_interval(np.arange(9.0), confidence=0.5)
    (2.0, 6.0)
    """
    draws = np.asarray(draws, dtype=np.float64)
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; expected a number between 0 and 1 such as 0.95.")
    broken = int((~np.isfinite(draws)).sum())
    if draws.size == 0 or broken:
        raise DataError(
            f"{broken} of {draws.size} bootstrap draws are not finite; expected finite draws, at least one."
        )
    lower, upper = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)
