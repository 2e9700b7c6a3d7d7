"""How the fit of a feature can end."""

from typing import Final

OK: Final = 0
CONSTANT: Final = 1
SEPARATED: Final = 2
NOT_CONVERGED: Final = 3
COLLINEAR: Final = 4

REASONS: Final = ("ok", "constant", "separated", "not converged", "collinear")

# columns of what a scan of one feature returns
COEF, STANDARD_ERROR, SCORE, LIKELIHOOD_RATIO, OUTCOME = range(5)
COLUMNS: Final = 5
