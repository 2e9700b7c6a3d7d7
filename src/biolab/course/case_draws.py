"""What a trainee's seed draws for modules 03 and 05: which fault, when, how large, on which plant, and how it ran.

Nothing here is in what a notebook holds: ``casebook`` gives records made from it, ``case_truth`` what the tests ask.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import polars as pl

from biolab.bioprocess import BatchRecord, BatchResult, CHOFedBatch, Recipe, simulate
from biolab.bioprocess.faults import (
    CascadeFailure,
    Contamination,
    FeedBlockage,
    FoamOut,
    JacketFailure,
    PlantFault,
    ProbeDrift,
    SamplingDilutionError,
)  # fmt: skip
from biolab.bioprocess.record import batch_record
from biolab.core import ConfigError, spawn_seed

LETTERS = ("A", "B", "C", "D", "E", "F")
PAPERS = ("P", "Q", "R")
NOTHING = "none"
READINGS = ("glucose_g_per_l_measured", "viability_measured", "lactate_g_per_l_measured")
_MIXED: Mapping[str, PlantFault] = {
    "probe-drift": ProbeDrift("ph", start_h=0, per_h=-0.0025),
    "feed-blockage": FeedBlockage(start_h=0, remaining=0.2),
    "contamination": Contamination(start_h=0, inoculum_mmol_c=1e-3),
    "jacket-failure": JacketFailure(start_h=0),
    "cascade-failure": CascadeFailure(start_h=0),
    "sampling-dilution-error": SamplingDilutionError(start_h=0, factor=0.75),
    "foam-out": FoamOut(start_h=0, hours=3.0, lost_fraction=0.12, kla_factor=0.4),
}


def recipe() -> Recipe:
    """Return the recipe that all batches followed: the standard one, with a sample every 12 hours."""
    return Recipe.load("cho-standard").changed({"sampling.every_h": 12.0, "sampling.volume_ml": 6.0})


def fault_of(seed: int, case: str) -> PlantFault:
    """Return the fault of a case.

    Raises
    ------
    ConfigError
        If there is no such case.
    """
    rng = _draw(seed, case)
    early, size = rng.uniform(0.0, 1.0), rng.uniform(0.0, 1.0)
    sign = 1.0 if rng.uniform() < 0.5 else -1.0
    if case == "drift":
        return ProbeDrift("ph", start_h=round(84 + 72 * early), per_h=sign * round(0.0018 + 0.0014 * size, 5))
    if case == "blockage":
        between = 24 * int(4 + 4 * early) + 4 + int(16 * size)
        return FeedBlockage(start_h=between, remaining=round(0.15 + 0.4 * size, 2))
    if case == "dilution":
        factor = 0.68 + 0.12 * size if sign < 0 else 1.2 + 0.2 * size
        return SamplingDilutionError(start_h=12 * int(10 + 9 * early), factor=round(factor, 2))
    if case == "cascade":
        return CascadeFailure(start_h=round(110 + 30 * early))
    raise ConfigError(f"There is no case {case!r}; there are drift, blockage, dilution and cascade.")


def kinds_of(seed: int) -> dict[str, str]:
    """Return what went wrong in the mixed records, by their letters."""
    rng = _draw(seed, "mixed")
    kinds = [NOTHING, *rng.choice(list(_MIXED), size=len(LETTERS) - 1, replace=False).tolist()]
    return dict(zip(LETTERS, rng.permutation(kinds).tolist(), strict=True))


def mixed_fault(seed: int, kind: str) -> PlantFault:
    """Return the fault of a mixed record."""
    return replace(_MIXED[kind], start_h=round(float(_draw(seed, f"mixed {kind}").uniform(110, 190))))


def papers_of(seed: int) -> dict[str, object]:
    """Return what was done to the records P to R: which to which, and where."""
    rng = _draw(seed, "papers")
    kinds = rng.permutation(["untouched", "reading", "rewritten"]).tolist()
    truth: dict[str, object] = dict(zip(PAPERS, kinds, strict=True))
    column, time_h = str(rng.choice(READINGS)), 12.0 * int(rng.integers(10, 26))
    read = paper(seed, PAPERS[kinds.index("reading")]).measurements.filter(pl.col("time_h") == time_h)
    alarm = paper(seed, PAPERS[kinds.index("rewritten")]).trail.only("alarm")[0]
    return truth | {"column": column, "time_h": time_h, "original": read[column].item(), "entry": alarm.sequence}


def paper(seed: int, letter: str) -> BatchRecord:
    """Return one of the records P to R as it was written."""
    failed = round(float(_draw(seed, f"paper {letter}").uniform(100, 240)))
    return record_of(seed, letter, (JacketFailure(start_h=failed, end_h=failed + 14),))


def record_of(seed: int, case: str, faults: tuple[PlantFault, ...]) -> BatchRecord:
    """Return the record of a batch."""
    return batch_record(run(seed, case, faults), author="operator-1", batch=case)


@lru_cache(maxsize=128)
def run(seed: int, case: str, faults: tuple[PlantFault, ...]) -> BatchResult:
    """Return how a batch really went; kept here, where no variable of a notebook leads."""
    return simulate(plant_of(seed, case), recipe(), faults=faults, seed=batch_seed(seed, case))


def plant_of(seed: int, case: str) -> CHOFedBatch:
    """Return the plant of a batch: that of the dilution grows another clone, so no other batch tells its titre."""
    plant = CHOFedBatch()
    if case != "dilution":
        return plant
    rng = _draw(seed, "clone")
    share = rng.uniform(0.6, 0.75) if rng.uniform() < 0.5 else rng.uniform(1.3, 1.6)
    return replace(plant, product_g_per_1e9_h=plant.product_g_per_1e9_h * share)


def oxygen_drift_of(seed: int) -> ProbeDrift:
    """Return how the oxygen probe of module 03 drifts."""
    rng = _draw(seed, "oxygen probe")
    per_h = rng.uniform(0.12, 0.22) * rng.choice([-1.0, 1.0])
    return ProbeDrift("dissolved_oxygen", start_h=float(rng.uniform(110, 150)), per_h=float(per_h))


@lru_cache(maxsize=8)
def oxygen_run(plant: CHOFedBatch, seed: int) -> BatchResult:
    """Return how the batch with this probe really went."""
    faults = (oxygen_drift_of(seed),)
    return simulate(plant, Recipe.load("cho-standard"), faults=faults, hours=264, seed=seed)


def batch_seed(seed: int, case: str) -> int:
    """Return the seed of a batch's noise."""
    return spawn_seed(seed, "deviations", case) % 2**31


def _draw(seed: int, case: str) -> np.random.Generator:
    return np.random.default_rng(spawn_seed(seed, "casebook", case))
