"""Whether a model is as good in every subgroup: metrics by group, small groups suppressed, groups against the rest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Float

from .comparison import difference_frame, difference_row
from .draws import estimate_of_draws
from .metric_draws import MEASURES, Key, evaluation_draws
from .prediction import Prediction
from .target import SurvivalTarget

MISSING = "missing"
Draws = dict[str, dict[Key, ndarray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class SubgroupMetrics:
    """Metrics of models in the subgroups of one cohort, free of patient rows and of small counts."""

    settings: dict[str, object]
    rows: pl.DataFrame
    difference_rows: pl.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """Each shown estimate: ``harrell_c.<model>.<subgroup>``, ``time_dependent_auc.at_60.<model>.<subgroup>``."""
        flat: dict[str, float] = {}
        for row in self.rows.drop_nulls("estimate").iter_rows(named=True):
            at = "" if row["horizon"] is None else f".at_{row['horizon']:g}"
            flat[f"{row['metric']}{at}.{row['model']}.{row['subgroup']}"] = row["estimate"]
        return flat

    def table(self) -> pl.DataFrame:
        """Return subgroup, patients, events, model, metric, horizon, estimate, its error, limits and replicates.

        All numbers of a suppressed subgroup are null; of one that shields it, the counts.
        """
        return self.rows

    def differences(self) -> pl.DataFrame:
        """Return subgroup, model, metric, horizon and the tested difference between subgroup and rest."""
        return self.difference_rows


def subgroup_metrics(  # noqa: PLR0913 - the arguments of evaluate, and what is suppressed
    predictions: Mapping[str, Prediction],
    target: SurvivalTarget,
    groups: pl.Series | Sequence[object],
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None = None,
    minimum_patients: int = 20,
    minimum_events: int = 10,
    replicates: int = 500,
    seed: int,
    confidence: float = 0.95,
    measures: Collection[str] = MEASURES,
) -> SubgroupMetrics:
    """Evaluate models in each subgroup, and test each subgroup against everybody else.

    ``groups`` holds each patient's label (a frame's column); a null is the group "missing". A group with fewer than
    ``minimum_patients`` or ``minimum_events`` is suppressed: its counts, metrics and differences are null. If exactly
    one is, the counts of the smallest other group are null too, for the total would give the hidden ones away. A
    difference also needs a rest of that size.

    Limits of estimates are percentile bootstrap within the group, with its own censoring distribution. A difference
    is group minus rest, two independent samples, with a Wald interval from both bootstraps; ``adjusted_p_value`` is
    Holm's over all differences shown. A metric that cannot be computed in a group (follow-up ends before a horizon)
    is null. Concordance also falls where a group is more alike: a difference is not yet an unfair model.

    Raises
    ------
    DataError
        If the labels or a prediction have another number of patients than the target.
    ConfigError
        If a minimum is below 1, or a horizon or grid time was not predicted.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> score, times = generator.normal(size=130), np.array([1.0, 2.0])
    >>> time = generator.exponential(3 * np.exp(-score))
    >>> target = SurvivalTarget(time=time, event=time < 8)
    >>> model = Prediction(risk_score=score, survival=np.exp(-np.exp(score)[:, None] * times / 3), times=times)
    >>> sex = ["f"] * 60 + ["m"] * 65 + [None] * 5
    >>> found = subgroup_metrics({"m": model}, target, sex, horizons=times[:1], grid=times, replicates=20, seed=1)
    >>> found.table().filter(metric="harrell_c").select("subgroup", "patients", pl.col("estimate").round(2)).rows()
    [('f', None, 0.7), ('m', 65, 0.7), ('missing', None, None)]
    """
    if min(minimum_patients, minimum_events) < 1:
        raise ConfigError(f"minimum_patients is {minimum_patients} and minimum_events {minimum_events}; both >= 1.")
    labels = _labels(groups, len(target))
    minimum = (minimum_patients, minimum_events)
    chosen: dict[str, Any] = {"horizons": horizons, "grid": grid, "tau": tau, "replicates": replicates}
    chosen["measures"] = measures
    rows, differences, suppressed = grouped_metrics(
        labels,
        models=tuple(predictions),
        keys=[key for key in _keys(horizons) if key[0] in measures],
        enough=lambda mine: _enough(target, mine, minimum),
        count=lambda mine: int(target.event[mine].sum()),
        draws=lambda mine, stream: _draws(predictions, target, mine, chosen, stream),
        seed=seed,
        confidence=confidence,
    )
    settings: dict[str, object] = {
        "horizons": np.asarray(horizons, dtype=np.float64).tolist(),
        "tau": tau,
        "minimum_patients": minimum_patients,
        "minimum_events": minimum_events,
        "suppressed": suppressed,
        "multiplicity": "Holm over all differences shown",
        "interval": "percentile bootstrap over the group's patients, predictions fixed; differences Wald",
        "replicates": replicates,
        "seed": seed,
        "confidence": confidence,
    }
    return SubgroupMetrics(
        settings=settings,
        rows=rows,
        difference_rows=differences,
    )


def grouped_metrics(  # noqa: PLR0913 - what is measured comes in as functions of a group's members
    labels: ndarray,
    *,
    models: Sequence[str],
    keys: Sequence[Key],
    enough: Callable[[Bool[ndarray, " n"]], bool],
    count: Callable[[Bool[ndarray, " n"]], int],
    draws: Callable[[Bool[ndarray, " n"], np.random.SeedSequence], Draws],
    seed: int,
    confidence: float,
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Measure models in each group and against the rest, whatever the outcome is.

    ``enough`` says whether a group may be shown, ``count`` how many events it has, ``draws`` gives every model's
    measures in it. Returns the table of measures, that of differences, and the names of the suppressed groups.
    """
    names = np.unique(labels).tolist()
    members = {name: labels == name for name in names}
    shown = {name: enough(mine) for name, mine in members.items()}
    counted = _counted(members, shown)
    seeds = np.random.SeedSequence(seed).spawn(2 * len(names))
    rows: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for k, (name, mine) in enumerate(members.items()):
        inside = draws(mine, seeds[2 * k]) if shown[name] else None
        rest = inside is not None and enough(~mine)
        outside = draws(~mine, seeds[2 * k + 1]) if rest else None
        size = {"patients": int(mine.sum()), "events": count(mine)}
        head = {"subgroup": name} | (size if counted[name] else dict.fromkeys(size))
        for model in models:
            for key in keys:
                place = {"model": model, "metric": key[0], "horizon": key[1]}
                rows.append(head | place | _estimate(inside, model, key, confidence))
                if inside is not None and outside is not None:
                    apart = difference_row(inside[model][key] - outside[model][key], confidence)
                    differences.append({"subgroup": name} | place | apart)
    tested = difference_frame(differences, ("subgroup", "model", "metric"))
    return _frame(rows), tested, [name for name in names if not shown[name]]


