"""Curves at coefficients of a penalised path equal R's survfit of a Cox model that is fixed there."""

import json
from pathlib import Path

import numpy as np
import pytest

from biolab.survival.cox_hazard import cox_hazard_path
from biolab.survival.follow_up import follow_up

GOLD = json.loads(Path(__file__).with_name("cox_path_survival_r.json").read_text())
DATA = json.loads(Path(__file__).with_name("cox_kernels_r.json").read_text())["data"]
DATA = {name: np.array(values, dtype=np.float64) for name, values in DATA.items()}
DESIGN = np.column_stack([DATA[name] for name in GOLD["columns"]])
KINDS = [
    (ties, s, w, e)
    for ties in ("breslow", "efron")
    for s in (False, True)
    for w in (False, True)
    for e in (False, True)
]


@pytest.mark.parametrize(("ties", "strata", "weight", "entry"), KINDS)
def test_survival(ties, strata, weight, entry):
    gold = [
        one
        for one in GOLD["curves"]
        if (one["ties"], one["strata"], one["weight"], one["entry"]) == (ties, strata, weight, entry)
    ]
    stratum = DATA["size"] > 25 if strata else None
    cases = follow_up(
        (DATA["month"], DATA["status"]),
        strata=stratum,
        weight=DATA["w"] if weight else None,
        entry=DATA["entry"] if entry else None,
    )
    path = cox_hazard_path(DESIGN, cases, np.array([one["coef"] for one in gold]), ties)
    for at, one in enumerate(gold):
        asked = None if stratum is None else stratum[GOLD["rows"]]
        hazard = path[at].cumulative(DESIGN[GOLD["rows"]], GOLD["times"], asked)
        np.testing.assert_allclose(np.exp(-hazard), one["survival"], rtol=1e-9)
