"""The command line: ``biolab run|compare|joint|site|ui|lab|data|doctor``, calling the functions notebooks call."""

from .main import main as main
