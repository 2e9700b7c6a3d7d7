"""The command line: ``biolab run|compare|joint|site|plant|ui|lab|data|doctor``, calling the functions notebooks call."""

from .main import main as main
