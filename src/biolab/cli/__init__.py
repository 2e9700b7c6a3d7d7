"""The command line: ``biolab run|compare|joint|site|plant|ui|lab|data|doctor``, calling what notebooks call."""

from .main import main as main
