"""Joint experiments between institutions: one protocol, a run per site, external validation, one comparison."""

from .cohorts import load_cohort as load_cohort
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .comparison import recorded_protocol as recorded_protocol
from .experiment import plan as plan
from .experiment import run_experiment as run_experiment
from .facts import ProtocolFacts as ProtocolFacts
from .fitting import FittedModel as FittedModel
from .fitting import build_model as build_model
from .fitting import fit_model as fit_model
from .performance import cross_validated_predictions as cross_validated_predictions
from .performance import judge as judge
from .pooling import pool_hazard_ratios as pool_hazard_ratios
from .pooling import pool_predictions as pool_predictions
from .protocol import Protocol as Protocol
from .site import SiteWork as SiteWork
from .site import run_site as run_site
from .transport import transport as transport
from .validation import validate_at_site as validate_at_site
from .validation import validate_pooled_at_site as validate_pooled_at_site
from .withheld import record_withheld_site as record_withheld_site
