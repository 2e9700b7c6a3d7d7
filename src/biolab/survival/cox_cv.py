"""Cox's model with a ridge penalty whose strength is chosen by cross-validation."""

from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from biolab.core.arrays import Float, Int
from biolab.core.errors import ConfigError
from biolab.stats.penalties import Ridge
from biolab.stats.resampling import stratified_folds

from .baseline_hazard import StepFunction
from .covariates import covariate_matrix
from .cox import CoxPH, Device, cox_settings
from .cox_fit import CoxProblem, CoxSettings
from .event_table import check_choice
from .follow_up import FollowUp, check_rows, follow_up
from .partial_likelihood import Ties

Rule = Literal["min", "one_standard_error"]


class CoxPHCV(BaseEstimator):
    """Cox's model with a ridge penalty, its strength chosen by the cross-validated partial likelihood.

    cvl(strength) = sum over folds k of l(coef without k) - l_without_k(coef without k)

    with l the unpenalised log partial likelihood of all patients and l_without_k that of those outside fold k: a fold's
    patients are judged within the risk sets of all, so folds need not be large. The model is then refitted on all.
    Columns should be standardised first: one strength holds for all of them. Standard errors do not know that the
    strength was chosen on the same data.

    Parameters
    ----------
    strengths
        Strengths to try; by default 25 from 10 to 1e-4 times the number of events, evenly on a log scale. With as many
        columns as patients or more, the largest is raised by the columns' total variance over the number of patients:
        a direction of the covariates then has about that variance, and weaker penalties would not hold it.
    folds
        Number of folds; events are spread evenly over them.
    rule
        "min": the strength of the best cvl. "one_standard_error": the largest within one standard error of it.
    ties, device
        As of `CoxPH`.
    seed
        Of the random folds.

    Attributes
    ----------
    strength_
        The chosen strength.
    path_
        One row a strength: cross-validated log partial likelihood (summed over the folds), its standard error, the
        mean degrees of freedom, and which one was chosen.
    model_
        The `CoxPH` fitted on all patients; its ``coef_``, ``standard_error_``, ``log_likelihood_`` stand here too.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> model = CoxPHCV(strengths=[0.1, 1, 10, 100], seed=1).fit(X, (time, time < 2))
    >>> model.path_.filter("chosen")["strength"].item() == model.strength_
    True

    References
    ----------
    Verweij and van Houwelingen (1993), Statistics in Medicine 12:2305-2314, doi:10.1002/sim.4780122407
    """

    def __init__(
        self,
        strengths: Sequence[float] | None = None,
        folds: int = 5,
        rule: Rule = "min",
        ties: Ties = "efron",
        *,
        device: Device = "auto",
        seed: int = 0,
    ) -> None:
        self.strengths = strengths
        self.folds = folds
        self.rule: Rule = rule
        self.ties: Ties = ties
        self.device: Device = device
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any, strata: Any = None, sample_weight: Any = None, entry: Any = None) -> Self:
        """Choose the strength, then fit on all patients; the arguments are those of `CoxPH.fit`.

        Raises
        ------
        DataError
            If values or lengths are wrong, or there are fewer events than folds.
        ConfigError
            If strengths, folds or the rule are not allowed.
        """
        check_choice("rule", self.rule, get_args(Rule))
        design, cases = covariate_matrix(X), follow_up(y, strata=strata, weight=sample_weight, entry=entry)
        settings = cox_settings(self.ties, 50, 1e-6, self.device, cells=design.size)
        check_rows(design, cases)
        strengths = _strengths(self.strengths, cases.events, design)
        fold = stratified_folds(cases.event & (cases.weight > 0), self.folds, seed=self.seed)
        gains, freedom = _cross_validate(design, cases, settings, strengths, fold)
        chosen = _choose(gains, self.rule)
        self.strength_ = float(strengths[chosen])
        self.path_ = pl.DataFrame(
            {
                "strength": strengths,
                "log_likelihood": gains.sum(axis=0),
                "standard_error": _standard_error(gains),
                "degrees_of_freedom": freedom,
                "chosen": np.arange(len(strengths)) == chosen,
            }
        )
        model = CoxPH(Ridge(self.strength_), self.ties, device=self.device)
        self.model_ = model.fit(X, y, strata=strata, sample_weight=sample_weight, entry=entry)
        for name in _OF_THE_MODEL:
            if hasattr(self.model_, name):
                setattr(self, name, getattr(self.model_, name))
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " n"]:
        """Return the log-hazard ``x @ coef_``; larger means earlier events, and it is not centred."""
        return self._fitted().predict(X)

    def predict_cumulative_hazard(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each patient at each time; see `CoxPH`."""
        return self._fitted().predict_cumulative_hazard(X, times, strata)

    def predict_survival_function(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return each patient's probability of no event by each time; see `CoxPH`."""
        return self._fitted().predict_survival_function(X, times, strata)

    def score(self, X: Any, y: Any) -> float:
        """Return Harrell's C of the log-hazard."""
        return self._fitted().score(X, y)

    @property
    def baseline_hazard_(self) -> dict[Any, StepFunction]:
        """Each stratum's cumulative hazard at x = 0."""
        return self._fitted().baseline_hazard_

    def summary(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """Return one row a column; see `CoxPH`. The intervals ignore that the strength was chosen on these data."""
        return self._fitted().summary(confidence=confidence)

    def _fitted(self) -> CoxPH:
        check_is_fitted(self)
        return self.model_

    def _html_repr(self) -> str:
        if not hasattr(self, "model_"):
            return f"<code>{self!r}</code>"
        head = f"<p>Ridge strength {self.strength_:.4g}, by {self.folds}-fold cross-validation</p>"
        return head + self.model_._html_repr()


_OF_THE_MODEL = (
    "coef_",
    "covariance_",
    "standard_error_",
    "log_likelihood_",
    "null_log_likelihood_",
    "degrees_of_freedom_",
    "n_iterations_",
    "n_events_",
    "n_features_in_",
    "feature_names_in_",
)


def _strengths(
    strengths: Sequence[float] | None, events: int, design: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, " s"]:
    """Return the strengths from the largest down, so that each fit starts near the one before."""
    if strengths is None:
        n, p = design.shape
        spread = max(1.0, float(design.var(axis=0).sum()) / n) if p >= n else 1.0
        return max(events, 1) * np.logspace(1 + np.log10(spread), -4, 25)
    values = np.unique(np.asarray(strengths, dtype=np.float64))[::-1]
    if values.ndim != 1 or not values.size or not (np.isfinite(values) & (values >= 0)).all():
        raise ConfigError(f"strengths are {strengths!r}; they must be one or more finite numbers >= 0.")
    return values


def _cross_validate(
    design: Float[np.ndarray, "n p"],
    cases: FollowUp,
    settings: CoxSettings,
    strengths: Float[np.ndarray, " s"],
    fold: Int[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, "k s"], Float[np.ndarray, " s"]]:
    """Return each fold's share of the cross-validated log-likelihood, and the mean degrees of freedom."""
    names = [f"column {at}" for at in range(design.shape[1])]
    everybody = CoxProblem(design, cases, settings, names)
    gains, freedom = np.empty((fold.max() + 1, len(strengths))), np.zeros(len(strengths))
    for number, gain in enumerate(gains):
        training = fold != number
        problem = CoxProblem(design[training], cases.take(training), settings, names)
        coef = None
        for at, strength in enumerate(strengths):
            fit = problem.solve(float(strength), start=coef)
            coef = fit.coef
            gain[at] = everybody.log_likelihood(coef) - fit.log_likelihood
            freedom[at] += fit.degrees_of_freedom / len(gains)
    return gains, freedom


def _standard_error(gains: Float[np.ndarray, "k s"]) -> Float[np.ndarray, " s"]:
    """Return the standard error of the sum over folds."""
    return gains.std(axis=0, ddof=1) * np.sqrt(len(gains))


def _choose(gains: Float[np.ndarray, "k s"], rule: Rule) -> int:
    total = gains.sum(axis=0)
    best = int(total.argmax())
    if rule == "min":
        return best
    return int(np.flatnonzero(total >= total[best] - _standard_error(gains)[best])[0])
