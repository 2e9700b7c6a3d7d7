"""Bioprocess: a plant that is run, monitored and purified."""

from .chromatography import Breakthrough as Breakthrough
from .chromatography import Capture as Capture
from .chromatography import ProteinA as ProteinA
from .chromatography import resin_life as resin_life
