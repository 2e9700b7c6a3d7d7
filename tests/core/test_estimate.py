"""An estimate prints and flattens as in a paper."""

from biolab.core import Estimate


def test_print_and_metrics() -> None:
    found = Estimate(estimate=0.71, standard_error=0.01, lower=0.69, upper=0.73, confidence=0.9)
    assert repr(found) == "0.710 (90 % CI 0.690 to 0.730)"
    assert found.metrics("harrell_c") == {"harrell_c": 0.71, "harrell_c.lower": 0.69, "harrell_c.upper": 0.73}
