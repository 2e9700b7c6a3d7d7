"""Cox's model with an elastic-net penalty whose strength is chosen by cross-validation along a path."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, get_args

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from biolab.core.arrays import Float, Int
from biolab.stats.resampling import stratified_folds

from .baseline_hazard import StepFunction
from .covariates import covariate_matrix
from .cox_cv import Rule
from .cox_path import CoxPath, column_names, path_settings
from .cox_path_fit import PathSettings, fit_path, log_likelihoods
from .event_table import check_choice
from .follow_up import FollowUp, check_rows, follow_up
from .partial_likelihood import Ties
from .target import survival_target

# Share of the null loss to which the fits of folds are brought; what they are compared by differs by far more
_PRECISION = 1e-10


class CoxPathCV(BaseEstimator):
    """Cox's model with an elastic-net penalty, its lambda chosen by the cross-validated partial likelihood.

    cvl(lambda) = sum over folds k of l(coef without k) - l_without_k(coef without k)

    as in `CoxPHCV`, with the path of `CoxPath`: its lambdas come from all patients; everything else, standard
    deviations and adaptive solutions included, is learned anew without each fold.

    Parameters
    ----------
    l1_ratio, n_lambdas, lambda_min_ratio, lambdas, penalty_factors, unpenalised, standardise, ties
        As of `CoxPath`.
    folds
        Number of folds; events are spread evenly over them.
    rule
        "min": the lambda of the best cvl. "one_standard_error": the largest within one standard error of it.
    seed
        Of the random folds.

    Attributes
    ----------
    lambda_, coef_
        The chosen lambda, and the coefficients of all patients there.
    baseline_hazard_
        For each stratum's label (None without strata) the cumulative hazard at x = 0.
    path_
        One row a lambda: cross-validated log partial likelihood (summed over the folds), its standard error, the
        number of coefficients that are not 0 on all patients, and which lambda was chosen.
    model_
        The `CoxPath` of all patients.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 30))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> model = CoxPathCV(n_lambdas=20, rule="one_standard_error").fit(X, (time, time < 2))
    >>> int(np.abs(model.coef_).argmax())
    0

    References
    ----------
    Verweij and van Houwelingen (1993), Statistics in Medicine 12:2305-2314, doi:10.1002/sim.4780122407

    Simon, Friedman, Hastie, Tibshirani (2011), Journal of Statistical Software 39(5):1-13, doi:10.18637/jss.v039.i05
    """

    def __init__(  # noqa: PLR0913 - a path's settings and a choice's; most are keyword-only
        self,
        l1_ratio: float = 1.0,
        n_lambdas: int = 100,
        lambda_min_ratio: float | None = None,
        lambdas: Sequence[float] | None = None,
        folds: int = 5,
        rule: Rule = "min",
        *,
        penalty_factors: Sequence[float] | None = None,
        unpenalised: Sequence[str | int] = (),
        standardise: bool = True,
        ties: Ties = "breslow",
        seed: int = 0,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.n_lambdas = n_lambdas
        self.lambda_min_ratio = lambda_min_ratio
        self.lambdas = lambdas
        self.folds = folds
        self.rule: Rule = rule
        self.penalty_factors = penalty_factors
        self.unpenalised = unpenalised
        self.standardise = standardise
        self.ties: Ties = ties
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, strata: Any = None, entry: Any = None) -> Self:
        """Choose lambda; the arguments are those of `CoxPath.fit`.

        Raises
        ------
        DataError
            If values or lengths are wrong, or there are fewer events than folds.
        ConfigError
            If a setting is not allowed.
        """
        check_choice("rule", self.rule, get_args(Rule))
        design, cases = covariate_matrix(X), follow_up(y, strata=strata, weight=sample_weight, entry=entry)
        check_rows(design, cases)
        fold = stratified_folds(cases.event & (cases.weight > 0), self.folds, seed=self.seed)
        self.model_ = CoxPath(
            self.l1_ratio,
            self.n_lambdas,
            self.lambda_min_ratio,
            self.lambdas,
            penalty_factors=self.penalty_factors,
            unpenalised=self.unpenalised,
            standardise=self.standardise,
            ties=self.ties,
        ).fit(X, y, sample_weight=sample_weight, strata=strata, entry=entry)
        settings = path_settings(self, column_names(self.model_, design.shape[1]))
        lambdas = self.model_.lambdas_
        gains = _gains(design, cases, replace(settings, lambdas=lambdas), fold)
        total, error = gains.sum(axis=0), gains.std(axis=0, ddof=1) * np.sqrt(len(gains))
        chosen = int(total.argmax())
        if self.rule == "one_standard_error":
            chosen = int(np.flatnonzero(total >= total[chosen] - error[chosen])[0])
        self.lambda_ = float(lambdas[chosen])
        self.coef_ = self.model_.coef_path_[chosen]
        self.path_ = pl.DataFrame(
            {
                "lambda": lambdas,
                "log_likelihood": total,
                "standard_error": error,
                "degrees_of_freedom": self.model_.degrees_of_freedom_,
                "chosen": np.arange(len(lambdas)) == chosen,
            }
        )
        for name in ("n_events_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.model_, name):
                setattr(self, name, getattr(self.model_, name))
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " n"]:
        """Return the log-hazard ``x @ coef_`` at the chosen lambda; larger means earlier events."""
        check_is_fitted(self)
        return self.model_.predict(X, self.lambda_)

    def predict_cumulative_hazard(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each patient at each time, at the chosen lambda; see `CoxPath`."""
        check_is_fitted(self)
        return self.model_.predict_cumulative_hazard(X, times, self.lambda_, strata)

    def predict_survival_function(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return each patient's probability of no event by each time, at the chosen lambda; see `CoxPath`."""
        check_is_fitted(self)
        return self.model_.predict_survival_function(X, times, self.lambda_, strata)

    @property
    def baseline_hazard_(self) -> dict[Any, StepFunction]:
        """Each stratum's cumulative hazard at x = 0, at the chosen lambda."""
        check_is_fitted(self)
        return self.model_.baseline_hazard_at(self.lambda_)

    def score(self, X: Any, y: Any) -> float:
        """Return Harrell's C of the log-hazard."""
        from .discrimination import harrell_c

        log_hazard, target = self.predict(X), survival_target(y)
        return float(harrell_c(target.time, target.event, log_hazard).estimate)


def _gains(
    design: Float[np.ndarray, "n p"], cases: FollowUp, settings: PathSettings, fold: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "k l"]:
    """Return each fold's share of the cross-validated log-likelihood."""
    gains = []
    for number in range(fold.max() + 1):
        training = fold != number
        found = fit_path(design[training], cases.take(training), settings, precision=_PRECISION)
        gains.append(log_likelihoods(design, cases, found.coef, settings.ties) - found.log_likelihood)
    return np.array(gains)
