"""Figures: pure functions from a frame and a legend to a matplotlib figure."""

from .calibration import calibration as calibration
from .differences import differences as differences
from .forest import forest as forest
from .kaplan_meier import kaplan_meier as kaplan_meier
from .svg import svg as svg
from .transport import transport as transport
from .validation_matrix import validation_matrix as validation_matrix
