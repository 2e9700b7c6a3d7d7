"""The fast work: one folder an operation, each with a float64 reference that mirrors its equation.

Only numpy, numba and torch are needed, so that operations also run where nothing else is installed. A name such as
``biolab.kernels.cox_loss`` is the function; parts of its folder come by ``from biolab.kernels.cox_loss import ...``.
"""

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
from .read_profile import ReadCounts as ReadCounts
from .read_profile import read_profile as read_profile
from .risk_set import RiskSet as RiskSet
from .standardise import standardised as standardised
