"""Mathematics without biology: penalties, resampling, intervals, pooling of estimates."""

from .intervals import wald_estimate as wald_estimate
from .meta_analysis import MetaAnalysis as MetaAnalysis
from .meta_analysis import meta_analyse as meta_analyse
from .multiple_testing import benjamini_hochberg as benjamini_hochberg
from .multiple_testing import holm as holm
from .penalties import ElasticNet as ElasticNet
from .penalties import Lasso as Lasso
from .penalties import Ridge as Ridge
from .penalties import column_places as column_places
from .resampling import bootstrap_weights as bootstrap_weights
from .resampling import percentile_interval as percentile_interval
from .resampling import stratified_folds as stratified_folds
