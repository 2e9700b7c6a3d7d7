"""A batch that needs no simulation: smooth made-up columns with the names that a plant writes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.bioprocess import Recipe
from biolab.bioprocess.alarms import EVENT_SCHEMA


@dataclass(frozen=True, kw_only=True)
class MadeUpBatch:
    trajectories: pl.DataFrame
    events: pl.DataFrame
    recipe: Recipe
    seed: int = 7
    plant: object = None
    faults: tuple[object, ...] = ()
    failed_h: float | None = None

    @property
    def metrics(self) -> dict[str, float]:
        return {"hours": 336.0}

    @property
    def settings(self) -> dict[str, object]:
        return {"recipe": self.recipe.content, "parameters": {"mu": 0.03}, "faults": ["drift"], "seed": self.seed}


def made_up_batch(*, hours: float = 336.0, ph_drift_per_h: float = 0.0, recipe: str = "cho-standard") -> MadeUpBatch:
    """Make a batch whose pH runs away from its set-point after day 5."""
    time = np.arange(0.0, hours + 0.5)
    rng = np.random.default_rng(1)
    cells = 20 / (1 + np.exp(-(time - 120) / 24))
    ph = 7.05 + ph_drift_per_h * np.maximum(time - 120, 0) + rng.normal(0, 0.003, time.size)
    frame = pl.DataFrame(
        {
            "time_h": time,
            "viable_cells_1e6_per_ml": cells,
            "viable_cells_1e6_per_ml_measured": np.where(time % 24 == 0, cells, np.nan),
            "viability_measured": np.linspace(0.97, 0.85, time.size),
            "titre_g_per_l_measured": 3 * (time / 336) ** 2,
            "glucose_g_per_l_measured": 4 + np.sin(time / 40),
            "ammonium_mmol_per_l_measured": 1 + time / 100,
            "lactate_g_per_l_measured": 1 + time / 336,
            "osmolality_mosm_per_kg_measured": 300 + time / 10,
            "pco2_mmhg_measured": 50 + time / 10,
            "ph": 7.05 + 0 * time,
            "ph_measured": ph,
            "ph_setpoint": 7.05 + 0 * time,
            "dissolved_oxygen_percent_measured": 40 + rng.normal(0, 0.4, time.size),
            "dissolved_oxygen_percent_setpoint": 40 + 0 * time,
            "temperature_c_measured": 37 + rng.normal(0, 0.02, time.size),
            "temperature_c_setpoint": 37 + 0 * time,
            "volume_l": 3 + time / 400,
            "volume_l_measured": 3 + time / 400,
            "agitation_rpm": 100 + cells * 4,
        }
    ).with_columns(pl.col("viable_cells_1e6_per_ml_measured").fill_nan(None))
    events = [
        (0.0, "phase", "growth", "begins", None),
        (100.5, "operator", "temperature_c", "colder to hold lactate", 36.5),
        (110.0, "operator", "feed", "glucose is low", 0.05),
        (150.0, "fault", "ProbeDrift", "begins", None),
    ]
    return MadeUpBatch(
        trajectories=frame, events=pl.DataFrame(events, schema=EVENT_SCHEMA, orient="row"), recipe=Recipe.load(recipe)
    )
