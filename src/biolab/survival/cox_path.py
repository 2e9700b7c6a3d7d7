"""Cox's model along a path of elastic-net penalties, as a scikit-learn estimator."""

import warnings
from collections.abc import Sequence
from typing import Any, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from biolab.core.arrays import Float, Int
from biolab.core.errors import ConfigError
from biolab.stats import column_places

from .baseline_hazard import StepFunction
from .covariates import covariate_matrix
from .cox_hazard import cox_hazard_path
from .cox_path_fit import PathFit, PathSettings, fit_path
from .event_table import check_choice
from .follow_up import check_rows, follow_up
from .partial_likelihood import Ties


class CoxPath(BaseEstimator):
    """Cox's model with an elastic-net penalty, for a whole path of penalty strengths.

    objective = -log_likelihood(beta) / n
                + lambda * sum_j factors_j * (l1_ratio * abs(beta_j) + (1 - l1_ratio) / 2 * beta_j**2)

    with n the sum of the weights and the beta of the penalty on columns of standard deviation 1 (divisor n): the
    objective of R's glmnet 4.1, so that lambdas are comparable with its own. (Simon et al. write 2 / n; glmnet
    minimises 1 / n.) As there, ties are Breslow's by default and factors are rescaled to a mean of 1. In terms of
    `Ridge` and `ElasticNet`, ``strength = n * lambda``.

    Each lambda is solved by proximal Newton steps, from the solution before; the Hessian is exact and stays while steps
    shrink fast. Columns that cannot be in the model are told by the inequality of Cauchy and Schwarz (safely, not
    by a rule of thumb), and the optimality condition of all others is checked at the end. It also runs with more
    columns than patients, and on data that separate: only columns without a penalty could then run away, which is a
    ConvergenceWarning.

    Parameters
    ----------
    l1_ratio
        1: lasso. 0: ridge. Between: elastic net.
    n_lambdas, lambda_min_ratio
        Length of the path, evenly on a log scale, and its last lambda as a share of the first; by default 0.01 with
        fewer patients than columns, else 1e-4.
    lambdas
        The path itself; sorted from the largest down.
    penalty_factors
        A factor >= 0 a column: adaptive weights; 0 leaves the column unpenalised.
    unpenalised
        Names, or positions counted from 0, of columns without a penalty.
    standardise
        Whether the penalty looks at columns of standard deviation 1. Coefficients are always on the scale given.
    ties
        "breslow" or "efron".

    Attributes
    ----------
    lambdas_, coef_path_
        The path from the largest lambda down, and the coefficients, one row a lambda.
    log_likelihood_path_, degrees_of_freedom_, n_iterations_
        A value a lambda: unpenalised log partial likelihood, number of coefficients that are not 0, Newton steps.
    n_events_, n_features_in_, feature_names_in_
        Observed events, columns, and their names where X had any.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 100))
    >>> time = rng.exponential(np.exp(-X[:, 3]))
    >>> path = CoxPath(n_lambdas=20).fit(X, (time, time < 2))
    >>> path.coef_path_.shape, int(path.degrees_of_freedom_[0]), int(np.flatnonzero(path.coef_path_[1])[0])
    ((20, 100), 0, 3)

    References
    ----------
    Simon, Friedman, Hastie, Tibshirani (2011), Journal of Statistical Software 39(5):1-13, doi:10.18637/jss.v039.i05

    Lee, Sun, Saunders (2014), SIAM Journal on Optimization 24:1420-1443, doi:10.1137/130921428
    """

    def __init__(  # noqa: PLR0913 - the names are those of the path's settings
        self,
        l1_ratio: float = 1.0,
        n_lambdas: int = 100,
        lambda_min_ratio: float | None = None,
        lambdas: Sequence[float] | None = None,
        *,
        penalty_factors: Sequence[float] | None = None,
        unpenalised: Sequence[str | int] = (),
        standardise: bool = True,
        ties: Ties = "breslow",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.n_lambdas = n_lambdas
        self.lambda_min_ratio = lambda_min_ratio
        self.lambdas = lambdas
        self.penalty_factors = penalty_factors
        self.unpenalised = unpenalised
        self.standardise = standardise
        self.ties: Ties = ties

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, strata: Any = None, entry: Any = None) -> Self:
        """Estimate the coefficients at every lambda; the arguments are those of `CoxPH.fit`.

        Constant columns, and with the lasso all but one of several equal columns, keep a coefficient of 0; a warning
        names them.

        Raises
        ------
        DataError
            If values or lengths are wrong; names row and column.
        ConfigError
            If a setting is not allowed.
        FitError
            If there is no event.
        """
        design = covariate_matrix(X)
        named: Any = X if hasattr(X, "columns") else design
        validate_data(self, named, reset=True, skip_check_array=True)
        settings = path_settings(self, column_names(self, design.shape[1]))
        cases = follow_up(y, strata=strata, weight=sample_weight, entry=entry)
        check_rows(design, cases)
        found = fit_path(design, cases, settings)
        self._warn(found)
        self.lambdas_ = found.lambdas
        self.coef_path_ = found.coef
        self.log_likelihood_path_ = found.log_likelihood
        self.degrees_of_freedom_ = np.count_nonzero(found.coef, axis=1)
        self.n_iterations_ = found.iterations
        self.n_events_ = cases.events
        self._hazards = cox_hazard_path(design, cases, found.coef, settings.ties)
        return self

    def coef_at(self, lambda_: float) -> Float[np.ndarray, " p"]:
        """Return the coefficients at a lambda of the path.

        Raises
        ------
        ConfigError
            If the path does not hold it (to 6 digits).
        """
        check_is_fitted(self)
        return self.coef_path_[self._place(lambda_)]

    def predict(self, X: Any, lambda_: float | None = None) -> Float[np.ndarray, "n *l"]:  # noqa: F821
        """Return the log-hazard ``x @ coef`` at a lambda of the path; without one, a column for each of them."""
        design = self._covariates(X)
        return design @ (self.coef_path_.T if lambda_ is None else self.coef_at(lambda_))

    def predict_cumulative_hazard(
        self, X: Any, times: Any, lambda_: float, strata: Any = None
    ) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each patient at each time, at a lambda of the path; see `CoxPH`.

        The baseline hazard is Breslow's, or Efron's with his ties, at that lambda's coefficients.

        Raises
        ------
        ConfigError
            If the path does not hold the lambda (to 6 digits).
        DataError
            If the model has strata and none are given, or a stratum was not in the fit.
        """
        return self._hazards[self._place(lambda_)].cumulative(self._covariates(X), times, strata)

    def predict_survival_function(
        self, X: Any, times: Any, lambda_: float, strata: Any = None
    ) -> Float[np.ndarray, "n t"]:
        """Return each patient's probability of no event by each time, ``exp(-cumulative hazard)``.

        Raises
        ------
        ConfigError
            If the path does not hold the lambda (to 6 digits).
        DataError
            If the model has strata and none are given, or a stratum was not in the fit.
        """
        return np.exp(-self.predict_cumulative_hazard(X, times, lambda_, strata))

    def baseline_hazard_at(self, lambda_: float) -> dict[Any, StepFunction]:
        """Return each stratum's cumulative hazard at x = 0 (None without strata), at a lambda of the path.

        Raises
        ------
        ConfigError
            If the path does not hold the lambda (to 6 digits).
        """
        return self._hazards[self._place(lambda_)].at_origin()

    def _place(self, lambda_: float) -> int:
        check_is_fitted(self)
        at = int(np.abs(self.lambdas_ - lambda_).argmin())
        if not abs(self.lambdas_[at] - lambda_) <= 1e-6 * abs(lambda_):
            raise ConfigError(
                f"lambda {lambda_:g} is not on the path, whose nearest is {self.lambdas_[at]:.8g}. Choose one of "
                "lambdas_, or fit with lambdas=[...]."
            )
        return at

    def _covariates(self, X: Any) -> Float[np.ndarray, "n p"]:
        """Read X and hold it against the columns of the fit."""
        check_is_fitted(self)
        design = covariate_matrix(X)
        named: Any = X if hasattr(X, "columns") else design
        validate_data(self, named, reset=False, skip_check_array=True)
        return design

    def _warn(self, found: PathFit) -> None:
        warn_of_columns(found, column_names(self, found.coef.shape[1]), level=4)
        if not found.converged.all():
            late = found.lambdas[~found.converged]
            warnings.warn(
                f"{type(self).__name__} did not converge at {len(late)} of {len(found.lambdas)} lambdas (the largest "
                f"is {late[0]:.4g}). Do unpenalised columns (factor 0) separate the events? Give them a factor > 0, "
                "or raise lambda_min_ratio.",
                ConvergenceWarning,
                stacklevel=3,
            )


def column_names(estimator: Any, columns: int) -> list[str]:
    """Return the names that a fit has seen, or x0, x1, ..."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{at}" for at in range(columns)] if names is None else [str(name) for name in names]


