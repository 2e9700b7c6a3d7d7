"""The quantities of a batch: one name each, with its unit, the same in recipes, trajectories, alarms and records."""

from collections.abc import Mapping
from types import MappingProxyType

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "time_h": "h",
        "viable_cells_1e6_per_ml": "1e6 cells/mL",
        "dead_cells_1e6_per_ml": "1e6 cells/mL",
        "lysed_cells_1e6_per_ml": "1e6 cells/mL",
        "viability": "1",
        "biomass_g_per_l": "g/L",
        "titre_g_per_l": "g/L",
        "glucose_g_per_l": "g/L",
        "glutamine_mmol_per_l": "mmol/L",
        "lactate_g_per_l": "g/L",
        "acetate_g_per_l": "g/L",
        "ammonium_mmol_per_l": "mmol/L",
        "dissolved_oxygen_percent": "% of air saturation",
        "pco2_mmhg": "mmHg",
        "ph": "pH",
        "offline_ph": "pH",
        "temperature_c": "°C",
        "osmolality_mosm_per_kg": "mOsm/kg",
        "volume_l": "L",
        "agitation_rpm": "1/min",
        "oxygen_fraction": "1",
        "gas_flow_l_per_min": "L/min",
        "feed_l_per_h": "L/h",
        "base_l_per_h": "L/h",
        "feed_total_l": "L",
    }
)
"""Unit of every quantity; ``1`` is a plain share."""

MEASURED, SETPOINT = "_measured", "_setpoint"
_ENDINGS = MappingProxyType(
    {
        "_1e6_per_ml": "1e6 cells/mL",
        "_g_per_l": "g/L",
        "_mmol_per_l": "mmol/L",
        "_l_per_min": "L/min",
        "_l_per_h": "L/h",
        "_mmhg": "mmHg",
        "_percent": "%",
        "_rpm": "1/min",
        "_mosm_per_kg": "mOsm/kg",
        "_per_h": "1/h",
        "_fraction": "1",
        "_c": "°C",
        "_l": "L",
        "_h": "h",
    }
)


def quantity_of(column: str) -> str:
    """Return the quantity that a column holds, measured or wanted.

    >>> quantity_of("ph_measured"), quantity_of("ph_setpoint"), quantity_of("ph")
    ('ph', 'ph', 'ph')
    """
    return column.removesuffix(MEASURED).removesuffix(SETPOINT)


def unit_of(column: str) -> str:
    """Return the unit of a column; a quantity not listed is read by the ending of its name, ``""`` if it has none.

    >>> unit_of("glucose_g_per_l_measured"), unit_of("water_evaporated_l"), unit_of("phase")
    ('g/L', 'L', '')
    """
    quantity = quantity_of(column)
    if quantity in UNITS:
        return UNITS[quantity]
    return next((unit for ending, unit in _ENDINGS.items() if quantity.endswith(ending)), "")
