"""Mathematics without biology: resampling, meta-analysis and intervals."""

from .resampling import bootstrap_weights as bootstrap_weights
from .resampling import percentile_interval as percentile_interval
from .resampling import stratified_folds as stratified_folds
