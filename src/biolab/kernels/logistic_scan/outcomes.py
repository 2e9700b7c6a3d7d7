"""How the logistic fit of a variant can end."""

from typing import Final

OK: Final = 0
CONSTANT: Final = 1
SEPARATED: Final = 2
NOT_CONVERGED: Final = 3
COLLINEAR: Final = 4
ONE_CLASS: Final = 5

REASONS: Final = ("ok", "constant", "separated", "not converged", "collinear", "one class only")
