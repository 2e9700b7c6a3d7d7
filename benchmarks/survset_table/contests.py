"""Which model is compared with which, stated before anything is fitted, and who wins."""

import numpy as np
from scipy.stats import t as student

from biolab.stats import holm

from .inference import corrected_mean

CONTESTS = (
    ("biolab-cox", "sksurv-cox", "the same model"),
    ("biolab-cox", "lifelines-cox", "the same model"),
    ("biolab-net", "sksurv-net", "the same penalty"),
    ("biolab-net", "glmnet-net", "the same penalty, the same inner folds"),
    ("biolab-ridge", "glmnet-ridge", "the same penalty, the same inner folds"),
    ("biolab-trees", "sksurv-forest", "trees"),
    ("biolab-net", "sksurv-forest", "a linear model against trees"),
    ("biolab-ridge", "sksurv-forest", "a linear model against trees"),
)


def differences(cohort: dict, ours: str, theirs: str, metric: str) -> dict | None:
    """Return our metric minus theirs on one cohort, over the folds where both have it; None under half of them."""
    mine, other = cohort["models"].get(ours), cohort["models"].get(theirs)
    if mine is None or other is None:
        return None
    pairs = [
        (fold[metric], against[metric])
        for fold, against in zip(mine["folds"], other["folds"], strict=True)
        if fold.get(metric) is not None and against.get(metric) is not None
    ]
    if len(pairs) < max(2, len(mine["folds"]) / 2):
        return None
    gap = np.array([one - two for one, two in pairs])
    found = corrected_mean(gap, cohort["test_share"])
    return {"cohort": cohort["cohort"], **{name: getattr(found, name) for name in found.__dataclass_fields__}}


def contest(cohorts: list[dict], ours: str, theirs: str, metric: str = "harrell_c") -> dict:
    """Return wins, ties and losses over the cohorts (Holm at 5 % within the contest), and the mean over cohorts.

    The interval of the mean takes the cohorts as the sample: Student's t over their differences.
    """
    rows = [row for cohort in cohorts if (row := differences(cohort, ours, theirs, metric)) is not None]
    sign = -1 if metric == "integrated_brier_score" else 1
    adjusted = holm(np.array([row["p_value"] for row in rows])) if rows else np.empty(0)
    for row, p_value in zip(rows, adjusted, strict=True):
        row["adjusted_p_value"] = float(p_value)
    won = [sign * row["mean"] for row in rows if row["adjusted_p_value"] < 0.05]
    gap = np.array([row["mean"] for row in rows])
    reach = student.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
    return {
        "ours": ours,
        "theirs": theirs,
        "metric": metric,
        "cohorts": len(rows),
        "wins": sum(value > 0 for value in won),
        "losses": sum(value < 0 for value in won),
        "ties": len(rows) - len(won),
        "higher": int((sign * gap > 0.001).sum()),
        "lower": int((sign * gap < -0.001).sum()),
        "mean_difference": float(gap.mean()) if len(gap) else None,
        "lower_limit": float(gap.mean() - reach) if len(gap) > 1 else None,
        "upper_limit": float(gap.mean() + reach) if len(gap) > 1 else None,
        "rows": rows,
    }
