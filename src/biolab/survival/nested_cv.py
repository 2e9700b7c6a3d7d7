"""Nested cross-validation: whatever is learned or chosen is learned and chosen inside the training folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
import torch
from numpy import ndarray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from biolab import kernels
from biolab.core import ConfigError, DataError, FitError
from biolab.core.arrays import Bool, Float, Int
from biolab.stats import stratified_folds

from .discrimination import harrell_c_draws
from .evaluation import Evaluation, evaluate
from .event_table import check_choice
from .prediction import Prediction
from .target import SurvivalTarget, survival_target

Choice = Literal["harrell_c", "partial_likelihood"]

_CHOICES = {"fold": pl.Int64(), "candidate": pl.Int64(), "score": pl.Float64()}
_COUNTS = ("fold", "patients", "events", "chosen")
_FOLDS = {name: pl.Int64() for name in _COUNTS} | {"harrell_c": pl.Float64()}


@dataclass(frozen=True, kw_only=True, eq=False)
class NestedCV:
    """What a way of building a model is worth on patients it has not seen.

    ``prediction`` holds each patient's out-of-fold prediction and ``fold`` the fold that held the patient out; both
    are rows of patients. ``evaluation``, ``table()`` and ``choices`` are not.
    """

    settings: dict[str, object]
    prediction: Prediction
    fold: Int[ndarray, " n"]
    choices: pl.DataFrame
    folds: pl.DataFrame
    evaluation: Evaluation

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the out-of-fold evaluation, and the mean of Harrell's C within the folds."""
        within = self.folds["harrell_c"].mean()
        flat = self.evaluation.metrics("nested_cv")
        return flat | ({"harrell_c.mean_within_folds": float(within)} if isinstance(within, float) else {})

    def table(self) -> pl.DataFrame:
        """Return fold, patients, events, chosen (candidate) and harrell_c within the fold (null where undefined)."""
        return self.folds


