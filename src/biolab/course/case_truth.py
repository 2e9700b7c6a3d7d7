"""What really happened in a trainee's cases: for hidden tests and scores, which alone import this.

The library is open: who reads it can compute all of this. No variable of a notebook holds it, though.
"""

import polars as pl

from biolab.bioprocess import CHOFedBatch

from .case_draws import fault_of, kinds_of, oxygen_drift_of, oxygen_run, papers_of, run


def truth(seed: int, case: str) -> dict[str, object]:
    """Return what really happened in a case of a trainee's casebook.

    Raises
    ------
    ConfigError
        If there is no such case.
    """
    if case == "mixed":
        return dict(kinds_of(seed))
    if case == "papers":
        return papers_of(seed)
    fault = fault_of(seed, case)
    result = run(seed, case, (fault,))
    last = result.trajectories.row(-1, named=True)
    found: dict[str, object] = {
        name: getattr(fault, name) for name in ("start_h", "per_h", "remaining", "factor") if hasattr(fault, name)
    }
    planned = 0.12 * sum(1 for k in range(10) if 72 + 24 * k >= fault.start_h)
    at_300 = result.trajectories.filter(pl.col("time_h") == 300.0)["ph"].item()
    return found | {
        "ph_at_300_h": at_300,
        "titre_g_per_l": last["titre_g_per_l"],
        "missing_l": planned * (1.0 - float(found.get("remaining", 1.0))),  # ty: ignore[invalid-argument-type]
    }


def probe_truth(plant: CHOFedBatch, seed: int) -> dict[str, float]:
    """Return when and how fast the oxygen probe of module 03 drifted, and what oxygen really was about hour 240."""
    fault = oxygen_drift_of(seed)
    near = oxygen_run(plant, seed).trajectories.filter(pl.col("time_h").is_between(236, 244))
    return {
        "start_h": fault.start_h,
        "per_h": fault.per_h,
        "do_at_240_h": float(near["dissolved_oxygen_percent"].to_numpy().mean()),
    }
