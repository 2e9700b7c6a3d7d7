"""Whether what came in is there or went out: carbon and volume of a run's records."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.fed_batch import PARAMETERS, layout


def carbon_content(
    plant: int, parameters: Float[ndarray, " p"], amounts: Float[ndarray, "*k s"]
) -> Float[ndarray, "*k"]:
    """Return mmol of carbon in amounts of states."""
    p = dict(zip(PARAMETERS[plant], parameters.tolist(), strict=True))
    each = np.zeros(amounts.shape[-1])
    each[layout.GLUCOSE], each[layout.LACTATE] = 6.0, 3.0
    each[layout.SECOND] = 5.0 if plant == layout.CHO else 2.0
    each[[layout.CARBONATE, layout.AMINO, layout.BYPRODUCT, layout.CONTAMINANT]] = 1.0
    each[[layout.VIABLE, layout.DEAD, layout.LYSED]] = p["cell_carbon_mmol"]
    each[layout.PRODUCT] = p["product_carbon_mmol_per_g"]
    return amounts @ each


def carbon_balance(
    plant: int, parameters: Float[ndarray, " p"], records: Float[ndarray, "k r"]
) -> Float[ndarray, " k"]:
    """Return the carbon that is unaccounted for since the first record, over all that was ever there.

    In: feed and base. There: everything in the vessel. Out: CO2 in the gas, samples and foam. Contamination brings
    carbon that this does not count.
    """
    p = dict(zip(PARAMETERS[plant], parameters.tolist(), strict=True))
    second = 5.0 if plant == layout.CHO else 2.0
    fed = 6 * p["feed_glucose_mmol_per_l"] + second * p["feed_second_mmol_per_l"] + p["feed_amino_acids_mmol_c_per_l"]
    total_in = fed * records[:, layout.R_FED] + p["base_carbon_mmol_per_l"] * records[:, layout.R_BASE_TOTAL]
    there = carbon_content(plant, parameters, records[:, : layout.CONTENT])
    gone = carbon_content(plant, parameters, records[:, layout.R_REMOVED :]) + records[:, layout.CO2_OUT]
    missing = there + gone - total_in
    return (missing - missing[0]) / (there[0] + total_in)


def volume_balance(records: Float[ndarray, "k r"]) -> Float[ndarray, " k"]:
    """Return the litres unaccounted for since the first record, over all that was ever there."""
    came = records[:, layout.R_FED] + records[:, layout.R_BASE_TOTAL]
    gone = records[:, layout.R_VAPOUR] + records[:, layout.R_REMOVED + layout.VOLUME]
    missing = records[:, layout.VOLUME] + gone - came
    return (missing - missing[0]) / (missing[0] + came)
