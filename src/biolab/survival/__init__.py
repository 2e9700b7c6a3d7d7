"""Survival and risk models: targets, estimators, curves and what they are worth."""

from .target import SurvivalTarget as SurvivalTarget
from .target import survival_target as survival_target
