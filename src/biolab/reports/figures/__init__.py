"""Figures: pure functions from a frame and a legend to a matplotlib figure."""

from .batch_trends import batch_trends as batch_trends
from .calibration import calibration as calibration
from .cumulative_incidence import cumulative_incidence as cumulative_incidence
from .d_calibration import d_calibration as d_calibration
from .decision_curve import decision_curve as decision_curve
from .differences import differences as differences
from .forest import forest as forest
from .kaplan_meier import kaplan_meier as kaplan_meier
from .kmer_spectrum import kmer_spectrum as kmer_spectrum
from .manhattan import manhattan as manhattan
from .pairwise_matrix import pairwise_matrix as pairwise_matrix
from .penalised_path import penalised_path as penalised_path
from .pooled_measure import funnel as funnel
from .pooled_measure import pooled_forest as pooled_forest
from .quantile_quantile import quantile_quantile as quantile_quantile
from .read_quality import read_quality as read_quality
from .replication import replication as replication
from .residual_trend import residual_trend as residual_trend
from .sequence_map import sequence_map as sequence_map
from .smooth_calibration import smooth_calibration as smooth_calibration
from .svg import svg as svg
from .transport import transport as transport
from .validation_matrix import validation_matrix as validation_matrix
from .volcano import volcano as volcano
