"""From files and databases to harmonised cohorts: readers, codebook, site mappings, eligibility and real data sets."""

from .codebook import Codebook as Codebook
from .codebook import Label as Label
from .codebook import Language as Language
from .codebook import Variable as Variable
from .digest import frame_digest as frame_digest
from .harmonise import harmonise as harmonise
from .mapping import Column as Column
from .mapping import CompositeEndpoint as CompositeEndpoint
from .mapping import SiteMapping as SiteMapping
from .mapping import TimedEvent as TimedEvent
from .registry import datasets as datasets
from .registry import load as load