def warn_of_columns(found: PathFit, names: Sequence[str], *, level: int) -> None:
    """Name the columns that were left at 0 because they say nothing of their own, as of the call ``level`` up."""
    if found.constant.size:
        warnings.warn(
            f"{_listed(found.constant, names)} constant, so the coefficient stays 0.", UserWarning, stacklevel=level
        )
    if found.duplicate.size:
        warnings.warn(
            f"{_listed(found.duplicate, names)} equal to another column, which stands for both: the coefficient "
            "stays 0.",
            UserWarning,
            stacklevel=level,
        )


def path_settings(path: Any, names: Sequence[str]) -> PathSettings:
    """Validate what a path estimator was made with.

    Raises
    ------
    ConfigError
        If a setting is not allowed.
    """
    check_choice("ties", path.ties, get_args(Ties))
    if not 0 <= path.l1_ratio <= 1:
        raise ConfigError(f"l1_ratio is {path.l1_ratio}; it must lie between 0 (ridge) and 1 (lasso).")
    if path.n_lambdas < 1:
        raise ConfigError(f"n_lambdas is {path.n_lambdas}; a path needs at least 1.")
    if path.lambda_min_ratio is not None and not 0 < path.lambda_min_ratio < 1:
        raise ConfigError(f"lambda_min_ratio is {path.lambda_min_ratio}; it must lie strictly between 0 and 1.")
    return PathSettings(
        l1_ratio=float(path.l1_ratio),
        n_lambdas=int(path.n_lambdas),
        lambda_min_ratio=path.lambda_min_ratio,
        lambdas=None if path.lambdas is None else _numbers("lambdas", path.lambdas, None)[::-1],
        factors=_factors(path, names),
        standardise=bool(path.standardise),
        ties=path.ties,
    )


