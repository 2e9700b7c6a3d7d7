"""The fast work: one folder an operation, each with a float64 reference that mirrors its equation.

Imports only numpy, numba and torch, so that the operations also run where nothing else is installed.
"""

from .concordance import PairCounts as PairCounts
from .concordance import concordance as concordance
from .cox_slope import CoxSlope as CoxSlope
from .cox_slope import cox_slope as cox_slope
