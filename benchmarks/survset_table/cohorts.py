"""Which cohorts of SurvSet are compared on, and what is left out of them, and why."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.data import load

MANY_COLUMNS, MANY_PATIENTS = 500, 2000  # above either, one repeat of the folds instead of two

_CLINICAL = (
    "breast veteran cgd stagec burn Melanoma cancer e1684 pbc Pbc3 ova zinc whas500 prostate cost uis GBSG2 colon actg "
    "TRACE rott2 smarto"
)
_TENS_TO_HUNDREDS_OF_COLUMNS = "Bergamaschi wpbc hepatoCellular micro.censure phpl04K8a dataOvarian1"
_GENES = "NSBCD MCLcleaned AML_Bull vdv DBCD DLBCL gse1992"
COHORTS = [name for group in (_CLINICAL, _TENS_TO_HUNDREDS_OF_COLUMNS, _GENES) for name in group.split()]

LEFT_OUT = {
    "whas500": {"num_los": "length of the stay in hospital is known only after it"},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A cohort ready for folds: follow-up of the patients, their covariates, and how many had no follow-up."""

    name: str
    time: np.ndarray
    event: np.ndarray
    covariates: pl.DataFrame
    without_follow_up: int


def read(name: str) -> Outcome:
    """Read a cohort; patients whose follow-up is 0 tell nothing and are dropped and counted."""
    frame = load(f"survset/{name}").collect()
    kept = frame.filter(pl.col("time") > 0)
    covariates = kept.drop("pid", "time", "event", *LEFT_OUT.get(name, {}))
    return Outcome(
        name=name,
        time=kept["time"].to_numpy(),
        event=kept["event"].to_numpy() == 1,
        covariates=covariates,
        without_follow_up=frame.height - kept.height,
    )


def repeats(outcome: Outcome) -> int:
    large = outcome.covariates.width > MANY_COLUMNS or len(outcome.time) > MANY_PATIENTS
    return 1 if large else 2
