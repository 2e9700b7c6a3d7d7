"""The course: modules in one text, notebooks in two languages, graded safely on a plant of each trainee's own."""

from .blocks import LANGUAGES as LANGUAGES
from .blocks import Language as Language
from .build import Built as Built
from .build import build as build
from .cells import Cell as Cell
from .cells import Check as Check
from .cells import Exercise as Exercise
from .cells import Prose as Prose
from .cells import Score as Score
from .module import Module as Module
from .module import find_module as find_module
from .module import find_modules as find_modules
from .module import read_module as read_module
from .notebook import notebook as notebook
from .notebook import notebook_text as notebook_text