def _factors(path: Any, names: Sequence[str]) -> Float[np.ndarray, " p"] | None:
    """Return the columns' factors as glmnet takes them: rescaled to a mean of 1."""
    if path.penalty_factors is None and not len(path.unpenalised):
        return None
    given = np.ones(len(names)) if path.penalty_factors is None else path.penalty_factors
    factors = _numbers("penalty_factors", given, len(names))
    factors[column_places(path.unpenalised, names, len(names))] = 0.0
    if not factors.any():
        raise ConfigError(
            "All penalty_factors are 0, so nothing is penalised. Use CoxPH for a model without a penalty."
        )
    return factors / factors.mean()


def _numbers(name: str, values: Sequence[float] | Float[np.ndarray, " k"], size: int | None) -> Float[np.ndarray, " k"]:
    """Read finite numbers >= 0: one a column in order, or (without a size) distinct and ascending."""
    found = np.array(values, dtype=np.float64)
    if found.ndim != 1 or not found.size or not (np.isfinite(found) & (found >= 0)).all():
        raise ConfigError(f"{name} are {values!r}; they must be one or more finite numbers >= 0.")
    if size is None:
        return np.unique(found)
    if len(found) != size:
        raise ConfigError(f"There are {len(found)} {name} for {size} columns; give one a column.")
    return found


def _listed(chosen: Int[np.ndarray, " c"], names: Sequence[str]) -> str:
    shown = ", ".join(repr(names[at]) for at in chosen[:6])
    more = f" and {len(chosen) - 6} more" if len(chosen) > 6 else ""
    return f"Column {shown} is" if len(chosen) == 1 else f"Columns {shown}{more} are"
