"""What each model's predictions on test patients are worth, by the same code for every tool."""

import numpy as np

from biolab.core import BiolabError
from biolab.survival import harrell_c, integrated_brier_score, uno_c

METRICS = ("harrell_c", "uno_c", "integrated_brier_score")


def judge(time: np.ndarray, event: np.ndarray, test: np.ndarray, prediction: dict, times: np.ndarray) -> dict:
    """Return each metric on one test fold; None where it is not defined or there is no survival function.

    Uno's C and the Brier score take the censoring distribution of the whole cohort (follow-up only, no covariate).
    """
    whole = (time, event)
    risk, survival = np.array(prediction["risk"]), prediction["survival"]
    asked = {
        "harrell_c": lambda: harrell_c(time[test], event[test], risk),
        "uno_c": lambda: uno_c(time[test], event[test], risk, tau=times[-1], censoring=whole),
    }
    if survival is not None:
        chance = np.clip(np.array(survival, dtype=float), 0.0, 1.0)  # a tool's rounding past 1 by 1e-16
        asked["integrated_brier_score"] = lambda: integrated_brier_score(
            time[test], event[test], chance, times, censoring=whole
        )
    return {name: _value(asked[name]) if name in asked else None for name in METRICS}


def _value(estimate) -> float | None:
    try:
        return float(estimate().estimate)
    except BiolabError:
        return None
