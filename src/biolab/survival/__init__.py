"""Survival and risk models: targets, estimators, curves and what they are worth."""

from .auc import time_dependent_auc as time_dependent_auc
from .auc import time_dependent_auc_draws as time_dependent_auc_draws
from .brier import brier_score as brier_score
from .brier import brier_score_draws as brier_score_draws
from .brier import integrated_brier_score as integrated_brier_score
from .brier import integrated_brier_score_draws as integrated_brier_score_draws
from .calibration import CalibrationCurve as CalibrationCurve
from .calibration import calibration_curve as calibration_curve
from .calibration import calibration_slope as calibration_slope
from .calibration import calibration_slope_draws as calibration_slope_draws
from .calibration import observed_expected as observed_expected
from .calibration import observed_expected_draws as observed_expected_draws
from .censoring import censoring_distribution as censoring_distribution
from .cox_scan import cox_scan as cox_scan
from .cox_scan import cox_scan_max_t as cox_scan_max_t
from .discrete_time import DiscreteTimeHazard as DiscreteTimeHazard
from .discrimination import harrell_c as harrell_c
from .discrimination import harrell_c_draws as harrell_c_draws
from .discrimination import uno_c as uno_c
from .discrimination import uno_c_draws as uno_c_draws
from .evaluation import Evaluation as Evaluation
from .evaluation import Prediction as Prediction
from .evaluation import evaluate as evaluate
from .target import SurvivalTarget as SurvivalTarget
from .target import survival_target as survival_target
