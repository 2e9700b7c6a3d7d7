"""Models of a class or a number: fitted with scikit-learn, released as plain numbers, judged with intervals."""

from .fitting import fit_tabular as fit_tabular
from .fitting import outcome_values as outcome_values
from .judging import calibration_groups as calibration_groups
from .judging import cross_validated as cross_validated
from .judging import judge_tabular as judge_tabular
from .judging import subgroup_tabular as subgroup_tabular
from .released import ReleasedTabular as ReleasedTabular
