"""The command line: ``biolab run|compare|ui|lab|data|doctor``, calling the functions notebooks call."""

from .main import main as main
