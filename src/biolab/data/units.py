"""Units a site may record in, and the factors between them."""

from typing import Final

from biolab.core import ConfigError, did_you_mean

_SCALES: Final[dict[str, dict[str, float]]] = {
    "time": {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25},
    "length": {"mm": 1.0, "cm": 10.0},
}


def conversion(unit: str, target: str) -> tuple[float, float]:
    """Return numerator and denominator of the factor from one unit to another.

    A year is 365.25 days and a month 30.4375 days (a twelfth of it), so that 12 months are exactly one year.
    A unit biolab does not know (``fmol/mg``) can only be recorded as the codebook has it.

    >>> conversion("year", "month")
    (365.25, 30.4375)
    >>> conversion("fmol/mg", "fmol/mg")
    (1.0, 1.0)

    Raises
    ------
    ConfigError
        If no factor between the two is known.
    """
    if unit == target:
        return 1.0, 1.0
    for scale in _SCALES.values():
        if unit in scale and target in scale:
            return scale[unit], scale[target]
    known = next((scale for scale in _SCALES.values() if target in scale), {target: 1.0})
    raise ConfigError(f"Unit {unit!r} cannot be converted to {target!r}. {did_you_mean(unit, known)}")
