"""Records of the kernel as a frame: what truly was in the vessel, and what the instruments made of it."""

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import spawn_seed
from biolab.core.arrays import Bool, Float
from biolab.kernels.fed_batch import GLUCOSE_MASS, LACTATE_MASS, layout

from .ecoli import EcoliFedBatch
from .recipe import Recipe
from .schedule import Plant, Schedule, parameter_values

ACETATE_MASS = layout.ACETATE_MASS


def concentrations(plant: Plant, records: Float[ndarray, "*k r"], values: dict[str, float]) -> dict[str, ndarray]:
    """Return true quantities in the units of the columns, for records of any shape."""
    with np.errstate(invalid="ignore", divide="ignore"):
        volume = records[..., layout.VOLUME]

        def per_l(state: int) -> ndarray:
            return np.maximum(records[..., state], 0.0) / volume

        seen = {name: records[..., layout.STATES + k] for k, name in enumerate(layout.RECORD)}
        living, dead = per_l(layout.VIABLE), per_l(layout.DEAD)
        temperature = records[..., layout.TEMPERATURE]
        henry = values["co2_solubility_mmol_per_l_per_mmhg"] * (
            1.0 - values["co2_solubility_slope_per_k"] * (temperature - 37.0)
        )
        viability = living / np.maximum(living + dead, 1e-300)
        if isinstance(plant, EcoliFedBatch):
            cells = {"biomass_g_per_l": living + dead, "viability": viability}
            acid = {"acetate_g_per_l": per_l(layout.SECOND) * ACETATE_MASS}
        else:
            cells = {
                "viable_cells_1e6_per_ml": living,
                "dead_cells_1e6_per_ml": dead,
                "lysed_cells_1e6_per_ml": per_l(layout.LYSED),
                "viability": viability,
            }
            acid = {
                "glutamine_mmol_per_l": per_l(layout.SECOND),
                "amino_acids_mmol_c_per_l": per_l(layout.AMINO),
                "byproducts_mmol_c_per_l": per_l(layout.BYPRODUCT),
            }
        return {
            **cells,
            "titre_g_per_l": per_l(layout.PRODUCT),
            "glucose_g_per_l": per_l(layout.GLUCOSE) * GLUCOSE_MASS,
            **acid,
            "lactate_g_per_l": per_l(layout.LACTATE) * LACTATE_MASS,
            "ammonium_mmol_per_l": per_l(layout.AMMONIUM),
            "contaminant_mmol_c_per_l": per_l(layout.CONTAMINANT),
            "dissolved_oxygen_percent": seen["dissolved_oxygen_percent"],
            "pco2_mmhg": seen["co2_mmol_per_l"] / henry,
            "ph": seen["ph"],
            "temperature_c": temperature,
            "osmolality_mosm_per_kg": seen["osmolality_mosm_per_kg"],
            "volume_l": volume,
            "growth_per_h": seen["growth_per_h"],
            "oxygen_uptake_mmol_per_l_h": seen["oxygen_uptake_mmol_per_l_h"],
            "co2_evolution_mmol_per_l_h": seen["co2_evolution_mmol_per_l_h"],
            **{name: seen[name] for name in _ACTUATORS},
        }


_ACTUATORS = (
    "agitation_rpm", "oxygen_fraction", "co2_fraction", "gas_flow_l_per_min", "kla_per_h", "jacket_temperature_c",
    "feed_l_per_h", "feed_l_per_h_measured", "base_l_per_h", "feed_total_l", "base_total_l", "evaporated_total_l",
    "ph_measured", "dissolved_oxygen_percent_measured", "temperature_c_measured",
)  # fmt: skip
_FRACTION = {
    "viable_cells_1e6_per_ml": "cell_count_noise_fraction",
    "dead_cells_1e6_per_ml": "cell_count_noise_fraction",
    "biomass_g_per_l": "cell_count_noise_fraction",
    "titre_g_per_l": "titre_noise_fraction",
    "glutamine_mmol_per_l": "metabolite_noise_fraction",
    "lactate_g_per_l": "metabolite_noise_fraction",
    "acetate_g_per_l": "metabolite_noise_fraction",
    "ammonium_mmol_per_l": "metabolite_noise_fraction",
}
_ADDED = {"osmolality_mosm_per_kg": "osmolality_noise_mosm_per_kg", "pco2_mmhg": "pco2_noise_mmhg"}


def trajectory_frame(
    plant: Plant,
    recipe: Recipe,
    schedule: Schedule,
    records: Float[ndarray, "k r"],
    when: ndarray,
    *,
    seed: int,
) -> pl.DataFrame:
    """Return a batch as a frame: time, phase, true quantities, set-points, and what was measured.

    Columns without suffix are what truly was; ``_measured`` is what instruments showed, at-line analyses only in the
    rows of a sample; ``_setpoint`` is what was wanted. Rows after a failure of the solver are left out.
    """
    values = parameter_values(plant, recipe)
    whole = np.isfinite(records[:, layout.VOLUME])
    records, when = records[whole], when[whole]
    time = when * schedule.interval_h
    steps = recipe.steps
    place = np.searchsorted([step.end_h for step in steps[:-1]], time + 1e-9, side="right")
    columns: dict[str, object] = {"time_h": time, "phase": [steps[k].phase for k in place]}
    columns |= concentrations(plant, records, values)
    rows = schedule.table[when]
    names = layout.SCHEDULE
    for name in ("ph", "dissolved_oxygen_percent", "temperature_c", "agitation_rpm", "gas_flow_l_per_min"):
        columns[f"{name}_setpoint"] = rows[:, names.index(name)]
    columns["feed_l_per_h_setpoint"] = columns["feed_l_per_h_measured"]
    sampled = rows[:, names.index("sample_l")] > 0.0
    factor = rows[:, names.index("glucose_factor")]
    glucose = records[:, layout.R_GLUCOSE_MEASURED] * GLUCOSE_MASS
    columns["glucose_g_per_l_measured"] = np.where(sampled, glucose, np.nan)
    _at_line(columns, values, sampled, factor, when, seed)
    floats = [name for name, column in columns.items() if isinstance(column, ndarray) and column.dtype.kind == "f"]
    return pl.DataFrame(columns).with_columns(pl.col(floats).fill_nan(None))


def _at_line(
    columns: dict[str, object],
    values: dict[str, float],
    sampled: Bool[ndarray, " k"],
    factor: Float[ndarray, " k"],
    when: ndarray,
    seed: int,
) -> None:
    """Add what the bench measured; a reading depends on the seed, the analyte and the time of the sample alone."""
    for name in [*_FRACTION, *_ADDED]:
        if name not in columns:
            continue
        true = np.asarray(columns[name])
        normal = np.zeros(true.size)
        for row in np.flatnonzero(sampled):
            normal[row] = np.random.default_rng(spawn_seed(seed, "bench", name, int(when[row]))).standard_normal()
        if name in _FRACTION:
            read = true * factor * (1.0 + values[_FRACTION[name]] * normal)
        else:
            read = true + values[_ADDED[name]] * normal
        columns[f"{name}_measured"] = np.where(sampled, np.maximum(read, 0.0), np.nan)
    if "viable_cells_1e6_per_ml_measured" in columns:
        viable = np.asarray(columns["viable_cells_1e6_per_ml_measured"])
        dead = np.asarray(columns["dead_cells_1e6_per_ml_measured"])
        with np.errstate(invalid="ignore"):
            columns["viability_measured"] = viable / (viable + dead)
