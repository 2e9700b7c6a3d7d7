"""Discrete-time hazards: a classifier of person-periods as a survival model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from biolab.core import ConfigError, DataError, FitError
from biolab.core.arrays import Bool, Float, Int
from biolab.kernels.concordance import concordance

from .target import survival_target

SMALLEST_HAZARD = 1e-12
FEW_EVENTS = 600
ROWS_AT_A_TIME = 200_000


class DiscreteTimeHazard(BaseEstimator):
    """Model the hazard of each time interval by a probabilistic classifier of person-periods.

    P(event in interval k | free of it before, x) = classifier([x, k]),  S(e_k | x) = prod_{j <= k} (1 - hazard_j(x))

    Every patient gives one row for each interval entered. Intervals are (e_k, e_k+1] from e_0 = 0; ``intervals`` is
    their number, with edges at quantiles of the event times (each holds as many events; the last edge is the largest
    event time), or the edges after 0 themselves. A patient censored inside an interval counts half there, as in the
    actuarial life table; one followed beyond the last edge is censored at it. Within an interval the hazard is
    constant in time. Assumes censoring independent of the event given the covariates.

    ``classifier`` is any scikit-learn classifier with ``predict_proba`` whose ``fit`` takes ``sample_weight``; the
    interval is the last column, a number 0, 1, ... By default 150 boosted trees (`HistGradientBoostingClassifier`)
    with at most 32 bins: of 8 leaves, at a learning rate of 0.05, with at least 20 person-periods an interval in each
    leaf; with fewer than 600 events of 4 leaves, at 0.03, with 10, and a third of the columns tried at a node. A leaf
    thus always holds 20 (10) patients or more, and thresholds are coarse. docs/survset.md says what this was chosen on.

    Attributes
    ----------
    edges_ : interval edges, 0 included
    classifier_ : the fitted classifier

    References
    ----------
    Singer, Willett (1993), J. Educ. Stat. 18:155-195, doi:10.3102/10769986018002155

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> generator = np.random.default_rng(0)
    >>> x = generator.normal(size=(300, 1))
    >>> y = (generator.exponential(np.exp(-x[:, 0])), np.ones(300, dtype=bool))
    >>> model = DiscreteTimeHazard(LogisticRegression(), intervals=5).fit(x, y)
    >>> model.predict_survival_function(np.array([[-1.0], [1.0]]), np.array([0.5])).round(1).tolist()
    [[0.8], [0.3]]
    """

    def __init__(self, classifier: Any = None, intervals: int | Sequence[float] = 12, seed: int = 0) -> None:
        self.classifier = classifier
        self.intervals = intervals
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Float[ndarray, " n"] | None = None) -> "DiscreteTimeHazard":
        """Expand patients to person-periods and fit the classifier.

        Raises
        ------
        DataError
            If the target is not one, lengths differ, or a covariate is NaN (scikit-learn's ``ValueError``).
        FitError
            If there are no events.
        ConfigError
            If ``intervals`` is neither a number >= 1 nor increasing positive edges.
        """
        X = validate_data(self, X, dtype=np.float64)
        target = survival_target(y)
        if len(target) != X.shape[0]:
            raise DataError(f"X has {X.shape[0]} rows and the target {len(target)}; expected one row a patient.")
        weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.edges_ = interval_edges(target.time, target.event, self.intervals)
        patient, interval, happened, share = person_periods(target.time, target.event, self.edges_)
        kept = weight[patient] * share > 0
        patient, interval, happened, share = patient[kept], interval[kept], happened[kept], share[kept]
        if happened.all() or not happened.any():
            raise FitError(
                f"{int(happened.sum())} of {happened.size} person-periods have an event by time {self.edges_[-1]:g}; "
                "a hazard needs both. Check the event column and the interval edges."
            )
        self.classifier_: Any = (
            self._default(int(target.event.sum())) if self.classifier is None else clone(self.classifier)
        )
        rows = np.column_stack([X[patient], interval])
        with _threads_worth_it(rows.shape[0]):
            self.classifier_.fit(rows, happened.astype(np.int64), sample_weight=weight[patient] * share)
        return self

    def predict(self, X: Any) -> Float[ndarray, " n"]:
        """Return the log cumulative hazard at the last edge, log(-log S(e_K | x)): higher is riskier."""
        return np.log(self._cumulative_hazard(X)[:, -1])

    def predict_survival_function(self, X: Any, times: Float[ndarray, " t"]) -> Float[ndarray, "n t"]:
        """Return the survival probability at each time, with a constant hazard inside each interval.

        Raises
        ------
        ConfigError
            If a time is negative or beyond the last edge, where nothing was learnt.
        """
        check_is_fitted(self)
        times = np.asarray(times, dtype=np.float64)
        if times.size and not (times.min() >= 0 and times.max() <= self.edges_[-1]):
            raise ConfigError(
                f"Survival is asked for times {times.min():g} to {times.max():g}; this model knows 0 to "
                f"{self.edges_[-1]:g}. Ask for times within, or fit with edges that reach further."
            )
        cumulative = self._cumulative_hazard(X)
        upper = np.clip(np.searchsorted(self.edges_, times, side="left"), 1, self.edges_.size - 1)
        part = (times - self.edges_[upper - 1]) / (self.edges_[upper] - self.edges_[upper - 1])
        return np.exp(-(cumulative[:, upper - 1] * (1 - part) + cumulative[:, upper] * part))

    def score(self, X: Any, y: Any) -> float:
        """Return Harrell's C of the prediction."""
        target = survival_target(y)
        return float(concordance(target.time, target.event, self.predict(X)).index)

    def _default(self, events: int) -> HistGradientBoostingClassifier:
        few = events < FEW_EVENTS
        return HistGradientBoostingClassifier(
            learning_rate=0.03 if few else 0.05,
            max_iter=150,
            max_leaf_nodes=4 if few else 8,
            max_features=1 / 3 if few else 1.0,
            min_samples_leaf=(10 if few else 20) * (self.edges_.size - 1),
            max_bins=32,
            early_stopping=False,
            random_state=self.seed,
        )

    def _cumulative_hazard(self, X: Any) -> Float[ndarray, "n k+1"]:
        """Return -log S at every edge, 0 first; hazards are kept within 1e-12 of 0 and 1."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        count = self.edges_.size - 1
        hazard = np.empty((X.shape[0], count))
        step = max(1, ROWS_AT_A_TIME // count)
        for start in range(0, X.shape[0], step):
            part = X[start : start + step]
            rows = np.column_stack([np.repeat(part, count, axis=0), np.tile(np.arange(count), part.shape[0])])
            with _threads_worth_it(rows.shape[0]):
                hazard[start : start + step] = self.classifier_.predict_proba(rows)[:, 1].reshape(-1, count)
        hazard = np.clip(hazard, SMALLEST_HAZARD, 1 - SMALLEST_HAZARD)
        return np.concatenate([np.zeros((X.shape[0], 1)), np.cumsum(-np.log1p(-hazard), axis=1)], axis=1)


def _threads_worth_it(rows: int) -> threadpool_limits:
    """Keep small work on one thread: OpenMP's threads spin while they wait, which a busy machine pays for."""
    return threadpool_limits(limits=1 if rows <= ROWS_AT_A_TIME else None, user_api="openmp")


def interval_edges(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], intervals: int | Sequence[float]
) -> Float[ndarray, " k+1"]:
    """Return 0 and the interval ends: as given, or at quantiles of the event times (repeats dropped).

    Raises
    ------
    FitError
        If quantiles are asked for and there are no events.
    ConfigError
        If ``intervals`` is neither a number >= 1 nor increasing positive edges.
    """
    if isinstance(intervals, int | np.integer):
        if intervals < 1:
            raise ConfigError(f"intervals is {intervals}; expected at least 1.")
        if not event.any():
            raise FitError("There are no events, so intervals cannot be cut at event times. Check the event column.")
        ends = np.quantile(time[event], np.linspace(0, 1, int(intervals) + 1)[1:], method="inverted_cdf")
        return np.concatenate([[0.0], np.unique(ends)])
    ends = np.asarray(intervals, dtype=np.float64)
    if ends.ndim != 1 or ends.size == 0 or not (np.isfinite(ends).all() and ends[0] > 0 and (np.diff(ends) > 0).all()):
        raise ConfigError(f"Interval edges are {list(intervals)}; expected finite increasing times > 0.")
    return np.concatenate([[0.0], ends])


def person_periods(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], edges: Float[ndarray, " k+1"]
) -> tuple[Int[ndarray, " m"], Int[ndarray, " m"], Bool[ndarray, " m"], Float[ndarray, " m"]]:
    """Expand follow-up to one row for each patient and interval entered: patient, interval, event there, share.

    ``share`` is a half in the interval inside which the patient was censored, else 1.
    """
    last = np.minimum(np.searchsorted(edges[1:], time, side="left"), edges.size - 2)
    patient = np.repeat(np.arange(time.size), last + 1)
    interval = np.arange(patient.size) - np.repeat(np.cumsum(last + 1) - last - 1, last + 1)
    final = interval == last[patient]
    happened = final & (event & (time <= edges[-1]))[patient]
    share = np.where(final & (~event & (time < edges[last + 1]))[patient], 0.5, 1.0)
    return patient, interval, happened, share
