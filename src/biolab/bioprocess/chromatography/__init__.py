"""Downstream: capture of an antibody on a Protein A column."""

from .effluent import Breakthrough as Breakthrough
from .effluent import Capture as Capture
from .protein_a import ProteinA as ProteinA
from .protein_a import resin_life as resin_life
