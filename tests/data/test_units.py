import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.data.units import conversion

TIMES = st.sampled_from(["day", "week", "month", "year"])


def convert(value: float, unit: str, target: str) -> float:
    numerator, denominator = conversion(unit, target)
    return value * numerator / denominator


@settings(derandomize=True, max_examples=50)
@given(st.floats(1e-3, 1e6), TIMES, TIMES)
def test_there_and_back(value, unit, target):
    assert convert(convert(value, unit, target), target, unit) == pytest.approx(value, rel=1e-14)


def test_twelve_months_are_one_year_exactly():
    assert convert(1.0, "year", "month") == 12.0
    assert convert(2.5, "cm", "mm") == 25.0


@pytest.mark.parametrize(
    ("unit", "target", "said"),
    [
        ("mnoth", "day", "'mnoth' cannot be converted to 'day'. Did you mean 'month'"),
        ("kg", "year", "Known names: day, month, week, year"),
        ("ng", "fmol/mg", "Known names: fmol/mg"),
        ("mm", "day", "'mm' cannot be converted"),
    ],
)
def test_an_unknown_unit_names_those_known(unit, target, said):
    with pytest.raises(ConfigError, match=said):
        conversion(unit, target)