def nested_cv(  # noqa: PLR0913 - all but three are keyword-only
    candidates: Any,
    X: Any,
    y: Any,
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None = None,
    folds: int = 5,
    inner_folds: int = 5,
    choose_by: Choice = "harrell_c",
    replicates: int = 200,
    seed: int,
    confidence: float = 0.95,
) -> NestedCV:
    """Estimate what a modelling procedure is worth, the choice between its settings included.

    ``candidates`` is one estimator (which may tune itself, as `CoxPHCV`) or a sequence of them: survival estimators,
    `RiskModel` or a scikit-learn ``Pipeline`` that ends in one. In each outer fold, stratified by event, the candidate
    with the best inner cross-validation on the training patients is fitted on them and predicts the fold. Everything
    that sees the outcome (selection of columns above all) belongs into the estimator: done before, it leaks.

    The inner score is Harrell's C averaged over the inner folds, or Verweij and van Houwelingen's cross-validated
    partial likelihood, which needs a ``predict`` on the log-hazard scale. Each fold's risk scores are centred by the
    mean over its training patients, so that folds may be ranked together; the C of the pooled scores still compares
    across models and can fall below .5 for noise, so see the mean within folds too. Intervals of the evaluation are
    bootstrap with predictions fixed and do not carry the variance of refitting.

    Raises
    ------
    ConfigError
        If there is no candidate, one cannot predict survival curves, or an option is not allowed.
    DataError
        If lengths differ, there are fewer events than folds, or a candidate refuses the values of X.
    FitError
        If a candidate cannot be fitted in a fold; names the fold.

    References
    ----------
    Varma, Simon (2006), BMC Bioinformatics 7:91, doi:10.1186/1471-2105-7-91

    Verweij, van Houwelingen (1993), Stat. Med. 12:2305-2314, doi:10.1002/sim.4780122407

    Examples
    --------
    >>> from biolab.stats import Ridge
    >>> from biolab.survival import CoxPH
    >>> generator = np.random.default_rng(1)
    >>> X, times = generator.normal(size=(150, 4)), np.array([1.0, 2.0])
    >>> time = generator.exponential(3 * np.exp(-X[:, 0]))
    >>> found = nested_cv(
    ...     [CoxPH(penalty=Ridge(1.0)), CoxPH(penalty=Ridge(1e4))],
    ...     X,
    ...     (time, time < 8),
    ...     horizons=times[:1],
    ...     grid=times,
    ...     choose_by="partial_likelihood",
    ...     replicates=20,
    ...     seed=1,
    ... )
    >>> found.table()["chosen"].to_list(), found.metrics["harrell_c"] > 0.65
    ([0, 0, 0, 0, 0], True)
    """
    check_choice("choose_by", choose_by, get_args(Choice))
    models = _candidates(candidates)
    target = survival_target(y)
    if len(X) != len(target):
        raise DataError(f"X has {len(X)} rows and y {len(target)}; both must have one row a patient.")
    horizons, grid = np.asarray(horizons, dtype=np.float64), np.asarray(grid, dtype=np.float64)
    times = np.union1d(horizons, grid)
    outer, *inner = np.random.SeedSequence(seed).generate_state(folds + 1).tolist()
    fold = stratified_folds(target.event, folds, seed=outer)
    score, survival = np.empty(len(target)), np.empty((len(target), times.size))
    tried: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    plan = _Plan(models=models, inner_folds=inner_folds, choose_by=choose_by, times=times)
    for number in range(folds):
        held = fold == number
        try:
            found = _outer_fold(plan, X, target, held, seed=inner[number])
        except (DataError, FitError) as error:
            where = f"Outer fold {number} (rows counted among its {int((~held).sum())} training patients)"
            raise type(error)(f"{where}: {error}") from error
        score[held], survival[held] = found.risk_score, found.survival
        tried += [{"fold": number, "candidate": k, "score": value} for k, value in enumerate(found.inner_scores)]
        rows.append({"fold": number, "chosen": found.chosen} | _fold_row(target.take(held), score[held]))
    prediction = Prediction(risk_score=score, survival=survival, times=times)
    evaluation = evaluate(
        {"nested_cv": prediction},
        target,
        horizons=horizons,
        grid=grid,
        tau=tau,
        replicates=replicates,
        seed=seed,
        confidence=confidence,
    )
    settings: dict[str, object] = {
        "candidates": [repr(model) for model in models],
        "folds": folds,
        "inner_folds": inner_folds,
        "choose_by": choose_by if len(models) > 1 else None,
        "seed": seed,
        "evaluation": evaluation.settings,
    }
    return NestedCV(
        settings=settings,
        prediction=prediction,
        fold=fold,
        choices=pl.DataFrame(tried, schema=_CHOICES).with_columns(pl.col("score").fill_nan(None)),
        folds=pl.DataFrame(rows, schema=_FOLDS),
        evaluation=evaluation,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What is tried in every outer fold, how it is chosen, and when survival is predicted."""

    models: Sequence[Any]
    inner_folds: int
    choose_by: Choice
    times: Float[ndarray, " t"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _OuterFold:
    """The choice of one outer fold and its predictions for the patients it held out."""

    inner_scores: list[float]
    chosen: int
    risk_score: Float[ndarray, " m"]
    survival: Float[ndarray, "m t"]


def _outer_fold(plan: _Plan, X: Any, target: SurvivalTarget, held: Bool[ndarray, " n"], *, seed: int) -> _OuterFold:
    training = np.flatnonzero(~held)
    known, seen = take_rows(X, training), target.take(training)
    scores = _inner_scores(plan, known, seen, seed=seed)
    chosen = int(np.argmax(scores))
    model = clone(plan.models[chosen]).fit(known, seen)
    apart = take_rows(X, np.flatnonzero(held))
    return _OuterFold(
        inner_scores=scores,
        chosen=chosen,
        risk_score=np.asarray(model.predict(apart), dtype=np.float64) - np.mean(model.predict(known)),
        survival=predict_survival(model, apart, plan.times),
    )


def take_rows(X: Any, rows: Int[ndarray, " m"]) -> Any:
    """Return some rows of a polars or pandas frame or an array, in its own kind."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def predict_survival(model: Any, X: Any, times: Float[ndarray, " t"]) -> Float[ndarray, "n t"]:
    """Return the survival curves of a fitted estimator, through the steps of a ``Pipeline`` if it is one."""
    if isinstance(model, Pipeline):
        return predict_survival(model[-1], X if len(model) == 1 else model[:-1].transform(X), times)
    return np.asarray(model.predict_survival_function(X, times), dtype=np.float64)


def _candidates(candidates: Any) -> list[Any]:
    # a Pipeline has a length and items too; what can be fitted is one candidate
    models = [candidates] if hasattr(candidates, "fit") else list(candidates)
    if not models:
        raise ConfigError("There is no candidate; pass an estimator or a sequence of them.")
    for model in models:
        last = model[-1] if isinstance(model, Pipeline) else model
        if not (hasattr(last, "predict_survival_function") and hasattr(last, "predict")):
            raise ConfigError(
                f"{type(last).__name__} has no predict_survival_function; expected a survival estimator such as CoxPH, "
                "a RiskModel, or a Pipeline that ends in one."
            )
    return models


def _inner_scores(plan: _Plan, X: Any, target: SurvivalTarget, *, seed: int) -> list[float]:
    """Score each candidate on the training patients alone; a single one needs no score."""
    if len(plan.models) == 1:
        return [float("nan")]
    fold = stratified_folds(target.event, plan.inner_folds, seed=seed)
    splits = [fold != number for number in range(plan.inner_folds)]
    return [
        float(np.mean([_inner_score(model, X, target, training, plan.choose_by) for training in splits]))
        for model in plan.models
    ]


def _inner_score(model: Any, X: Any, target: SurvivalTarget, training: Bool[ndarray, " n"], choose_by: Choice) -> float:
    rows = np.flatnonzero(training)
    part = target.take(rows)
    score = np.asarray(clone(model).fit(take_rows(X, rows), part).predict(X), dtype=np.float64)
    if choose_by == "partial_likelihood":
        return _log_likelihood(target, score) - _log_likelihood(part, score[rows])
    held = target.take(~training)
    found = float(harrell_c_draws(held.time, held.event, score[~training], np.ones(len(held))))
    return found if np.isfinite(found) else 0.5  # no comparable pair says nothing for or against


def _log_likelihood(target: SurvivalTarget, log_hazard: Float[ndarray, " n"]) -> float:
    return -float(kernels.cox_loss(torch.as_tensor(log_hazard), target.time, target.event))


def _fold_row(target: SurvivalTarget, score: Float[ndarray, " n"]) -> dict[str, object]:
    found = float(harrell_c_draws(target.time, target.event, score, np.ones(len(target))))
    row: dict[str, object] = {"patients": len(target), "events": int(target.event.sum())}
    return row | {"harrell_c": found if np.isfinite(found) else None}
