"""Cox's proportional hazards model as a scikit-learn estimator."""

import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl
import torch
from scipy.special import ndtr
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from biolab.core.arrays import Float
from biolab.core.errors import ConfigError, MissingExtraError
from biolab.stats.penalties import ElasticNet, Lasso, Ridge

from .baseline_hazard import StepFunction
from .covariates import covariate_matrix
from .cox_fit import CoxFit, CoxProblem, CoxSettings
from .cox_hazard import CoxHazard
from .cox_path import column_names, warn_of_columns
from .cox_sparse import fit_sparse
from .event_table import check_choice, normal_quantile
from .follow_up import check_rows, follow_up
from .partial_likelihood import Ties
from .target import survival_target

Device = Literal["auto", "cpu", "cuda"]
_NO_ERRORS = (
    "robust and cluster ask for standard errors, but a lasso or an elastic net has none: they would ignore that the "
    "columns were chosen on the same data. Use Ridge, or bootstrap the whole fit."
)


class CoxPH(BaseEstimator):
    """Cox's proportional hazards model, by Newton's method on the exact partial likelihood in float64.

    h(t | x) = h0(t) exp(x @ coef)

    Assumes that hazard ratios do not change over time and that censoring and late entry are independent of the event
    given the covariates. Standard errors are model-based (the inverse information), so case weights count as
    replications, unless `fit` is asked for robust ones. With a penalty the objective is ``-log_likelihood + penalty``
    and the covariance is the inverse of the penalised information. Columns are centred and scaled inside for the
    search; results and penalty are on the scale given, so standardise columns first where one strength should mean the
    same for all.

    Parameters
    ----------
    penalty
        None, `Ridge`, `Lasso` or `ElasticNet` of `biolab.stats`; the last two with a factor a column (adaptive weights)
        and with unpenalised columns by name or position.
    ties
        How tied event times share a denominator: "efron" or "breslow".
    max_iterations
        Newton steps before a ConvergenceWarning.
    tolerance
        Largest Newton step, per standard deviation of its column, at which the search ends.
    device
        "cpu", "cuda", or "auto": cuda where there is one and the data have over a million cells.

    Attributes
    ----------
    coef_, standard_error_, covariance_
        Log hazard ratios, their standard errors and their covariance. Under a lasso or an elastic net, errors are NaN
        and the covariance None: the inverse information knows nothing of the choice of columns. Bootstrap the fit.
    zero_columns_
        Names of the columns whose coefficient is exactly 0.
    model_based_covariance_
        The inverse information, which is ``covariance_`` unless that is robust.
    log_likelihood_, null_log_likelihood_
        The unpenalised log partial likelihood at ``coef_`` and at 0.
    baseline_hazard_
        For each stratum's label (None without strata) the cumulative hazard at x = 0.
    degrees_of_freedom_
        The number of columns (not 0), less what a quadratic penalty takes away.
    n_iterations_, n_events_, n_features_in_, feature_names_in_
        Newton steps taken, observed events, columns, and their names where X had any.

    Examples
    --------
    >>> X = pl.DataFrame({"age": [50.0, 61, 47, 70, 66, 58], "nodes": [0.0, 3, 1, 9, 2, 4]})
    >>> model = CoxPH(penalty=Ridge(0.1)).fit(X, ([9.0, 4, 11, 1, 7, 3], [0, 1, 1, 1, 0, 1]))
    >>> model.predict_survival_function(X[:1], times=[8, 10]).round(3)
    array([[0.997, 0.997]])

    References
    ----------
    Cox (1972), Journal of the Royal Statistical Society B 34:187-202, doi:10.1111/j.2517-6161.1972.tb00899.x
    """

    def __init__(
        self,
        penalty: Ridge | Lasso | ElasticNet | None = None,
        ties: Ties = "efron",
        max_iterations: int = 50,
        tolerance: float = 1e-9,
        device: Device = "auto",
    ) -> None:
        self.penalty = penalty
        self.ties: Ties = ties
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.device: Device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(  # noqa: PLR0913 - the last two are keyword-only
        self,
        X: Any,
        y: Any,
        strata: Any = None,
        sample_weight: Any = None,
        entry: Any = None,
        *,
        robust: bool = False,
        cluster: Any = None,
    ) -> Self:
        """Estimate the coefficients and each stratum's baseline hazard.

        Parameters
        ----------
        X
            Covariates: a polars or pandas frame or an array, numeric and finite.
        y
            The target, in any form `survival_target` reads.
        strata
            One label a patient; each stratum has its own baseline hazard.
        sample_weight
            Case weights >= 0; weight 0 leaves the patient out.
        entry
            When each patient came under observation (late entry): at risk in (entry, time].
        robust
            Take standard errors from the sandwich of `robust_covariance`, right also where the model is not, or where
            weights are sampling weights.
        cluster
            One label a patient: rows of one label (a family, a hospital) may depend on each other. Implies robust.

        Raises
        ------
        DataError
            If values or lengths are wrong; names row and column.
        FitError
            If there is no event, columns are constant, collinear or separate the events.
        """
        net = _elastic_net(self.penalty)
        if net is not None and (robust or cluster is not None):
            raise ConfigError(_NO_ERRORS)
        design = self._covariates(X, reset=True)
        settings = cox_settings(self.ties, self.max_iterations, self.tolerance, self.device, cells=design.size)
        cases = follow_up(y, strata=strata, weight=sample_weight, entry=entry)
        check_rows(design, cases)
        names = self._names(design.shape[1])
        if net is not None:
            fit, path = fit_sparse(design, cases, net, settings, names)
            warn_of_columns(path, names, level=3)
        else:
            fit = CoxProblem(design, cases, settings, names).solve(_strength(self.penalty, names))
        if not fit.converged:
            warnings.warn(
                f"{type(self).__name__} did not converge in {fit.iterations} iterations (last step "
                f"{fit.last_step:.2g}, tolerance {self.tolerance:g}). Raise max_iterations or add a penalty.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self._store(fit, cases.events)
        if robust or cluster is not None:
            from .robust import robust_covariance

            self.covariance_ = robust_covariance(
                self, X, y, cluster=cluster, strata=strata, sample_weight=sample_weight, entry=entry
            )
            self.standard_error_ = np.sqrt(np.diag(self.covariance_))
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " n"]:
        """Return the log-hazard ``x @ coef_``; larger means earlier events.

        It is not centred: 0 belongs to a patient whose covariates are all 0, not to the mean patient.
        """
        check_is_fitted(self)
        return self._covariates(X, reset=False) @ self.coef_

    def predict_cumulative_hazard(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each patient at each time; constant after the stratum's last event.

        Raises
        ------
        DataError
            If the model has strata and none are given, or a stratum was not in the fit.
        """
        check_is_fitted(self)
        return self._hazard.cumulative(self._covariates(X, reset=False), times, strata)

    def predict_survival_function(self, X: Any, times: Any, strata: Any = None) -> Float[np.ndarray, "n t"]:
        """Return each patient's probability of no event by each time, ``exp(-cumulative hazard)``.

        Raises
        ------
        DataError
            If the model has strata and none are given, or a stratum was not in the fit.
        """
        return np.exp(-self.predict_cumulative_hazard(X, times, strata))

    def score(self, X: Any, y: Any) -> float:
        """Return Harrell's C of the log-hazard."""
        from .discrimination import harrell_c

        log_hazard = self.predict(X)
        target = survival_target(y)
        return float(harrell_c(target.time, target.event, log_hazard).estimate)

    @property
    def baseline_hazard_(self) -> dict[Any, StepFunction]:
        """Each stratum's cumulative hazard at x = 0, so that H(t | x) is it times ``exp(predict(x))``."""
        check_is_fitted(self)
        return self._hazard.at_origin()

    def summary(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """Return one row a column: coefficient, standard error, Wald test, hazard ratio and its limits.

        Under a lasso or an elastic net everything but coefficient and hazard ratio is null.
        """
        check_is_fitted(self)
        reach = normal_quantile(confidence) * self.standard_error_
        z = self.coef_ / self.standard_error_
        with np.errstate(over="ignore"):
            return pl.DataFrame(
                {
                    "term": self._names(len(self.coef_)),
                    "coefficient": self.coef_,
                    "standard_error": self.standard_error_,
                    "z": z,
                    "p_value": 2 * ndtr(-np.abs(z)),
                    "hazard_ratio": np.exp(self.coef_),
                    "lower": np.exp(self.coef_ - reach),
                    "upper": np.exp(self.coef_ + reach),
                }
            ).fill_nan(None)

    def check_covariates(self, X: Any) -> Float[np.ndarray, "n p"]:
        """Read covariates and hold them against the columns of the fit.

        Raises
        ------
        DataError
            If a value is wrong, with its row and column.
        """
        check_is_fitted(self)
        return self._covariates(X, reset=False)

    def _html_repr(self) -> str:
        if not hasattr(self, "coef_"):
            return f"<code>{self!r}</code>"
        return (
            f"<p><b>Cox proportional hazards</b>, {self.ties} ties: {self.n_events_} events, log partial likelihood "
            f"{self.log_likelihood_:.2f} (null {self.null_log_likelihood_:.2f})</p>{self.summary()._repr_html_()}"
        )

    def _store(self, fit: CoxFit, events: int) -> None:
        self.coef_ = fit.coef
        self.covariance_ = self.model_based_covariance_ = fit.covariance
        none = fit.covariance is None
        self.standard_error_ = np.full(len(fit.coef), np.nan) if none else np.sqrt(np.diag(fit.covariance))
        self.zero_columns_ = [
            name for name, coef in zip(self._names(len(fit.coef)), fit.coef, strict=True) if coef == 0
        ]
        self.log_likelihood_ = fit.log_likelihood
        self.null_log_likelihood_ = fit.null_log_likelihood
        self.degrees_of_freedom_ = fit.degrees_of_freedom
        self.n_iterations_ = fit.iterations
        self.n_events_ = events
        self._hazard = CoxHazard(coef=fit.coef, centre=fit.centre, baseline=fit.baseline)

    def _covariates(self, X: Any, *, reset: bool) -> Float[np.ndarray, "n p"]:
        """Read X and hold it against the columns of the fit."""
        design = covariate_matrix(X)
        named: Any = X if hasattr(X, "columns") else design
        validate_data(self, named, reset=reset, skip_check_array=True)
        return design

    def _names(self, columns: int) -> list[str]:
        return column_names(self, columns)


def _elastic_net(penalty: Any) -> ElasticNet | None:
    """Return a penalty that can set coefficients to 0."""
    if not (penalty is None or isinstance(penalty, Ridge | Lasso | ElasticNet)):
        raise ConfigError(
            f"penalty is {penalty!r}; expected None, Ridge(strength), Lasso(strength) or "
            "ElasticNet(strength, l1_ratio)."
        )
    net = penalty.elastic_net if isinstance(penalty, Lasso) else penalty
    return net if isinstance(net, ElasticNet) and net.l1_ratio > 0 and net.strength > 0 else None


def _strength(penalty: Any, names: Sequence[str]) -> float | Float[np.ndarray, " p"]:
    """Return the strength of a quadratic penalty, one number or one a column."""
    if isinstance(penalty, Lasso | ElasticNet):
        net = penalty.elastic_net if isinstance(penalty, Lasso) else penalty
        return net.strength * net.column_factors(names, len(names))
    return 0.0 if penalty is None else float(penalty.strength)


def cox_settings(ties: Ties, max_iterations: int, tolerance: float, device: Device, *, cells: int) -> CoxSettings:
    """Validate an estimator's settings.

    Raises
    ------
    ConfigError
        If one is not allowed; names the allowed values.
    """
    check_choice("ties", ties, get_args(Ties))
    if not (max_iterations >= 1 and tolerance > 0):
        raise ConfigError(f"max_iterations is {max_iterations} and tolerance {tolerance}; they must be >= 1 and > 0.")
    return CoxSettings(
        ties=ties, max_iterations=max_iterations, tolerance=tolerance, device=torch_device(device, cells=cells)
    )


def torch_device(device: Device, *, cells: int) -> torch.device:
    """Choose where to compute; "auto" takes cuda where there is one and the data fill it.

    Raises
    ------
    ConfigError
        If the name is none of auto, cpu, cuda.
    MissingExtraError
        If cuda is asked for and not there.
    """
    check_choice("device", device, get_args(Device))
    there = torch.cuda.is_available() if device == "cuda" or cells > 1_000_000 else False
    if device == "cuda" and not there:
        raise MissingExtraError("device is 'cuda', but torch finds no CUDA device here. Use device='auto' or 'cpu'.")
    return torch.device("cuda" if there and device != "cpu" else "cpu")
