"""Survival and risk models: targets, estimators, curves and what they are worth."""

from .cox_scan import cox_scan as cox_scan
from .cox_scan import cox_scan_max_t as cox_scan_max_t
from .target import SurvivalTarget as SurvivalTarget
from .target import survival_target as survival_target
