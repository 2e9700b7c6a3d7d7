"""How protein reaches the beads of a packed bed: correlations of speed, film and dispersion."""

# Water near 20 degrees; it only enters the small Reynolds term of the dispersion.
_KINEMATIC_VISCOSITY_M2_PER_S = 1.0e-6


def superficial_m_per_s(bed_height_cm: float, residence_time_min: float) -> float:
    """Return the speed of the liquid in the empty column; the residence time is that of a whole column volume."""
    return bed_height_cm / 100.0 / (60.0 * residence_time_min)


def film_m_per_s(superficial: float, diameter_m: float, diffusivity_m2_per_s: float, porosity: float) -> float:
    """Return the film coefficient: Sh = (1.09 / porosity) (Re Sc)^(1/3), for 0.0016 < Re < 55.

    Re Sc = superficial speed * diameter / diffusivity: the viscosity cancels.

    References
    ----------
    Wilson and Geankoplis (1966), Ind. Eng. Chem. Fundam. 5:9-14
    """
    sherwood = 1.09 / porosity * (superficial * diameter_m / diffusivity_m2_per_s) ** (1.0 / 3.0)
    return sherwood * diffusivity_m2_per_s / diameter_m


def peclet_of_bed(superficial: float, diameter_m: float, porosity: float, bed_height_cm: float) -> float:
    """Return u L / D of axial dispersion: that of a bead, (0.2 + 0.011 Re^0.48) / porosity, times beads in a row.

    References
    ----------
    Chung and Wen (1968), AIChE J. 14:857-866
    """
    reynolds = superficial * diameter_m / _KINEMATIC_VISCOSITY_M2_PER_S
    return (0.2 + 0.011 * reynolds**0.48) / porosity * (bed_height_cm / 100.0) / diameter_m
