"""Survival and risk models: targets, estimators, curves and what they are worth."""

from .baseline_hazard import StepFunction as StepFunction
from .cox import CoxPH as CoxPH
from .cox_cv import CoxPHCV as CoxPHCV
from .kaplan_meier import KaplanMeier as KaplanMeier
from .kaplan_meier import kaplan_meier as kaplan_meier
from .log_rank import LogRank as LogRank
from .log_rank import log_rank as log_rank
from .nelson_aalen import NelsonAalen as NelsonAalen
from .nelson_aalen import nelson_aalen as nelson_aalen
from .target import SurvivalTarget as SurvivalTarget
from .target import survival_target as survival_target