def _labels(groups: pl.Series | Sequence[object], n: int) -> ndarray:
    values = groups.to_list() if isinstance(groups, pl.Series) else list(groups)
    if len(values) != n:
        raise DataError(f"groups has {len(values)} labels and the target {n} patients; expected one label a patient.")
    return np.array([MISSING if value is None else str(value) for value in values], dtype=object)


def _enough(target: SurvivalTarget, mine: Bool[ndarray, " n"], minimum: tuple[int, int]) -> bool:
    return int(mine.sum()) >= minimum[0] and int(target.event[mine].sum()) >= minimum[1]


def _counted(members: Mapping[str, Bool[ndarray, " n"]], shown: Mapping[str, bool]) -> dict[str, bool]:
    """Say whose counts are shown: a lone hidden group takes the smallest shown one along."""
    counted = dict(shown)
    if sum(not visible for visible in shown.values()) == 1 and any(shown.values()):
        counted[min((name for name in shown if shown[name]), key=lambda name: int(members[name].sum()))] = False
    return counted


def _keys(horizons: Float[ndarray, " h"]) -> list[Key]:
    single: list[Key] = [(m, None) for m in ("harrell_c", "uno_c", "integrated_brier_score", "calibration_slope")]
    at = np.asarray(horizons, dtype=np.float64).tolist()
    return single + [(metric, horizon) for horizon in at for metric in ("time_dependent_auc", "observed_expected")]


def _draws(
    predictions: Mapping[str, Prediction],
    target: SurvivalTarget,
    mine: Bool[ndarray, " n"],
    chosen: Mapping[str, Any],
    seed: np.random.SeedSequence,
) -> Draws:
    part = {
        name: Prediction(risk_score=found.risk_score[mine], survival=found.survival[mine], times=found.times)
        for name, found in predictions.items()
    }
    return evaluation_draws(part, target.take(mine), **chosen, seed=int(seed.generate_state(1)[0]))


def _estimate(draws: Draws | None, model: str, key: Key, confidence: float) -> dict[str, Any]:
    return estimate_of_draws(np.full(1, np.nan) if draws is None else draws[model][key], confidence)


def _frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    text, counts = ("subgroup", "model", "metric"), ("patients", "events", "replicates")
    reals = ("horizon", "estimate", "standard_error", "lower", "upper")
    kinds = dict.fromkeys(text, pl.String()) | dict.fromkeys(counts, pl.Int64()) | dict.fromkeys(reals, pl.Float64())
    order = ("subgroup", "patients", "events", "model", "metric", "horizon", *reals[1:], "replicates")
    return pl.DataFrame(list(rows), schema={name: kinds[name] for name in order})
