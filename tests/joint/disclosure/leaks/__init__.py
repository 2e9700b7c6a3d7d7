"""The red team's corpus: every kind of leak it could think of, each made from the patients of one made-up site."""

from . import counts as counts
from . import curves as curves
from . import figures as figures
from . import files as files
from . import hidden as hidden
from . import identifiers as identifiers
from . import models as models
from . import rows as rows
from .models import safetensors as safetensors
from .world import LEAKS as LEAKS
from .world import World as World
from .world import png as png
