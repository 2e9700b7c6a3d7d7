"""An estimate is never alone: it carries its standard error and interval."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A point estimate with its standard error and confidence limits.

    >>> Estimate(estimate=0.7, standard_error=0.02, lower=0.66, upper=0.74)
    0.700 (95 % CI 0.660 to 0.740)
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float
    confidence: float = 0.95

    def __repr__(self) -> str:
        """Print as in a paper: estimate and interval."""
        return f"{self.estimate:.3f} ({self.confidence:.0%} CI {self.lower:.3f} to {self.upper:.3f})".replace("%", " %")

    def metrics(self, name: str) -> dict[str, float]:
        """Flatten to MLflow's form: ``name``, ``name.lower``, ``name.upper``."""
        return {name: self.estimate, f"{name}.lower": self.lower, f"{name}.upper": self.upper}
