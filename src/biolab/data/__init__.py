"""From files and databases to harmonised cohorts: readers, codebook, site mappings, eligibility and real data sets."""

from .codebook import Codebook as Codebook
from .codebook import Label as Label
from .codebook import Language as Language
from .codebook import Variable as Variable
from .cohort import Cohort as Cohort
from .cohort import describe as describe
from .cohort import select_cohort as select_cohort
from .digest import frame_digest as frame_digest
from .eligibility import Eligibility as Eligibility
from .eligibility import MissingPolicy as MissingPolicy
from .harmonise import harmonise as harmonise
from .mapping import Column as Column
from .mapping import CompositeEndpoint as CompositeEndpoint
from .mapping import SiteMapping as SiteMapping
from .mapping import TimedEvent as TimedEvent
from .readers import scan as scan
from .registry import datasets as datasets
from .registry import load as load
from .sql import scan_sql as scan_sql
from .synthetic import UniformCensoring as UniformCensoring
from .synthetic import Weibull as Weibull
from .synthetic import synthetic_cohort as synthetic_cohort
