"""Display tables: plain rows of text made from frames, for the page and the console."""

from .console import console_table as console_table
from .patients import characteristics_table as characteristics_table
from .patients import flow_table as flow_table
from .patients import survival_table as survival_table
from .provenance import runs_table as runs_table
from .provenance import settings_table as settings_table
from .provenance import versions_table as versions_table
from .results import differences_table as differences_table
from .results import hazard_table as hazard_table
from .results import validation_table as validation_table
from .shape import Cell as Cell
from .shape import Group as Group
from .shape import Table as Table
from .standing import changes_table as changes_table
from .standing import fairness_table as fairness_table
from .standing import missing_table as missing_table
from .standing import pooled_table as pooled_table
from .standing import ranking_table as ranking_table
from .standing import verification_table as verification_table
from .subgroups import subgroup_sentences as subgroup_sentences
from .subgroups import subgroup_tables as subgroup_tables
from .transport import signature_table as signature_table
from .transport import trained_signatures as trained_signatures
from .transport import transport_table as transport_table
from .transport import withheld_table as withheld_table
