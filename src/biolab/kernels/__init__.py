"""The fast work: one folder an operation, each with a float64 reference that mirrors its equation.

Only numpy, numba and torch are needed, so that operations also run where nothing else is installed. A name such as
``biolab.kernels.cox_loss`` is the function; parts of its folder come by ``from biolab.kernels.cox_loss import ...``.
An operation loads when first used, so that what needs no torch does not wait for it.
"""

import sys
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .concordance import PairCounts as PairCounts
    from .concordance import concordance as concordance
    from .cox_curvature import cox_curvature as cox_curvature
    from .cox_information import CoxInformation as CoxInformation
    from .cox_information import cox_information as cox_information
    from .cox_loss import CoxDerivatives as CoxDerivatives
    from .cox_loss import cox_derivatives as cox_derivatives
    from .cox_loss import cox_loss as cox_loss
    from .cox_scan import CoxScan as CoxScan
    from .cox_scan import cox_scan as cox_scan
    from .cox_slope import CoxSlope as CoxSlope
    from .cox_slope import cox_slope as cox_slope
    from .elastic_net_descent import elastic_net_descent as elastic_net_descent
    from .fed_batch import FedBatchProblem as FedBatchProblem
    from .fed_batch import FedBatchRuns as FedBatchRuns
    from .fed_batch import fed_batch as fed_batch
    from .hardy_weinberg import hardy_weinberg_exact as hardy_weinberg_exact
    from .logistic_scan import LogisticScan as LogisticScan
    from .logistic_scan import logistic_scan as logistic_scan
    from .packed_matmul import Coding as Coding
    from .packed_matmul import packed_counts as packed_counts
    from .packed_matmul import packed_decode as packed_decode
    from .packed_matmul import packed_missing_of_samples as packed_missing_of_samples
    from .packed_matmul import packed_missing_sums as packed_missing_sums
    from .packed_matmul import packed_products as packed_products
    from .packed_matmul import packed_scores as packed_scores
    from .packed_matmul import packed_select as packed_select
    from .packed_matmul import packed_transpose as packed_transpose
    from .packed_pairs import correlations as correlations
    from .packed_pairs import kinship_counts as kinship_counts
    from .packed_pairs import packed_planes as packed_planes
    from .protein_a import protein_a as protein_a
    from .read_profile import ReadCounts as ReadCounts
    from .read_profile import read_profile as read_profile
    from .risk_set import RiskSet as RiskSet
    from .standardise import standardised as standardised

_NAMES = MappingProxyType(
    {
        "concordance": ("PairCounts", "concordance"),
        "cox_curvature": ("cox_curvature",),
        "cox_information": ("CoxInformation", "cox_information"),
        "cox_loss": ("CoxDerivatives", "cox_derivatives", "cox_loss"),
        "cox_scan": ("CoxScan", "cox_scan"),
        "cox_slope": ("CoxSlope", "cox_slope"),
        "elastic_net_descent": ("elastic_net_descent",),
        "fed_batch": ("FedBatchProblem", "FedBatchRuns", "fed_batch"),
        "hardy_weinberg": ("hardy_weinberg_exact",),
        "logistic_scan": ("LogisticScan", "logistic_scan"),
        "packed_matmul": (
            "Coding",
            "packed_counts",
            "packed_decode",
            "packed_missing_of_samples",
            "packed_missing_sums",
            "packed_products",
            "packed_scores",
            "packed_select",
            "packed_transpose",
        ),
        "packed_pairs": ("correlations", "kinship_counts", "packed_planes"),
        "protein_a": ("protein_a",),
        "read_profile": ("ReadCounts", "read_profile"),
        "risk_set": ("RiskSet",),
        "standardise": ("standardised",),
    }
)
"""What each operation gives."""
_FOLDER = MappingProxyType({name: folder for folder, names in _NAMES.items() for name in names})


class _Operations(ModuleType):
    """Find names when asked for; a folder that was imported does not hide the function that bears its name."""

    def __getattr__(self, name: str) -> object:
        if name not in _FOLDER:
            raise AttributeError(f"biolab.kernels has no {name!r}; it has {', '.join(_FOLDER)}")
        found = getattr(import_module(f"{__name__}.{_FOLDER[name]}"), name)
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _FOLDER and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_FOLDER})


sys.modules[__name__].__class__ = _Operations
