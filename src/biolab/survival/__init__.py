"""Survival and risk models: targets, estimators, curves and what they are worth."""

from .baseline_hazard import StepFunction as StepFunction
from .cox import CoxPH as CoxPH
from .target import SurvivalTarget as SurvivalTarget
from .target import survival_target as survival_target
