"""Before the first interval: constants that follow from the parameters, and what is filled into the vessel."""

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy import ndarray

from . import layout as at


def prepared(plant: int, parameters: Any, hours: float) -> Any:
    """Return the parameters with constants behind them: at pH, and what closes each reaction's carbon and electrons.

    Parameters and what is returned, a row a run, are arrays of numpy or of torch, there where they are.
    """
    p, library = _zeros(parameters, at.ALL_PLACES), _library(parameters)
    p[:, : parameters.shape[1]] = parameters
    acid, basic = 10.0 ** (7.0 - p[:, at.PK_ACID]), 10.0 ** (7.0 - p[:, at.PK_BASIC])
    p[:, at.K1], p[:, at.KA] = 10.0 ** (7.0 - p[:, at.PK_CO2]), 10.0 ** (7.0 - p[:, at.PK_BUFFER])
    p[:, at.PER_ACID_2], p[:, at.BASIC_2], p[:, at.PH_NORM] = 1.0 / acid**2, basic**2, 1.0 + 2.0 * basic / acid
    p[:, at.PER_OSMOLALITY] = 1.0 / p[:, at.K_OSMOLALITY]
    p[:, at.PER_CO2] = 1.0 / (p[:, at.CO2_SOLUBILITY] * p[:, at.K_CO2])
    p[:, at.LOG_Q10] = library.log(p[:, at.Q10]) / 10.0
    for lag, follows in (
        (at.DO_LAG, at.DO_FOLLOWS),
        (at.PH_LAG, at.PH_FOLLOWS),
        (at.TEMPERATURE_LAG, at.TEMPERATURE_FOLLOWS),
    ):
        p[:, follows] = -library.expm1(-hours / p[:, lag])
    (_close_cho if plant == at.CHO else _close_ecoli)(p)
    return p


def _library(like: Any) -> ModuleType:
    return np if isinstance(like, ndarray) else import_module("torch")


def _zeros(like: Any, columns: int) -> Any:
    shape = (like.shape[0], columns)
    return np.zeros(shape) if isinstance(like, ndarray) else like.new_zeros(shape)


def _close_cho(p: Any) -> None:
    cell, amino = p[:, at.CELL_CARBON], p[:, at.AMINO_REDUCTION]
    glucose, glutamine, acids = p[:, at.CELL_GLUCOSE], p[:, at.CELL_GLUTAMINE], p[:, at.CELL_AMINO]
    p[:, at.CELL_CO2] = 6.0 * glucose + 5.0 * glutamine + acids - cell
    electrons = 24.0 * glucose + 18.0 * glutamine + amino * acids
    p[:, at.CELL_O2] = (electrons - p[:, at.CELL_REDUCTION] * cell) / 4.0
    p[:, at.CATABOLIC_CO2] = 1.0 - p[:, at.BYPRODUCT_SHARE]
    p[:, at.CATABOLIC_O2] = (amino - 3.6 * p[:, at.BYPRODUCT_SHARE]) / 4.0
    p[:, at.PER_LACTATE], p[:, at.PER_AMMONIUM] = 1.0 / p[:, at.KI_LACTATE], 1.0 / p[:, at.KI_AMMONIUM]
    p[:, at.PER_BYPRODUCT] = 1.0 / p[:, at.KI_BYPRODUCT]
    p[:, at.SWITCH_4], p[:, at.KD_BYPRODUCT_2] = p[:, at.SWITCH] ** 4, p[:, at.KD_BYPRODUCT] ** 2


def _close_ecoli(p: Any) -> None:
    """Cells from a mmol of glucose or acetate, and what is left as CO2."""
    cell, reduced = p[:, at.CELL_CARBON], p[:, at.CELL_REDUCTION]
    grown = p[:, at.Y_EM] * at.GLUCOSE_MASS
    p[:, at.GROWTH_CELLS], p[:, at.GROWTH_CO2] = grown, 6.0 - grown * cell
    p[:, at.GROWTH_O2] = (24.0 - grown * cell * reduced) / 4.0
    grown, acid = p[:, at.Y_OF] * at.GLUCOSE_MASS, p[:, at.Y_AS] * at.GLUCOSE_MASS / at.ACETATE_MASS
    p[:, at.FLOW_CELLS], p[:, at.FLOW_ACID] = grown, acid
    p[:, at.FLOW_CO2] = 6.0 - grown * cell - 2.0 * acid
    p[:, at.FLOW_O2] = (24.0 - grown * cell * reduced - 8.0 * acid) / 4.0
    grown = p[:, at.Y_XA] * at.ACETATE_MASS
    p[:, at.ACID_CELLS], p[:, at.ACID_CO2] = grown, 2.0 - grown * cell
    p[:, at.ACID_O2] = (8.0 - grown * cell * reduced) / 4.0
    made = 1.0 / (p[:, at.Y_PRODUCT] * at.GLUCOSE_MASS)
    p[:, at.MADE_GLUCOSE], p[:, at.MADE_CO2] = made, 6.0 * made - p[:, at.PRODUCT_CARBON]
    p[:, at.MADE_O2] = (24.0 * made - p[:, at.PRODUCT_CARBON] * p[:, at.AMINO_REDUCTION]) / 4.0


def filled(p: Any) -> tuple[Any, Any]:
    """Return states and memories at the start: medium in equilibrium at its pH, air-saturated, and the inoculum."""
    y, memory = _zeros(p, at.STATES), _zeros(p, at.MEMORY)
    h, temperature = 10.0 ** (7.0 - p[:, at.MEDIUM_PH]), p[:, at.START_TEMPERATURE]
    bicarbonate, viable = p[:, at.MEDIUM_BICARBONATE], p[:, at.START_VIABLE]
    y[:, at.GLUCOSE], y[:, at.SECOND] = p[:, at.START_GLUCOSE], p[:, at.START_SECOND]
    y[:, at.OXYGEN] = p[:, at.O2_SOLUBILITY] * (1.0 - p[:, at.O2_SLOPE] * (temperature - 37.0))
    y[:, at.CARBONATE] = bicarbonate * (1.0 + h / p[:, at.K1])
    y[:, at.VIABLE], y[:, at.DEAD] = viable, viable * (1.0 / p[:, at.START_VIABILITY] - 1.0)
    y[:, at.LACTATE], y[:, at.AMMONIUM] = p[:, at.START_LACTATE], p[:, at.START_AMMONIUM]
    y[:, at.AMINO] = p[:, at.MEDIUM_AMINO]
    y[:, at.ALKALI] = bicarbonate + p[:, at.BUFFER] * p[:, at.KA] / (p[:, at.KA] + h)
    small = y[:, [at.GLUCOSE, at.SECOND, at.LACTATE, at.AMMONIUM]].sum(axis=1) + y[:, at.AMINO] / at.AMINO_CARBONS
    y[:, at.SALT] = p[:, at.START_OSMOLALITY] - small
    y[:, at.VOLUME] = 1.0
    y *= p[:, at.START_VOLUME, None]
    y[:, at.TEMPERATURE] = temperature
    memory[:, at.M_STEP] = 0.01
    for lagged, last, value in (
        (at.M_DO, at.M_DO_LAST, 100.0),
        (at.M_PH, at.M_PH_LAST, p[:, at.MEDIUM_PH]),
        (at.M_TEMPERATURE, at.M_TEMPERATURE_LAST, temperature),
    ):
        memory[:, lagged], memory[:, last] = value, value
    memory[:, at.M_GLUCOSE_LAST] = -1.0
    return y, memory
